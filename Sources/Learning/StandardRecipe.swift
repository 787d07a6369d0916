/// The settings with which a node trains unless told otherwise (design §5): they reach the published figures on
/// UMLS and Kinship. One place, so that a pooled model for comparison is trained alike.
public enum StandardRecipe {
    public static let rounds = 40
    /// Walks per step.
    public static let batch = 256
    /// Edges per walk.
    public static let hops = 1
    public static let seed: UInt64 = 1
    /// The last share of the learning rate; a site that goes on training afterwards stays there.
    public static let rateFloor: Float = 0.02
    /// More than the default: sites that share relations take each other's facts for errors, and smoothing keeps them
    /// from being too sure. MRR on validation triples at 0.1, 0.2, 0.3, with ``Lookahead``: umls-shared3 .933 .946
    /// .939, kinship-shared3 .817 .820 .816.
    public static let labelSmoothing: Float = 0.2

    /// Edges of a graph node up to which a round shows every edge 1.1 times in both directions.
    private static let usualEdges = 13

    /// Steps per round for a site's graph: 11/10 of what asks every edge once in both directions, and up to half as
    /// many again where a graph node has more than 13 edges to remember in its one row; within 15 to 500 steps.
    ///
    /// More, and a site learns its own facts by heart before it hears of the others'; less, and 40 rounds do not
    /// suffice. MRR on validation triples at 1.1 and 1.65 times all edges: umls-shared3 (13 edges a graph node)
    /// .946 .918, umls-fed3 (12 to 15) .962 .953, kinship-shared3 (27) .820 .830, kinship-fed3 (19 to 32) .843 .853.
    public static func steps(edges: Int, nodes: Int) -> Int {
        let usual = 2 * usualEdges * max(nodes, 1)
        let asked = 2 * edges * 11 / 10 * min(max(2 * edges, usual), usual * 3 / 2) / usual
        return min(max((asked + batch - 1) / batch, 15), 500)
    }

    public static func options(plannedSteps: Int) -> TrainingOptions {
        var options = TrainingOptions()
        options.labelSmoothing = labelSmoothing
        options.schedule = .cosine(plannedSteps: plannedSteps, floor: rateFloor)
        return options
    }
}
