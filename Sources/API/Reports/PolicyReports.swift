/// `GET /api/policy`: the numbers and rules of a network.
public struct PolicyReport: Codable, Sendable, Equatable {
    /// The rules by which ops are folded, and the latest that this node follows.
    public var foldVersion: Int
    public var knownFoldVersion: Int
    /// How long after a checkpoint the next one is due.
    public var checkpointSeconds: Int
    /// How long a question about a pattern may be answered.
    public var questionSeconds: Int
    /// A pattern is accepted when the lower bound of its confidence reaches this; in millionths.
    public var patternBound: Int
    /// Gain of held-out loss that earns the full reward, in millionths of a nat.
    public var gainScale: Int
    /// The checkpoint that says so.
    public var height: Int

    public init(
        foldVersion: Int, knownFoldVersion: Int, checkpointSeconds: Int, questionSeconds: Int, patternBound: Int,
        gainScale: Int, height: Int
    ) {
        self.foldVersion = foldVersion
        self.knownFoldVersion = knownFoldVersion
        self.checkpointSeconds = checkpointSeconds
        self.questionSeconds = questionSeconds
        self.patternBound = patternBound
        self.gainScale = gainScale
        self.height = height
    }
}

/// `POST /api/policy`: a member's yes to other numbers. All who say yes must name the same; what is left out stays.
public struct PolicyRequest: StrictDecodable, Encodable, Sendable, Equatable {
    public enum CodingKeys: String, CodingKey, CaseIterable {
        case foldVersion, checkpointSeconds, questionSeconds, patternBound, gainScale
    }
    public static let narrowed: [CodingKeys: JSONSchema] = [
        .foldVersion: .whole(Limits.foldVersion), .checkpointSeconds: .whole(Limits.seconds),
        .questionSeconds: .whole(Limits.seconds), .patternBound: .whole(Limits.patternBound),
        .gainScale: .whole(Limits.gainScale),
    ]
    public enum Limits {
        public static let foldVersion = 2...1_000
        public static let seconds = 1...1 << 32
        public static let patternBound = 0...1_000_000
        public static let gainScale = 1...1 << 53
    }

    public var foldVersion: Int?
    public var checkpointSeconds: Int?
    public var questionSeconds: Int?
    public var patternBound: Int?
    public var gainScale: Int?

    public init(
        foldVersion: Int? = nil, checkpointSeconds: Int? = nil, questionSeconds: Int? = nil, patternBound: Int? = nil,
        gainScale: Int? = nil
    ) {
        self.foldVersion = foldVersion
        self.checkpointSeconds = checkpointSeconds
        self.questionSeconds = questionSeconds
        self.patternBound = patternBound
        self.gainScale = gainScale
    }
}
