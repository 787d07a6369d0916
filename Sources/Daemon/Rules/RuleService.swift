internal import API
internal import Graph
internal import Rules
internal import Storage
internal import Synchronization
internal import Wire

/// The rules of this site: mined from its own graph, kept in memory, mined anew when the graph has changed.
final class RuleService: Sendable {
    private let graphs: GraphService
    /// Mining takes a core for seconds.
    private let worker = StorageThread(name: "shoal-rules")
    private let isStopping = Atomic<Bool>(false)
    private let latest = Mutex<SiteRules?>(nil)

    /// What is spent where somebody asks for rules and there are none.
    private static let usualSeconds = 10.0

    init(graphs: GraphService) { self.graphs = graphs }

    func stop() {
        isStopping.store(true, ordering: .relaxed)
        worker.finish()
    }

    func mine(_ request: MineRequest) async throws -> MineReport {
        let seconds = request.seconds ?? Self.usualSeconds
        let rounds = request.rounds ?? 10_000
        guard seconds.isFinite, (0.1...3_600).contains(seconds) else {
            throw Problem.badRequest("seconds is \(seconds)", remedy: "use 0.1 to 3600", field: "seconds")
        }
        guard (1...10_000).contains(rounds) else {
            throw Problem.badRequest("rounds is \(rounds)", remedy: "use 1 to 10000", field: "rounds")
        }
        let graph = try await graphs.current()
        let seed = UInt64(bitPattern: Int64(request.seed ?? 1))
        return try await mine(graph, seconds: seconds, rounds: rounds, seed: seed).report
    }

    /// The rules of this graph; without any they are mined now.
    func current(_ graph: SiteGraph) async throws -> SiteRules {
        if let kept = latest.withLock({ $0 }), kept.isOf(graph) { return kept }
        return try await mine(graph, seconds: Self.usualSeconds, rounds: 10_000, seed: 1)
    }

    private func mine(_ graph: SiteGraph, seconds: Double, rounds: Int, seed: UInt64) async throws -> SiteRules {
        let result: Result<SiteRules, any Error>? = await withCheckedContinuation { continuation in
            let accepted = worker.submit {
                continuation.resume(
                    returning: Result {
                        let rules = SiteRules(graph, seconds: seconds, rounds: rounds, seed: seed) {
                            self.isStopping.load(ordering: .relaxed)
                        }
                        self.latest.withLock { $0 = rules }
                        return rules
                    })
            }
            if !accepted { continuation.resume(returning: nil) }
        }
        guard let result else { throw Problem.unavailable("the node is stopping") }
        return try result.get()
    }

    /// - Parameter relation: a name; nil for all.
    func list(relation: String?, top: Int) async throws -> [RuleReport] {
        guard (1...100_000).contains(top) else {
            throw Problem.badRequest("top is \(top)", remedy: "use 1 to 100000", field: "top")
        }
        let graph = try await graphs.current()
        let rules = try await current(graph)
        var wanted: Int32?
        if let relation {
            let index = try graph.context([relation])[0]
            guard !graph.vocabulary.isNode(index) else {
                throw Problem.badRequest("'\(relation)' is no relation", field: "relation")
            }
            wanted = index - Int32(graph.vocabulary.nodeCount)
        }
        return rules.set.rules.lazy.filter { wanted == nil || $0.rule.head == wanted }.prefix(top)
            .map { RuleWords(graph).report($0) }
    }

    /// - Throws: unless the context ends with a graph node and a relation.
    static func check(_ context: [Int32], _ graph: SiteGraph) throws(Problem) {
        guard context.count >= 2, graph.vocabulary.isNode(context[context.count - 2]),
            !graph.vocabulary.isNode(context[context.count - 1])
        else {
            throw .badRequest(
                "rules answer a graph node and a relation", remedy: "end the context with these two", field: "context")
        }
    }
}
