/// How a site protects what it sends for one model, and what that has revealed so far (docs/privacy.md).
public struct PrivacyReport: Codable, Sendable, Equatable {
    /// The settings, `KEY=VALUE` each.
    public var policy: [String]
    /// The ε of differential privacy of all ops so far, for the whole graph of this site; nil: without bound, since
    /// ops were sent without noise.
    public var epsilon: Double?
    /// The δ that it holds with.
    public var delta: Double
    /// Training rounds sent with and without noise.
    public var noisedOps: Int
    public var plainOps: Int
    /// Tokens of the present graph that have too few edges to be announced.
    public var withheld: Int

    public init(
        policy: [String], epsilon: Double?, delta: Double, noisedOps: Int, plainOps: Int, withheld: Int
    ) {
        self.policy = policy
        self.epsilon = epsilon
        self.delta = delta
        self.noisedOps = noisedOps
        self.plainOps = plainOps
        self.withheld = withheld
    }
}
