/// `POST /api/patterns/centroids`: look for what choices of this site have in common.
public struct CentroidMineRequest: StrictDecodable, Encodable, Sendable {
    public enum CodingKeys: String, CodingKey, CaseIterable { case agent, seed }
    /// Whose model; all of them if absent.
    public var agent: String?
    public var seed: Int?

    public init(agent: String? = nil, seed: Int? = nil) {
        self.agent = agent
        self.seed = seed
    }
}

public struct CentroidMineReport: Codable, Sendable, Equatable {
    /// Choices that are kept, and those of which somebody has trained context and choice.
    public var trajectories: Int
    public var readable: Int
    /// What was found, and what of it ranks searches.
    public var centroids: Int
    public var applied: Int

    public init(trajectories: Int, readable: Int, centroids: Int, applied: Int) {
        self.trajectories = trajectories
        self.readable = readable
        self.centroids = centroids
        self.applied = applied
    }
}

/// `GET /api/patterns/centroids?agent=`: from where people go where, as this site's choices show it.
public struct CentroidReport: Codable, Sendable, Equatable {
    /// The id of the pattern.
    public var id: String
    /// The graph nodes of this site that lie nearest.
    public var words: String
    /// Choices that it stands for.
    public var size: Int
    /// Mean and deviation of 1 / rank.
    public var quality: Double
    public var deviation: Double
    /// max(0, 1 - deviation)(1 - 1/(size + 1)).
    public var confidence: Double
    /// It ranks searches.
    public var applied: Bool

    public init(
        id: String, words: String, size: Int, quality: Double, deviation: Double, confidence: Double, applied: Bool
    ) {
        self.id = id
        self.words = words
        self.size = size
        self.quality = quality
        self.deviation = deviation
        self.confidence = confidence
        self.applied = applied
    }
}
