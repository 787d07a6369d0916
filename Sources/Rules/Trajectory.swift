/// A question whose answer somebody chose, as directions: where they were, what they took, what else was shown.
public struct Trajectory: Hashable, Sendable {
    public let context: Direction
    public let choice: Direction
    /// The other candidates, best first.
    public let others: [Direction]
    /// What the answer was worth: 1 / its rank among those shown.
    public let quality: Double

    /// - Parameter rank: from 1.
    public init(context: Direction, choice: Direction, others: [Direction], rank: Int) {
        (self.context, self.choice, self.others) = (context, choice, others)
        quality = 1 / Double(max(1, rank))
    }
}

/// What many choices from like places have in common: "from here, people go there".
public struct Centroid: Hashable, Sendable {
    /// Limits of the seed's ReasoningBank.
    public enum Limits {
        /// Least confidence of what is kept, and of what ranks searches.
        public static let stored = 0.5
        public static let applied = 0.8
        /// How like a place must be for a centroid to speak of it; also what makes a trajectory one of its members.
        public static let near = 0.8
        /// Beyond it two centroids say the same.
        public static let same = 0.95
        /// Centroids of one model.
        public static let kept = 100
    }

    public let context: Direction
    public let choice: Direction
    /// Trajectories that it stands for.
    public let size: Int
    /// Of their qualities: the mean, and the standard deviation.
    public let quality: Double
    public let deviation: Double

    public init(context: Direction, choice: Direction, size: Int, quality: Double, deviation: Double) {
        precondition(size > 0)
        (self.context, self.choice, self.size) = (context, choice, size)
        (self.quality, self.deviation) = (quality, deviation)
    }

    /// max(0, 1 - σ)(1 - 1/(n + 1)): many that went alike are trusted.
    public var confidence: Double { max(0, 1 - deviation) * (1 - 1 / Double(size + 1)) }

    /// What is lost by forgetting it: the least valuable goes first.
    public var value: Double { confidence * quality * Double(size) }

    public var isApplied: Bool { confidence > Limits.applied }

    func isSame(as other: Centroid) -> Bool {
        context.likeness(to: other.context) > Limits.same && choice.likeness(to: other.choice) > Limits.same
    }

    /// Both as one, each counted by its size.
    func merged(with other: Centroid) -> Centroid? {
        guard let context = Direction.mean([(context, size), (other.context, other.size)]),
            let choice = Direction.mean([(choice, size), (other.choice, other.size)])
        else { return nil }
        let (n, a, b) = (Double(size + other.size), Double(size), Double(other.size))
        let mean = (a * quality + b * other.quality) / n
        let squares =
            a * (deviation * deviation + quality * quality)
            + b * (other.deviation * other.deviation + other.quality * other.quality)
        return Centroid(
            context: context, choice: choice, size: size + other.size, quality: mean,
            deviation: max(0, squares / n - mean * mean).squareRoot())
    }
}
