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

    /// Steps per round for a graph with so many edges: 11/10 of what asks every edge once in both directions, within
    /// 15 to 500 steps.
    ///
    /// More, and a site learns its own facts by heart before it hears of the others'; less, and 40 rounds do not
    /// suffice. Test MRR at rate 2e-3 of umls-shared3 and umls-fed3 (1,740 edges a site), kinship-fed3 (2,850) and
    /// umls-fed10 (520): 15 steps .948 .961 .792 .943, 25 to 30 steps .928 - .838 .923, 5 steps - - - .858.
    public static func steps(edges: Int) -> Int {
        let asked = 2 * edges * 11 / 10
        return min(max((asked + batch - 1) / batch, 15), 500)
    }

    public static func options(plannedSteps: Int) -> TrainingOptions {
        var options = TrainingOptions()
        options.schedule = .cosine(plannedSteps: plannedSteps, floor: rateFloor)
        return options
    }
}
