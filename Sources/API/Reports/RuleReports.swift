/// `POST /api/patterns/mine`: look for rules in the site's own graph.
public struct MineRequest: StrictDecodable, Encodable, Sendable {
    public enum CodingKeys: String, CodingKey, CaseIterable { case seconds, rounds, seed }
    /// How long at most; 10 if absent.
    public var seconds: Double?
    /// Steps of each relation at most: what makes a run repeatable. As many as there is time for if absent.
    public var rounds: Int?
    public var seed: Int?

    public init(seconds: Double? = nil, rounds: Int? = nil, seed: Int? = nil) {
        self.seconds = seconds
        self.rounds = rounds
        self.seed = seed
    }
}

/// What the site's rules are, as mining found them.
public struct MineReport: Codable, Sendable, Equatable {
    public var rules: Int
    /// Of one, two and three steps.
    public var paths: [Int]
    /// With a constant.
    public var constants: Int
    /// Steps of the relation that had fewest.
    public var rounds: Int
    public var seconds: Double

    public init(rules: Int, paths: [Int], constants: Int, rounds: Int, seconds: Double) {
        self.rules = rules
        self.paths = paths
        self.constants = constants
        self.rounds = rounds
        self.seconds = seconds
    }
}

/// One rule, in words and as what would travel.
public struct RuleReport: Codable, Sendable, Equatable {
    /// The id of the pattern: the same rule has the same one at every site.
    public var id: String
    public var words: String
    /// Distinct groundings of the body, and those of which the head is known.
    public var body: Int
    public var support: Int
    /// support / (body + 5).
    public var confidence: Double

    public init(id: String, words: String, body: Int, support: Int, confidence: Double) {
        self.id = id
        self.words = words
        self.body = body
        self.support = support
        self.confidence = confidence
    }
}

/// Why rules speak for an answer.
public struct Reason: Codable, Sendable, Equatable {
    public var rule: RuleReport
    /// The graph nodes by which its body holds, from the asked one on.
    public var grounding: [String]

    public init(rule: RuleReport, grounding: [String]) {
        self.rule = rule
        self.grounding = grounding
    }
}
