public import Identity
public import Membership
internal import Replication
public import Wire

/// What an affirmed question says, read from its fields.
public enum Proposition: Hashable, Sendable {
    /// `[1]`; the subject may vote from the next checkpoint on.
    case admission(PeerID)
    /// `[1]`: all that the subject ever contributed; `[1, log, from, through, id of op through]`: a range of one log.
    case revocation(Revocation)
    /// `[1, generation, log, end]`; end is null or `[log, seq, op]`, where the log before is frozen.
    case accountLog(owner: PeerID, generation: UInt64, log: LogID, end: LogPlace?)
    /// `[1, log, seq, op]`
    case finality(owner: PeerID, LogPlace)
    /// `[1, policy]`
    case policy(NetworkPolicy)
    /// `[1, log, after, through, id of op through, bytes, [hash of each part]]`
    case sums(BlockSums)

    /// Nil for questions of another nature, and for fields that say nothing.
    public init?(_ question: Question) {
        guard let proposition = try? Self.read(question) else { return nil }
        self = proposition
    }

    private static func read(_ question: Question) throws(CBORError) -> Proposition? {
        var decoder = CBORDecoder(question.fields)
        guard question.kind.nature == .affirmed else { return nil }
        let items = try decoder.array(max: 7)
        guard try decoder.uint() == 1 else { throw .unexpected(at: 1, wanted: "version 1") }
        let proposition: Proposition?
        switch question.kind {
        case .admission: proposition = items == 1 ? question.subject.map(Proposition.admission) : nil
        case .revocation:
            guard let subject = question.subject else { return nil }
            let range = items == 5 ? try Revocation.Range(&decoder) : nil
            proposition = items == 1 || items == 5 ? .revocation(Revocation(peer: subject, range: range)) : nil
        case .accountLog:
            guard items == 4, question.subject == question.owner else { return nil }
            let generation = try decoder.uint(max: 1 << 32)
            let log = LogID(try decoder.bytes(exactly: 8))!
            let end: LogPlace?
            if try decoder.null() {
                end = nil
            } else {
                try decoder.array(exactly: 3)
                end = try LogPlace(&decoder)
            }
            proposition =
                generation == 0
                ? nil : .accountLog(owner: question.owner!, generation: generation, log: log, end: end)
        case .finality:
            guard items == 4 else { return nil }
            proposition = .finality(owner: question.owner!, try LogPlace(&decoder))
        case .policy: proposition = items == 2 ? .policy(try NetworkPolicy(from: &decoder)) : nil
        case .sums:
            guard items == 7, let owner = question.owner, question.subject == owner else { return nil }
            proposition = .sums(try BlockSums(of: owner, &decoder))
        case .pattern, .claim, .settlement, .checkpoint, .ledger: return nil
        }
        try decoder.end()
        return proposition
    }

    /// The question that says this.
    ///
    /// - Parameter owner: who asks it, where that matters.
    public func question(by owner: PeerID, electorate: Hash32, expires: UInt64 = .max) -> Question {
        var encoder = CBOREncoder()
        switch self {
        case .admission(let peer):
            encoder.array(1)
            encoder.uint(1)
            return Question(
                kind: .admission, owner: nil, subject: peer, fields: encoder.bytes, electorate: electorate,
                expires: expires)
        case .revocation(let revocation):
            encoder.array(revocation.range == nil ? 1 : 5)
            encoder.uint(1)
            revocation.range?.encode(into: &encoder)
            return Question(
                kind: .revocation, owner: nil, subject: revocation.peer, fields: encoder.bytes,
                electorate: electorate, expires: expires)
        case .accountLog(let owner, let generation, let log, let end):
            encoder.array(4)
            encoder.uint(1)
            encoder.uint(generation)
            encoder.bytes(log.bytes)
            if let end {
                encoder.array(3)
                end.encode(into: &encoder)
            } else {
                encoder.null()
            }
            return Question(
                kind: .accountLog, owner: owner, subject: owner, fields: encoder.bytes, electorate: electorate,
                expires: expires)
        case .finality(let owner, let place):
            encoder.array(4)
            encoder.uint(1)
            place.encode(into: &encoder)
            return Question(
                kind: .finality, owner: owner, subject: owner, fields: encoder.bytes, electorate: electorate,
                expires: expires)
        case .policy(let policy):
            encoder.array(2)
            encoder.uint(1)
            policy.encode(into: &encoder)
            return Question(
                kind: .policy, owner: nil, fields: encoder.bytes, electorate: electorate, expires: expires)
        case .sums(let sums):
            encoder.array(7)
            encoder.uint(1)
            sums.encode(into: &encoder)
            let author = sums.block.key.author
            return Question(
                kind: .sums, owner: author, subject: author, fields: encoder.bytes, electorate: electorate,
                expires: expires)
        }
    }
}

/// One op of a log, named so that no branch can be meant but its own.
public struct LogPlace: Hashable, Sendable {
    public let log: LogID
    /// From 1.
    public let seq: UInt64
    public let id: OpID

    public init(log: LogID, seq: UInt64, id: OpID) {
        self.log = log
        self.seq = seq
        self.id = id
    }

    func encode(into encoder: inout CBOREncoder) {
        encoder.bytes(log.bytes)
        encoder.uint(seq)
        encoder.bytes(id.bytes)
    }

    init(_ decoder: inout CBORDecoder) throws(CBORError) {
        log = LogID(try decoder.bytes(exactly: 8))!
        let start = decoder.position
        seq = try decoder.uint(max: 1 << 53)
        guard seq > 0 else { throw .outOfRange(at: start, what: "logs begin at 1") }
        id = try decoder.id()
    }
}

/// Whose deltas are to be subtracted: all of a member's, or those of a range of one log.
public struct Revocation: Hashable, Sendable {
    public struct Range: Hashable, Sendable {
        public let log: LogID
        /// 1 <= from <= through.
        public let from: UInt64
        public let through: UInt64
        /// The id of op `through`.
        public let id: OpID

        public init(log: LogID, from: UInt64, through: UInt64, id: OpID) {
            self.log = log
            self.from = from
            self.through = through
            self.id = id
        }

        public func encode(into encoder: inout CBOREncoder) {
            encoder.bytes(log.bytes)
            encoder.uint(from)
            encoder.uint(through)
            encoder.bytes(id.bytes)
        }

        public init(_ decoder: inout CBORDecoder) throws(CBORError) {
            log = LogID(try decoder.bytes(exactly: 8))!
            let start = decoder.position
            from = try decoder.uint(max: 1 << 53)
            through = try decoder.uint(max: 1 << 53)
            guard from >= 1, from <= through else { throw .outOfRange(at: start, what: "no range of a log") }
            id = try decoder.id()
        }
    }

    public let peer: PeerID
    /// Nil: everything, and the member leaves.
    public let range: Range?

    public init(peer: PeerID, range: Range? = nil) {
        self.peer = peer
        self.range = range
    }
}
