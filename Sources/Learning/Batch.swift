/// Walks of equal length, row-major (B, T).
public struct Batch: Hashable, Sendable {
    /// What the model reads: local token indices.
    public var tokens: [Int32]
    /// What it should say next, below the candidate count; -1 where nothing is asked.
    public var targets: [Int32]
    /// Number of walks.
    public var B: Int
    /// Tokens per walk; at most the model's context.
    public var T: Int

    /// - Precondition: both arrays hold B·T numbers.
    public init(tokens: [Int32], targets: [Int32], B: Int, T: Int) {
        precondition(B > 0 && T > 0 && tokens.count == B * T && targets.count == B * T)
        self.tokens = tokens
        self.targets = targets
        self.B = B
        self.T = T
    }
}
