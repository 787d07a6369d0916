internal import Dispatch
internal import Graph
internal import Rules
internal import Synchronization

/// Mines all relations of a graph on several threads; the rules do not depend on how many.
func mineRules(
    _ graph: RuleGraph, rounds: Int, seed: UInt64, threads: Int, _ options: MiningOptions = MiningOptions()
) -> [MinedRule] {
    // Large relations first: the last one to finish should be short.
    let order = (0..<Int32(graph.relationCount)).map { (relation: $0, pairs: graph.pairCount($0)) }
        .sorted { ($0.pairs, $1.relation) > ($1.pairs, $0.relation) }.map(\.relation)
    let next = Atomic<Int>(0)
    let parts = Mutex<[Int32: [MinedRule]]>([:])
    DispatchQueue.concurrentPerform(iterations: threads) { @Sendable _ in
        var memory = MiningMemory(graph)
        while true {
            let at = next.add(1, ordering: .relaxed).oldValue
            guard at < order.count else { return }
            var miner = RelationMiner(graph, relation: order[at], options, seed: seed)
            for _ in 0..<rounds where !miner.isExhausted { miner.advance(&memory) }
            let found = miner.rules
            parts.withLock { $0[order[at]] = found }
        }
    }
    return parts.withLock { $0.values.flatMap { $0 } }.sorted(by: MinedRule.isBetter)
}
