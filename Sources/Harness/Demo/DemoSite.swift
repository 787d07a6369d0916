internal import API
internal import Terminal
internal import Wire

/// One site of a demo: its data, and its running node as commands reach it.
struct DemoSite: Sendable {
    /// The agent that owns the demo's model.
    static let agent = "demo"
    static let pollPause = Duration.milliseconds(100)

    let data: SiteData
    let node: ClusterNode
    private let client: HTTPClient

    var name: String { data.name }

    init(data: SiteData, node: ClusterNode) throws {
        self.data = data
        self.node = node
        client = try node.client()
    }

    /// Imports what the site knows.
    func importGraph() async throws {
        for split in Split.allCases where !data.facts(split).isEmpty {
            let _: ImportReport = try await call(
                "import \(split.rawValue).txt",
                Call(
                    .post, "/api/graph/import", query: [("split", split.rawValue)],
                    body: .bytes(data.bytes(split), contentType: "text/tab-separated-values"), timeout: nil))
        }
    }

    func createModel(dim: Int) async throws -> ModelReport {
        try await post("create the model", "/api/models", ModelCreateRequest(agent: Self.agent, dim: dim))
    }

    /// What the site knows of the demo's model; nil before it heard of it.
    func model() async throws -> ModelReport? {
        let all: [ModelReport] = try await call("list models", Call(.get, "/api/models"))
        return all.first { $0.agent == Self.agent }
    }

    func status() async throws -> StatusReport { try await call("status", Call(.get, "/api/status")) }

    /// Trains, and tells of the way every now and then.
    func train(_ request: TrainRequest, tell: (TrainingReport) async throws -> Void = { _ in }) async throws
        -> TrainingReport
    {
        var job: JobReport = try await post("train", "/api/models/train", request)
        while true {
            let training = job.training
            try await tell(training)
            switch training.state {
            case "waiting", "running": break
            case "done": return training
            default:
                throw Failure("demo", "\(name): train", training.error ?? "training \(training.state)")
            }
            try await Task.sleep(for: Self.pollPause)
            job = try await call("follow training", Call(.get, "/api/jobs/\(job.id)"))
        }
    }

    /// Ranks on the held-out test triples, all of the site's graph nodes as candidates.
    ///
    /// - Parameter filter: triples known to be true, as a file.
    /// - Returns: nil if there is nothing to ask or to ask with.
    func evaluate(_ weights: Weights, filter: Bytes) async throws -> EvaluationReport? {
        guard data.learns, !data.facts(.test).isEmpty else { return nil }
        return try await call(
            "evaluate",
            Call(
                .post, "/api/models/evaluate",
                query: [
                    ("agent", Self.agent), ("weights", weights.rawValue), ("protocol", "two-sided"), ("split", "test"),
                    ("ranks", "true"),
                ], body: .bytes(filter, contentType: "text/tab-separated-values"), timeout: nil))
    }

    func predict(_ weights: Weights, _ context: [String], top: Int) async throws -> [PredictReport.Prediction] {
        let request = PredictRequest(agent: Self.agent, context: context, top: top, weights: weights)
        let report: PredictReport = try await post("predict", "/api/models/predict", request)
        return report.predictions
    }

    // MARK: Koi and patterns

    func koi() async throws -> KoiReport { try await call("balances", Call(.get, "/api/koi")) }

    func claims() async throws -> [KoiListingReport] { try await call("claims", Call(.get, "/api/koi/claims")) }

    func history() async throws -> [KoiMovementReport] {
        try await call("history", Call(.get, "/api/koi/history", query: [("limit", "1000")]))
    }

    func patterns() async throws -> [PatternReport] { try await call("patterns", Call(.get, "/api/patterns")) }

    /// Looks for rules, the same ones each time.
    func mine() async throws -> MineReport {
        try await post("look for rules", "/api/patterns/mine", MineRequest(seconds: 20, rounds: 2, seed: 1))
    }

    /// Proposes the best rules; nothing where there is none.
    func propose(_ count: Int) async throws -> [PatternReport] {
        let body = try JSON.encode(ProposeRequest(top: count))
        do throws(APIError) {
            return try await client.json(
                Call(.post, "/api/patterns", body: .bytes(body, contentType: "application/json"), timeout: nil))
        } catch {
            let (_, object, cause, remedy) = error.parts
            guard !error.isUnreachable else {
                throw Failure("demo", "\(name): propose \(object)", cause, remedy: remedy)
            }
            return []
        }
    }

    private func post<Value: Decodable>(
        _ what: String, _ path: EscapedPath, _ body: some Encodable & Sendable
    ) async throws -> Value {
        try await call(what, Call(.post, path, body: .bytes(try JSON.encode(body), contentType: "application/json")))
    }

    private func call<Value: Decodable>(_ what: String, _ call: Call) async throws -> Value {
        do throws(APIError) {
            return try await client.json(call)
        } catch {
            try Task.checkCancellation()
            guard node.isAlive else { throw node.notRunning("demo") }
            let (_, _, cause, remedy) = error.parts
            throw Failure(
                "demo", "\(name): \(what)", cause, remedy: remedy, exit: error.isUnreachable ? .unreachable : .refused)
        }
    }
}
