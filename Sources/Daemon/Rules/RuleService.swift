internal import API
internal import Graph
internal import Identity
internal import Learning
internal import Peer
internal import Rules
internal import Storage
internal import Synchronization
internal import Wire

/// The rules of this site: mined from its own graph, kept in memory, mined anew when the graph has changed; and those
/// of other sites that a quorum has verified.
final class RuleService: Sendable {
    private let host: NodeHost
    private let graphs: GraphService
    /// Mining takes a core for seconds.
    private let worker = StorageThread(name: "shoal-rules")
    private let isStopping = Atomic<Bool>(false)
    private let mined = Mutex<MinedRules?>(nil)
    private let latest = Mutex<SiteRules?>(nil)
    private let readable = Mutex<(state: GraphState, graph: RuleGraph)?>(nil)
    /// Blends that are fitted anew at this moment.
    private let refitting = Mutex<Set<BlendKey>>([])

    /// What is spent where somebody asks for rules and there are none.
    private static let usualSeconds = 10.0

    init(host: NodeHost, graphs: GraphService) { (self.host, self.graphs) = (host, graphs) }

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

    /// The rules of this graph, without any they are mined now, and those that the network has accepted.
    func current(_ graph: SiteGraph) async throws -> SiteRules {
        let mined = try await minedRules(graph)
        let (accepted, own) = try await host.ask { ($0.state.patterns.accepted, $0.identity.peerID) }
        let kept = latest.withLock { $0 }
        if let kept, kept.mined === mined, kept.accepted == accepted.map(\.op) { return kept }
        let rules = try await onWorker { SiteRules(graph, mined, accepted: accepted, own: own) }
        latest.withLock { $0 = rules }
        return rules
    }

    private func minedRules(_ graph: SiteGraph) async throws -> MinedRules {
        if let kept = mined.withLock({ $0 }), kept.isOf(graph) { return kept }
        return try await mine(graph, seconds: Self.usualSeconds, rounds: 10_000, seed: 1)
    }

    private func mine(_ graph: SiteGraph, seconds: Double, rounds: Int, seed: UInt64) async throws -> MinedRules {
        try await onWorker {
            let rules = MinedRules(
                graph, self.readable(graph), seconds: seconds, rounds: rounds, seed: seed
            ) { self.isStopping.load(ordering: .relaxed) }
            self.mined.withLock { $0 = rules }
            return rules
        }
    }

    // MARK: Beside a model

    /// How much rules count beside weights. Fitted at the first question; when training has moved the weights since, it
    /// is fitted anew in the background, and until then the old one serves.
    ///
    /// - Parameters:
    ///   - others: how many others have taught the weights each token of the vocabulary.
    ///   - isExact: waits for a fit to these very weights, as a measurement does.
    func blend(
        _ rules: SiteRules, _ key: BlendKey, _ shape: ModelShape, _ parameters: Parameters, _ graph: SiteGraph,
        others: [Int], isExact: Bool = false
    ) async throws -> RuleBlend {
        let fit: @Sendable () throws -> RuleBlend = {
            try rules.fit(key, shape, parameters, graph, others: others)
        }
        guard let kept = rules.kept(key) else { return try await onWorker { Result { try fit() } }.get() }
        if kept.weights.isNear(WeightsSketch(parameters)) { return kept.blend }
        if isExact { return try await onWorker { Result { try fit() } }.get() }
        if refitting.withLock({ $0.insert(key).inserted }) {
            let accepted = worker.submit {
                if !self.isStopping.load(ordering: .relaxed) { _ = try? fit() }
                _ = self.refitting.withLock { $0.remove(key) }
            }
            if !accepted { _ = refitting.withLock { $0.remove(key) } }
        }
        return kept.blend
    }

    /// What this site's graph says about a pattern of another; nil: nothing.
    func measure(_ pattern: RulePattern) async -> [Int64]? {
        guard let graph = try? await graphs.current(), let rule = pattern.rule(in: graph.vocabulary) else { return nil }
        let seed = UInt64(bigEndianBytes: pattern.id.bytes.prefix(8)) ?? 1
        return try? await onWorker {
            var measure = RuleMeasure(self.readable(graph))
            return measure.measure(rule, seed: seed).numbers
        }
    }

    /// The graph as rules are counted in it.
    private func readable(_ graph: SiteGraph) -> RuleGraph {
        let state = GraphState(graph)
        return readable.withLock { kept in
            if let kept, kept.state == state { return kept.graph }
            let made = RuleGraph(graph.index)
            kept = (state, made)
            return made
        }
    }

    private func onWorker<Value: Sendable>(_ work: @escaping @Sendable () -> Value) async throws -> Value {
        let value: Value? = await withCheckedContinuation { continuation in
            if !worker.submit({ continuation.resume(returning: work()) }) { continuation.resume(returning: nil) }
        }
        guard let value else { throw Problem.unavailable("the node is stopping") }
        return value
    }

    /// - Parameter relation: a name; nil for all.
    func list(relation: String?, top: Int) async throws -> [RuleReport] {
        guard (1...100_000).contains(top) else {
            throw Problem.badRequest("top is \(top)", remedy: "use 1 to 100000", field: "top")
        }
        let graph = try await graphs.current()
        let rules = try await current(graph)
        let wanted = try relation.map { try Self.relation($0, graph) }
        return rules.set.rules.lazy.filter { wanted == nil || $0.rule.head == wanted }.prefix(top)
            .map { rules.report($0, RuleWords(graph)) }
    }

    /// The directed relation that a name means.
    static func relation(_ name: String, _ graph: SiteGraph) throws(Problem) -> Int32 {
        let index = try graph.context([name])[0]
        guard !graph.vocabulary.isNode(index) else {
            throw .unusable("'\(name)' is no relation", field: "relation")
        }
        return index - Int32(graph.vocabulary.nodeCount)
    }

    /// - Throws: unless the context ends with a graph node and a relation.
    static func check(_ context: [Int32], _ graph: SiteGraph) throws(Problem) {
        guard context.count >= 2, graph.vocabulary.isNode(context[context.count - 2]),
            !graph.vocabulary.isNode(context[context.count - 1])
        else {
            throw .unusable(
                "rules answer a graph node and a relation", remedy: "end the context with these two", field: "context")
        }
    }
}
