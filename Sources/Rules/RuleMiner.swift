/// Mines all relations of a graph, one step each in turn.
///
/// Relations do not depend on each other: a shell with more threads gives each some of the miners
/// (``miners``) and gets the same rules.
public struct RuleMiner: Sendable {
    public private(set) var miners: [RelationMiner]
    private var memory: MiningMemory

    public init(_ graph: RuleGraph, _ options: MiningOptions = MiningOptions(), seed: UInt64) {
        miners = (0..<Int32(graph.relationCount)).map { RelationMiner(graph, relation: $0, options, seed: seed) }
        memory = MiningMemory(graph)
    }

    /// `rounds` steps of each relation, unless `isOver` says that time is up.
    ///
    /// - Parameter isOver: asked before each step; the core reads no clock.
    public mutating func mine(rounds: Int, isOver: () -> Bool = { false }) {
        for _ in 0..<rounds {
            for at in miners.indices where !miners[at].isExhausted {
                if isOver() { return }
                miners[at].advance(&memory)
            }
        }
    }

    /// Best first.
    public var rules: [MinedRule] { miners.flatMap(\.rules).sorted(by: MinedRule.isBetter) }
}
