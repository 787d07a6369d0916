internal import API
internal import Synchronization
internal import Terminal

/// Keeps nodes busy: each trains a small model in short runs, whatever happens to it and to the others.
///
/// A run that a fault ends is not missed: what counts is what a node said is durable.
public final class Load: Sendable {
    static let agent = "rehearsal"
    private let cluster: Cluster
    /// Width of the model.
    private let dim: Int
    /// Ops of finished and broken runs that were told to be durable, by node.
    private let counts = Mutex<[String: Int]>([:])
    private let tasks = Mutex<[Task<Void, Never>]>([])

    public init(_ cluster: Cluster, dim: Int = 16) { (self.cluster, self.dim) = (cluster, dim) }

    /// Ops that each node told were durable, so far.
    public var acknowledged: [String: Int] { counts.withLock { $0 } }

    /// Gives the nodes a graph and a model, if there is none yet. All nodes must run.
    ///
    /// - Returns: who trains.
    @discardableResult
    public func prepare(_ names: [String]) async throws -> [String] {
        let all = try cluster.nodes
        let busy = names.isEmpty ? all.map(\.name) : names
        for (place, name) in busy.enumerated() {
            // More sites than steps in the ring: some know the same.
            let part = TinyGraph.part(place % 3, of: min(busy.count, 3))
            let call = Call(
                .post, "/api/graph/import", query: [("split", "train")],
                body: .bytes(Array(part.utf8), contentType: "text/tab-separated-values"))
            let _: ImportReport = try await cluster.node(name).client().json(call)
        }
        let models: [ModelReport] = try await cluster.node(busy[0]).client().get("/api/models")
        if !models.contains(where: { $0.agent == Self.agent }) {
            let request = ModelCreateRequest(agent: Self.agent, dim: dim, heads: 2, layers: 1, context: 8)
            let _: ModelReport = try await cluster.node(busy[0]).client().post("/api/models", request)
        }
        for name in busy {
            let isKnown = try await Patience.poll(for: .seconds(60), every: .milliseconds(100)) {
                let models: [ModelReport] = try await self.cluster.node(name).client().get("/api/models")
                return models.contains { $0.agent == Self.agent }
            }
            guard isKnown else { throw Failure("cluster load", name, "it does not hear of the model") }
        }
        for name in busy { await run(name, rounds: 0, patience: .seconds(60)) }
        return busy
    }

    /// Begins; returns at once.
    public func begin(_ names: [String], rounds: Int, every pause: Duration) {
        tasks.withLock { tasks in
            for name in names {
                tasks.append(
                    Task {
                        while !Task.isCancelled {
                            await self.run(name, rounds: rounds, patience: .seconds(30))
                            try? await Task.sleep(for: pause)
                        }
                    })
            }
        }
    }

    /// Ends it, and waits until the last runs have ended or their nodes do not answer.
    public func end() async {
        let ending = tasks.withLock { tasks in
            defer { tasks = [] }
            return tasks
        }
        for task in ending { task.cancel() }
        for task in ending { await task.value }
    }

    /// One run; what it told to be durable is counted, however it ends.
    private func run(_ name: String, rounds: Int, patience: Duration) async {
        guard let node = try? cluster.node(name), node.isAlive, !node.isPaused, let client = try? node.client() else {
            return
        }
        let request = TrainRequest(agent: Self.agent, weights: .federated, rounds: rounds, steps: 1, batch: 16, seed: 1)
        // Not cancelled with the load: the last run is counted, too.
        let told = await Task.detached { () -> Int in
            let started: JobReport? = try? await client.post("/api/models/train", request, timeout: .seconds(10))
            guard let job = started?.id else { return 0 }
            var ops = 0
            _ = try? await Patience.poll(for: patience, every: .milliseconds(100)) {
                guard node.isAlive else { return true }
                var call = Call(.get, "/api/jobs/\(job)")
                call.timeout = .seconds(5)
                guard let now: JobReport = try? await client.json(call) else { return false }
                ops = now.training.ops
                return !["waiting", "running"].contains(now.training.state)
            }
            return ops
        }.value
        counts.withLock { $0[name, default: 0] += told }
    }
}
