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
        id: String, kind: String, owner: String?, subject: String?, about: String?, state: String, text: String,
        numbers: [Int], measurements: Int, votes: Int, quorum: Int, electors: Int, signers: [String],
        verified: String? = nil
    ) {
        self.id = id
        self.kind = kind
        self.owner = owner
        self.subject = subject
        self.about = about
        self.state = state
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
    public enum CodingKeys: String, CodingKey, CaseIterable { case peer }
    public static let narrowed: [CodingKeys: JSONSchema] = [.peer: .peer]
    /// Hexadecimal.
    public var peer: String

    public init(peer: String) { self.peer = peer }
}
