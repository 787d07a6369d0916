import API
import Synchronization
import Terminal
import Testing
import Wire

@testable import shoal

@Suite struct ModelCommandTests {
    private static func job(_ state: String, round: Int, error: String? = nil) -> JobReport {
        JobReport(
            id: 4, agent: "clinic",
            training: .init(
                state: state, weights: .federated, round: round, rounds: 2, steps: round * 50, loss: 1.5,
                validation: nil, seconds: 0.5, ops: round, opBytes: 100 * round, error: error))
    }

    /// A node whose one job passes through the states given, one a question.
    private static func node(_ states: [JobReport], asked: Mutex<TrainRequest?>.Shared = .init(nil)) throws -> FakeNode
    {
        let left = Mutex(states)
        let next: @Sendable () -> JobReport = {
            left.withLock { left in left.count > 1 ? left.removeFirst() : left[0] }
        }
        return try FakeNode { router in
            router.post("/api/models/train") { request in
                let body: TrainRequest = try request.json()
                asked.value.withLock { $0 = body }
                return .json(Self.job("waiting", round: 0), status: 202)
            }
            router.get("/api/jobs/:id") { _ in .json(next()) }
        }
    }

    @Test func `a second model of one agent is created only on demand`() async throws {
        let model = ModelReport(
            id: String(repeating: "2f", count: 32), agent: "clinic", name: "model",
            author: String(repeating: "ab", count: 32), dim: 64, heads: 4, layers: 1, context: 16, vocabulary: 9,
            parameters: 50_368, sites: 1, training: nil)
        let node = try FakeNode { router in
            router.get("/api/models") { _ in .json([model]) }
            router.post("/api/models") { _ in .json(model, status: 201) }
        }
        let outcome = await node.run("model", "create", "--agent", "clinic")
        #expect(outcome.code == .refused)
        #expect(outcome.errors.contains("there is a model of this agent, 2f2f2f2f2f2f"), "\(outcome.errors)")
        #expect(await node.run("model", "create", "--agent", "clinic", "--another").code == .done)
        #expect(await node.run("model", "create", "--agent", "ward").code == .done)
    }

    @Test func `training is followed to its end`() async throws {
        let asked = Mutex<TrainRequest?>.Shared(nil)
        let node = try Self.node([Self.job("running", round: 1), Self.job("done", round: 2)], asked: asked)
        let outcome = await node.run(
            "model", "train", "--agent", "clinic", "--rounds", "2", "--learning-rate", "0.01", "--walks", "edge",
            "--json")
        #expect(outcome.code == .done, "\(outcome.errors)")
        #expect(try outcome.json(JobReport.self) == Self.job("done", round: 2))
        let request = asked.value.withLock { $0 }
        #expect(request?.rounds == 2 && request?.learningRate == 0.01 && request?.walks == "edge")
        #expect(request?.weights == .federated && request?.batch == nil, "what is not said is the node's to choose")
    }

    @Test func `a training that fails says why`() async throws {
        let node = try Self.node([Self.job("failed", round: 1, error: "train: the model was deleted")])
        let outcome = await node.run("model", "train", "--agent", "clinic")
        #expect(outcome.code == .refused)
        #expect(outcome.errors.contains("the model was deleted"))
    }

    @Test func `a detached training returns at once`() async throws {
        let node = try Self.node([])
        let outcome = await node.run("model", "train", "--agent", "clinic", "--isolated", "--detach")
        #expect(outcome.code == .done, "\(outcome.errors)")
        #expect(node.asked == ["POST /api/models/train"])
    }

    @Test func `a context is words, commas, or both`() async throws {
        let contexts = Mutex<[[String]]>.Shared([])
        let node = try FakeNode { router in
            router.post("/api/models/predict") { request in
                let asked: PredictRequest = try request.json()
                contexts.value.withLock { $0.append(asked.context) }
                return .json(
                    PredictReport(
                        agent: asked.agent, weights: asked.weights ?? .federated,
                        predictions: [.init(id: "00", name: "headache", probability: 0.5, known: true)]))
            }
        }
        for words in [
            ["aspirin", "treats"], ["--context", "aspirin, treats"], ["--context", "aspirin", "--context", "treats"],
        ] {
            let outcome = await run(["model", "predict", "--agent", "clinic"] + words + node.site)
            #expect(outcome.code == .done, "\(outcome.errors)")
            #expect(outcome.output.contains("headache"))
            #expect(outcome.output.contains("50.0 %"))
        }
        #expect(await node.run("model", "predict", "--agent", "clinic", "a,b", "^r").code == .done)
        let expected = Array(repeating: ["aspirin", "treats"], count: 3) + [["a,b", "^r"]]
        #expect(contexts.value.withLock { $0 } == expected)
    }

    @Test func `filters are joined, from files and folders of sites`() async throws {
        let filters = Mutex<[String]>.Shared([])
        let node = try FakeNode { router in
            router.post("/api/models/evaluate", bodyLimit: 1 << 20) { request in
                filters.value.withLock {
                    $0.append(String(decoding: (try? request.body.collect()) ?? [], as: UTF8.self))
                }
                return .json(
                    EvaluationReport(
                        agent: "clinic", weights: .federated, protocol: request.query["protocol"] ?? "",
                        split: request.query["split"] ?? "", filter: "given", mrr: nil, hits1: nil, hits10: nil,
                        queries: 0, unknown: 0, ranks: nil))
            }
        }
        _ = try node.directory.write("a\tr\tb", to: "all/0/train.txt")
        _ = try node.directory.write("c\tr\td\n", to: "all/1/valid.txt")
        let file = try node.directory.write("e\tr\tf", to: "more.tsv")
        let outcome = await node.run(
            "model", "evaluate", "--agent", "clinic", "--filter", node.directory.file("all"), "--filter", file,
            "--protocol", "fede", "--json")
        #expect(outcome.code == .done, "\(outcome.errors)")
        #expect(filters.value.withLock { $0 } == ["a\tr\tb\nc\tr\td\ne\tr\tf\n"])
        #expect(try outcome.json(EvaluationReport.self).protocol == "fede")
        let without = await node.run("model", "evaluate", "--agent", "clinic")
        #expect(without.code == .done)
        #expect(without.output.contains("nothing to measure with"))
    }

    @Test func `deleting is final and says so`() async throws {
        let node = try FakeNode { $0.delete("/api/models/:agent") { _ in .noContent } }
        let outcome = await node.run("model", "delete", "--agent", "my clinic")
        #expect(outcome.code == .done)
        #expect(node.asked == ["DELETE /api/models/my clinic"])
    }
}
