/// How a model is trained. The defaults are tuned for graphs of a hundred to some ten thousand nodes.
public struct TrainingOptions: Hashable, Sendable {
    /// How the learning rate moves over the steps that the caller plans.
    public enum Schedule: Hashable, Sendable {
        case constant
        /// Half a cosine from the full rate at step 0 to `floor` times it at `plannedSteps`; `floor` after it.
        case cosine(plannedSteps: Int, floor: Float)
        /// The full rate until `decayFrom`, then a straight line to `floor` times it at `plannedSteps`;
        /// `floor` after it.
        case linear(decayFrom: Int, plannedSteps: Int, floor: Float)
    }

    /// Adam's step size, above 0 to 1. Faster learns more where sites share little, slower forgets less of what
    /// the others know; see ``StandardRecipe/steps(edges:nodes:)``.
    public var learningRate: Float = 2e-3
    public var schedule: Schedule = .constant
    /// Steps over which the rate rises from 0, counted from global step 0; 0 to 1,000,000.
    public var warmupSteps = 50
    /// Adam's decay of the first moment, 0 to below 1.
    public var beta1: Float = 0.9
    /// Adam's decay of the second moment, 0 to below 1. The seed design's 0.999 forgets too slowly for
    /// a model that others change between rounds.
    public var beta2: Float = 0.98
    /// Keeps Adam's division finite; above 0 to 0.1.
    public var epsilon: Float = 1e-8
    /// Decoupled weight decay (AdamW) of matrices, positions and token rows per unit of learning rate; 0 to 10.
    /// At the default rate 1 against 0 (umls-shared3, umls-fed3, kinship-fed3): .947 .957 .812 against
    /// .939 .960 .794.
    public var weightDecay: Float = 1
    /// Largest norm of the whole gradient, 0 to 1e6; 0 turns clipping off.
    public var clipNorm: Float = 1
    /// Share of activations dropped after the embedding and after each branch, 0 to 0.9.
    public var dropout: Float = 0.1
    /// Share of the target's probability spread over all candidates, 0 to 0.9.
    public var labelSmoothing: Float = 0.1

    /// Candidates drawn per step for the softmax, besides the batch's answers, where there are more than
    /// ``sampledAbove``; 0 (always all) or 16 to 1,048,576.
    public var sampledCandidates = 8_192
    /// Up to so many candidates every step looks at all of them; 0 to 16,777,216.
    public var sampledAbove = 50_000

    public init() {}

    /// - Throws: ``LearningError/outOfRange(name:value:allowed:)`` for the first option outside its range.
    public func validate() throws(LearningError) {
        try check("learning rate", learningRate, "above 0 to 1") { $0 > 0 && $0 <= 1 }
        try check("warm-up", Float(warmupSteps), "0 to 1000000 steps") { $0 >= 0 && $0 <= 1_000_000 }
        try check("beta1", beta1, "0 to below 1") { $0 >= 0 && $0 < 1 }
        try check("beta2", beta2, "0 to below 1") { $0 >= 0 && $0 < 1 }
        try check("epsilon", epsilon, "above 0 to 0.1") { $0 > 0 && $0 <= 0.1 }
        try check("weight decay", weightDecay, "0 to 10") { $0 >= 0 && $0 <= 10 }
        try check("gradient clipping", clipNorm, "0 (off) to 1000000") { $0 >= 0 && $0 <= 1e6 }
        try check("dropout", dropout, "0 to 0.9") { $0 >= 0 && $0 <= 0.9 }
        try check("label smoothing", labelSmoothing, "0 to 0.9") { $0 >= 0 && $0 <= 0.9 }
        try check("sampled candidates", Float(sampledCandidates), "0 (off) or 16 to 1048576") {
            $0 == 0 || $0 >= 16 && $0 <= 1_048_576
        }
        try check("sampling bound", Float(sampledAbove), "0 to \(maximumVocabulary)") {
            $0 >= 0 && $0 <= Float(maximumVocabulary)
        }
        switch schedule {
        case .constant: break
        case .cosine(let planned, let floor): try check(from: 0, planned, floor)
        case .linear(let from, let planned, let floor): try check(from: from, planned, floor)
        }
    }

    /// Adam's step size at a global step.
    public func rate(at step: Int) -> Float {
        let warm = step < warmupSteps ? Float(step + 1) / Float(warmupSteps) : 1
        return learningRate * min(warm, schedule.factor(at: step))
    }

    private func check(
        _ name: String, _ value: Float, _ allowed: String, _ holds: (Float) -> Bool
    ) throws(LearningError) {
        guard holds(value) else { throw .outOfRange(name: name, value: "\(value)", allowed: allowed) }
    }

    private func check(from: Int, _ planned: Int, _ floor: Float) throws(LearningError) {
        try check("schedule floor", floor, "0 to 1") { $0 >= 0 && $0 <= 1 }
        guard from >= 0, planned > from else {
            throw .outOfRange(
                name: "schedule", value: "\(from) to \(planned) steps", allowed: "a decay that ends after it starts")
        }
    }
}

extension TrainingOptions.Schedule {
    /// The share of the full rate at a step, in 0...1.
    func factor(at step: Int) -> Float {
        switch self {
        case .constant: 1
        case .cosine(let planned, let floor):
            floor + (1 - floor) * halfCosine(progress(step, from: 0, to: planned))
        case .linear(let from, let planned, let floor):
            floor + (1 - floor) * (1 - progress(step, from: from, to: planned))
        }
    }

    private func progress(_ step: Int, from: Int, to: Int) -> Float {
        step <= from ? 0 : step >= to ? 1 : Float(step - from) / Float(to - from)
    }

    /// (1 + cos πx) / 2 for x in 0...1 as sin²(π(1-x)/2), by the series of the sine, error below 1e-6:
    /// no libm, so that every machine takes the same steps.
    private func halfCosine(_ x: Float) -> Float {
        let y = 1.570_796_4 * (1 - x)
        let z = y * y
        let sine = y * (1 - z / 6 * (1 - z / 20 * (1 - z / 42 * (1 - z / 72 * (1 - z / 110)))))
        return sine * sine
    }
}
