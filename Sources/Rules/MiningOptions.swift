/// What is kept and how long is searched.
public struct MiningOptions: Sendable, Equatable {
    /// Fewest good cases of a rule: one would be a copy of the triple that it was made from.
    public var minSupport = 2
    /// Least ``RuleCounts/confidence`` of a path.
    public var minPathConfidence = 0.01
    /// Least confidence of a rule with a constant, of which there are many more.
    public var minConstantConfidence = 0.05
    /// Most paths of one relation, best first. An answer tries each of them.
    public var pathsPerRelation = 1_000
    /// Most rules that conclude one (relation, constant).
    public var rulesPerConstant = 100
    /// Triples of a relation from which short paths are collected.
    public var triplesPerRelation = 5_000
    /// Short paths of a relation that are counted, most frequent first.
    public var candidatesPerRelation = 20_000
    /// Triples around which one step looks for long paths.
    public var triplesPerStep = 200
    /// Long paths that one step counts, most frequent first.
    public var candidatesPerStep = 2_000
    /// Links of one graph node that are compared; more are sampled.
    public var linksAtOnce = 1_000
    /// Longest path, 1 to 3.
    public var longest = 3
    public var limits = RuleMeasure.Limits.mining

    public init() {}
}
