/// A question that members vote on, and what became of it.
public struct QuestionReport: Codable, Sendable, Equatable {
    /// Hexadecimal.
    public var id: String
    /// `admission`, `checkpoint`, `claim`, …
    public var kind: String
    public var owner: String?
    /// Whom it is about; no elector in it.
    public var subject: String?
    /// The op that it is about.
    public var about: String?
    /// `open`, `expired`, `accepted`, `rejected`, `undecided`.
    public var state: String
    /// Seconds since 1970, by the certified clock: from then on nobody measures or proposes; null where it may be answered at any time.
    public var expires: Int?
    /// In people's words.
    public var text: String
    public var numbers: [Int]
    public var measurements: Int
    public var votes: Int
    public var quorum: Int
    public var electors: Int
    /// Who voted for what is certified; hexadecimal.
    public var signers: [String]
    /// What checking the certificate from the genesis gave, if that was asked: `valid`, or what is wrong.
    public var verified: String?

    public init(
        id: String, kind: String, owner: String?, subject: String?, about: String?, state: String,
        expires: Int?, text: String,
        numbers: [Int], measurements: Int, votes: Int, quorum: Int, electors: Int, signers: [String],
        verified: String? = nil
    ) {
        self.id = id
        self.kind = kind
        self.owner = owner
        self.subject = subject
        self.about = about
        self.state = state
        self.expires = expires
        self.text = text
        self.numbers = numbers
        self.measurements = measurements
        self.votes = votes
        self.quorum = quorum
        self.electors = electors
        self.signers = signers
        self.verified = verified
    }
}

/// What the network has agreed on last, and what it is asked.
public struct ConsensusReport: Codable, Sendable, Equatable {
    public var height: Int
    /// Certified time, seconds since 1970.
    public var seconds: Int
    /// Who votes; hexadecimal.
    public var electors: [String]
    /// Who is proven to have voted twice.
    public var convicted: [String]
    /// Open ones first.
    public var questions: [QuestionReport]

    public init(height: Int, seconds: Int, electors: [String], convicted: [String], questions: [QuestionReport]) {
        self.height = height
        self.seconds = seconds
        self.electors = electors
        self.convicted = convicted
        self.questions = questions
    }
}

/// A member says yes: to a right to vote, or to a revocation.
public struct AffirmRequest: StrictDecodable, Encodable, Sendable, Equatable {
    public enum CodingKeys: String, CodingKey, CaseIterable { case peer, from, through, log }
    public static let narrowed: [CodingKeys: JSONSchema] = [
        .peer: .peer, .from: .place, .through: .place, .log: .log,
    ]
    /// Hexadecimal.
    public var peer: String
    /// Of a revocation: these ops of one log alone; the member stays. Without a log: the only one that it trains in.
    public var from: Int?
    public var through: Int?
    public var log: String?

    public init(peer: String, from: Int? = nil, through: Int? = nil, log: String? = nil) {
        self.peer = peer
        self.from = from
        self.through = through
        self.log = log
    }
}

/// `POST /api/models/without`: whom this site answers without, hexadecimal; none: with everybody.
public struct WithoutRequest: StrictDecodable, Encodable, Sendable {
    public enum CodingKeys: String, CodingKey, CaseIterable { case peers }
    public static let narrowed: [CodingKeys: JSONSchema] = [.peers: .list(of: .peer)]
    public var peers: [String]

    public init(peers: [String]) { self.peers = peers }
}

public struct WithoutReport: Codable, Sendable, Equatable {
    /// Hexadecimal, ascending.
    public var peers: [String]

    public init(peers: [String]) { self.peers = peers }
}

/// `POST /api/ops/retract`: takes back what this site trained in a range of one of its own logs.
public struct RetractRequest: StrictDecodable, Encodable, Sendable {
    public enum CodingKeys: String, CodingKey, CaseIterable { case from, through, log }
    public static let narrowed: [CodingKeys: JSONSchema] = [.from: .place, .through: .place, .log: .log]
    /// Places in the log, as `shoal ops list` shows them.
    public var from: Int
    public var through: Int
    /// Hexadecimal; the only log that this site has trained in if absent.
    public var log: String?

    public init(from: Int, through: Int, log: String? = nil) {
        self.from = from
        self.through = through
        self.log = log
    }
}

public struct RetractReport: Codable, Sendable, Equatable {
    /// The op that says so.
    public var op: String
    /// Deltas that are out of the sums.
    public var deltas: Int

    public init(op: String, deltas: Int) {
        self.op = op
        self.deltas = deltas
    }
}
