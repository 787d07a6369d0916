import API
import Foundation
import Testing

@testable import Harness

/// A cluster for one test, taken down at its end; what its nodes said is shown when the test fails.
struct TestCluster {
    static let agent = "clinic"
    let cluster: Cluster

    static func with<Value>(
        _ names: [String], topology: Topology = .full, in parent: String? = nil, trains: Bool = false,
        settings: NodeSettings = NodeSettings(), hasLinks: Bool = false, checkpointSeconds: UInt64? = nil,
        foldVersion: UInt64? = nil,
        _ body: (TestCluster) async throws -> Value
    ) async throws -> Value {
        try await Place.with { place in
            let cluster = try Cluster(
                making: .init(
                    network: "test", names: names, topology: topology, binary: Binary.path, trains: trains,
                    settings: settings, hasLinks: hasLinks, checkpointSeconds: checkpointSeconds,
                    foldVersion: foldVersion),
                in: parent.map { "\(place)/\($0)" } ?? "\(place)/c")
            return try await TestCluster(cluster: cluster).use(body)
        }
    }

    /// As above, the data directory of one node being a small file system.
    static func with<Value>(
        _ names: [String], mounting name: String, _ body: (TestCluster, SmallDisk) async throws -> Value
    ) async throws -> Value {
        try await Place.with { place in
            let cluster = try Cluster(
                making: .init(network: "test", names: names, binary: Binary.path), in: "\(place)/c")
            return try await SmallDisk.with(at: try cluster.node(name).dataDirectory) { disk in
                try await TestCluster(cluster: cluster).use { try await body($0, disk) }
            }
        }
    }

    func use<Value>(_ body: (TestCluster) async throws -> Value) async throws -> Value {
        do {
            try await cluster.up()
            let value = try await body(self)
            try await cluster.down(keepingFiles: true)
            return value
        } catch {
            for node in try cluster.nodes { Issue.record("\(node.name) said:\n\(node.lastWords(30))") }
            try await cluster.down(keepingFiles: true)
            throw error
        }
    }

    subscript(_ name: String) -> ClusterNode {
        get throws { try cluster.node(name) }
    }

    /// Imports a part of one small graph at each of the nodes, creates a model at the first of them, and
    /// lets all of them announce their rows.
    ///
    /// - Parameter dim: of the model; from 48 on its deltas do not fit into their ops.
    func teach(_ names: [String], dim: Int = 16) async throws {
        for (place, name) in names.enumerated() {
            try await self[name].importTriples(TinyGraph.part(place, of: names.count))
        }
        try await createModel(at: names[0], dim: dim)
        for name in names { try await self[name].finish(try await self[name].train(rounds: 0)) }
    }

    /// Creates a small model that every node hears of.
    func createModel(at name: String = "a", dim: Int = 16) async throws {
        let request = ModelCreateRequest(agent: Self.agent, dim: dim, heads: 2, layers: 1, context: 8)
        let _: ModelReport = try await self[name].client().post("/api/models", request)
        for node in try cluster.nodes where node.isAlive {
            try await eventually("\(node.name) hears of the model") { try await node.model() != nil }
        }
    }

    /// Waits until all nodes hold the same ops; the state that all of them came to.
    @discardableResult
    func agree(sourceLocation: SourceLocation = #_sourceLocation) async throws -> ClusterStatus {
        var status = try await cluster.status()
        try await eventually("all nodes hold the same ops", sourceLocation: sourceLocation) {
            status = try await cluster.status()
            return status.frontiersEqual && status.nodes.allSatisfy { $0.state == "up" }
        }
        #expect(status.digestsEqual, "equal ops, equal state", sourceLocation: sourceLocation)
        return status
    }

    /// Checks that each node's log holds every op once, in unbroken chains, and nothing else.
    func expectWholeLogs(sourceLocation: SourceLocation = #_sourceLocation) async throws {
        for node in try cluster.nodes {
            let report: VerifyReport = try await node.client().get("/api/ops/verify")
            #expect(report.faults == [], "\(node.name)", sourceLocation: sourceLocation)
            let ops = try await node.allOps()
            #expect(report.ops == ops.count, sourceLocation: sourceLocation)
            #expect(try await node.status().ops == ops.count, sourceLocation: sourceLocation)
            #expect(Set(ops.map(\.id)).count == ops.count, "no op twice", sourceLocation: sourceLocation)
            for (log, ops) in Dictionary(grouping: ops, by: \.log) {
                let places = ops.map(\.seq).sorted()
                #expect(
                    places == Array(places[0]..<places[0] + ops.count), "log \(log)", sourceLocation: sourceLocation)
            }
        }
    }
}

extension ClusterNode {
    func status() async throws -> StatusReport { try await client().get("/api/status") }

    func importTriples(_ text: String, split: String = "train") async throws {
        let call = Call(
            .post, "/api/graph/import", query: [("split", split)],
            body: .bytes(Array(text.utf8), contentType: "text/tab-separated-values"))
        let _: ImportReport = try await client().json(call)
    }

    func model() async throws -> ModelReport? {
        let all: [ModelReport] = try await client().get("/api/models")
        return all.first
    }

    /// Starts a training run; its number.
    func train(rounds: Int, steps: Int = 2, weights: Weights = .federated) async throws -> Int {
        let request = TrainRequest(
            agent: TestCluster.agent, weights: weights, rounds: rounds, steps: steps, batch: 16, seed: 1)
        let job: JobReport = try await client().post("/api/models/train", request)
        return job.id
    }

    func job(_ id: Int) async throws -> TrainingReport {
        let job: JobReport = try await client().get("/api/jobs/\(id)")
        return job.training
    }

    /// Waits for the end of a training run.
    @discardableResult
    func finish(_ id: Int, sourceLocation: SourceLocation = #_sourceLocation) async throws -> TrainingReport {
        var training = try await job(id)
        try await eventually("training at \(name) ends", sourceLocation: sourceLocation) {
            training = try await job(id)
            return !["waiting", "running"].contains(training.state)
        }
        #expect(training.state == "done", "\(training.error ?? "")", sourceLocation: sourceLocation)
        return training
    }

    /// Every op that is applied here, newest first.
    func allOps() async throws -> [OpReport] {
        let ops: [OpReport] = try await client().get("/api/ops", query: [("limit", "1000")])
        precondition(ops.count < 1000, "the test makes more ops than one page holds")
        return ops
    }

    /// Ops of another node that are applied here.
    func ops(of author: ClusterNode) async throws -> Int {
        try await status().peers.first { $0.peer == author.peer }?.ops ?? 0
    }

    /// What it answers with the merged weights, since tests let it adapt none, less what it leaves out itself.
    func answers() async throws -> [String: Double] {
        let request = PredictRequest(
            agent: TestCluster.agent, context: ["n0", "plus1"], top: 1_000, weights: .served)
        let report: PredictReport = try await client().post("/api/models/predict", request)
        return Dictionary(uniqueKeysWithValues: report.predictions.map { ($0.id, $0.logit ?? .nan) })
    }

    /// The lines of its log that tell of an event.
    func events(_ name: String) throws -> [String] {
        let log = try String(contentsOfFile: "\(dataDirectory)/log", encoding: .utf8)
        return log.split(separator: "\n").filter { $0.contains("event=\(name) ") }.map(String.init)
    }

    /// The directory of the socket of its PostgreSQL.
    var postgresSocketDirectory: String? {
        let text = try? String(contentsOfFile: "\(dataDirectory)/pg/cluster/postmaster.pid", encoding: .utf8)
        return text?.split(separator: "\n", omittingEmptySubsequences: false).dropFirst(4).first.map(String.init)
    }
}

extension ClusterNode {
    static let hasPSQL = Binary.find("psql") != nil

    /// Runs SQL in the node's database; what it prints, a row a line.
    @discardableResult
    func sql(_ text: String) async throws -> String {
        let psql = try #require(Binary.find("psql"))
        let directory = try #require(postgresSocketDirectory)
        let outcome = try await Binary.run(
            program: psql,
            ["-At", "-q", "-h", directory, "-U", "shoal", "-d", "shoal", "-v", "ON_ERROR_STOP=1", "-c", text])
        #expect(outcome.code == 0, "\(outcome.errors)")
        return outcome.output
    }
}

/// Runs a command of one node and decodes what it prints.
func shoal<Value: Decodable>(
    _ node: ClusterNode, _ words: String..., code: Int32 = 0, as type: Value.Type = Value.self
) async throws -> Value {
    let outcome = try await Binary.run(
        program: Binary.path, words + ["--json", "--data-dir", node.dataDirectory])
    #expect(outcome.code == code, "\(words): \(outcome.errors)\(outcome.output)")
    return try JSON.decode(Value.self, from: Array(outcome.output.utf8))
}
