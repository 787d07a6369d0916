/// `POST /api/patterns/mine`: look for rules in the site's own graph.
public struct MineRequest: StrictDecodable, Encodable, Sendable {
    public enum CodingKeys: String, CodingKey, CaseIterable { case seconds, rounds, seed }
    public static let narrowed: [CodingKeys: JSONSchema] = [
        .seconds: .real(from: .including(0.1), to: .including(3_600)), .rounds: .whole(1...10_000), .seed: .int64,
    ]
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
    /// A quorum of sites has verified it; the counts are theirs.
    public var certified: Bool

    public init(id: String, words: String, body: Int, support: Int, confidence: Double, certified: Bool = false) {
        self.certified = certified
        self.id = id
        self.words = words
        self.body = body
        self.support = support
        self.confidence = confidence
    }
}

/// `POST /api/patterns`: propose rules or centroids of this site to the others.
public struct ProposeRequest: StrictDecodable, Encodable, Sendable {
    public enum CodingKeys: String, CodingKey, CaseIterable { case top, relation, patterns, centroids }
    public static let narrowed: [CodingKeys: JSONSchema] = [
        .top: .whole(1...400), .relation: .name, .patterns: .some(of: .digits(1...64), 1...400),
    ]
    /// How many at most, the best of each relation first; 10 if absent.
    public var top: Int?
    /// Only rules that conclude this one.
    public var relation: String?
    /// The ids of just these rules, or their first digits.
    public var patterns: [String]?
    /// Centroids instead of rules.
    public var centroids: Bool?

    public init(top: Int? = nil, relation: String? = nil, patterns: [String]? = nil, centroids: Bool? = nil) {
        self.centroids = centroids
        self.top = top
        self.relation = relation
        self.patterns = patterns
    }
}

/// A pattern that a site has proposed, and what the others made of it.
public struct PatternReport: Codable, Sendable, Equatable {
    /// What one member's own graph says.
    public struct Measurement: Codable, Sendable, Equatable {
        /// Hexadecimal.
        public var member: String
        public var name: String
        /// True conclusions, and all; absent where the graph says nothing about the pattern.
        public var support: Int?
        public var body: Int?

        public init(member: String, name: String, support: Int?, body: Int?) {
            self.member = member
            self.name = name
            self.support = support
            self.body = body
        }
    }
    /// The id of the pattern: the same rule has the same one whoever proposes it.
    public var id: String
    /// The op that proposes it.
    public var op: String
    /// Hexadecimal.
    public var proposer: String
    public var proposerName: String
    public var own: Bool
    public var words: String
    /// `open`, `accepted`, `rejected`, `undecided` or `void`.
    public var state: String
    /// Why it is undecided, or what is waited for.
    public var why: String?
    /// What the proposer's own graph says: its word, which nobody counts.
    public var support: Int
    public var body: Int
    /// What the others measured, taken together, and the least confidence that this proves.
    public var hits: Int?
    public var trials: Int?
    public var bound: Double?
    public var measurements: [Measurement]
    /// Members that have voted, and how many must.
    public var votes: Int
    public var quorum: Int
    /// The question, for `shoal consensus show`; absent before it is asked.
    public var question: String?
    /// Who signed what is certified; hexadecimal.
    public var signers: [String]
    /// What checking the certificate from the genesis gave, if that was asked: `valid`, or what is wrong.
    public var verified: String?

    public init(
        id: String, op: String, proposer: String, proposerName: String, own: Bool, words: String, state: String,
        why: String?, support: Int, body: Int, hits: Int?, trials: Int?, bound: Double?, measurements: [Measurement],
        votes: Int, quorum: Int, question: String?, signers: [String], verified: String? = nil
    ) {
        self.id = id
        self.op = op
        self.proposer = proposer
        self.proposerName = proposerName
        self.own = own
        self.words = words
        self.state = state
        self.why = why
        self.support = support
        self.body = body
        self.hits = hits
        self.trials = trials
        self.bound = bound
        self.measurements = measurements
        self.votes = votes
        self.quorum = quorum
        self.question = question
        self.signers = signers
        self.verified = verified
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
