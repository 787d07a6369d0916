/// How a model is trained. The defaults are tuned for graphs of a hundred to some ten thousand nodes.
public struct TrainingOptions: Hashable, Sendable {
    /// How the learning rate moves over the steps that the caller plans.
    public enum Schedule: Hashable, Sendable {
        case constant
        /// Half a cosine from the full rate at step 0 to `floor` times it at `plannedSteps`, constant after it.
        case cosine(plannedSteps: Int, floor: Float)
        /// Constant until `decayFrom` steps, then linear down to `floor` at `plannedSteps`.
        case linear(decayFrom: Int, plannedSteps: Int, floor: Float)
    }

    /// Adam's step size, (0, 1].
    public var learningRate: Float = 3e-3
    public var schedule: Schedule = .constant
    /// Steps over which the rate rises from 0; counted from global step 0.
    public var warmupSteps: Int = 50
    /// Adam's decay of the first moment, [0, 1).
    public var beta1: Float = 0.9
    /// Adam's decay of the second moment, [0, 1).
    public var beta2: Float = 0.98
    public var epsilon: Float = 1e-8
    /// Decoupled weight decay (AdamW) on matrices and token rows, per unit of learning rate; 0 = none.
    public var weightDecay: Float = 0
    /// Largest norm of the whole gradient; 0 = no clipping.
    public var clipNorm: Float = 1
    /// Share of activations dropped, [0, 1).
    public var dropout: Float = 0.1
    /// Share of the target's probability spread over all candidates, [0, 1).
    public var labelSmoothing: Float = 0.1

    public init() {}

    /// - Throws: ``LearningError/outOfRange(name:value:allowed:)`` for the first option outside its range.
    public func validate() throws(LearningError) {}
}
