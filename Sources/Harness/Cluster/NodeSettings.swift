internal import Site

/// What a cluster writes into the `shoal.json` of all its nodes. What is nil here stays as somebody set it there.
public struct NodeSettings: Codable, Sendable, Equatable {
    /// Days after which a node drops bodies for which certified sums stand; 0: at once.
    public var retention: Int?
    /// Own deltas whose sums are certified together.
    public var sumsEvery: Int?
    /// Whether nodes tell each other whom they can dial; nil: no, so that the shape of the network stays as it was asked.
    public var discover: Bool?

    public init(retention: Int? = nil, sumsEvery: Int? = nil, discover: Bool? = nil) {
        self.retention = retention
        self.sumsEvery = sumsEvery
        self.discover = discover
    }

    func apply(to settings: inout SiteConfig) {
        if let retention { settings.retention = retention }
        if let sumsEvery { settings.sumsEvery = sumsEvery }
        settings.discover = discover ?? false
    }
}
