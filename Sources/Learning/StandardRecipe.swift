/// The settings with which a node trains unless told otherwise (design §5): they reach the published figures on
/// UMLS and Kinship. One place, so that a pooled model for comparison is trained alike.
public enum StandardRecipe {
    public static let rounds = 40
    /// Steps per round.
    public static let steps = 50
    /// Walks per step.
    public static let batch = 256
    /// Edges per walk.
    public static let hops = 1
    public static let seed: UInt64 = 1
    /// The last share of the learning rate; a site that goes on training afterwards stays there.
    public static let rateFloor: Float = 0.02

    public static func options(plannedSteps: Int) -> TrainingOptions {
        var options = TrainingOptions()
        options.schedule = .cosine(plannedSteps: plannedSteps, floor: rateFloor)
        return options
    }
}
