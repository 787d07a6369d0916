public import Identity
internal import Replication
public import Wire

/// What a quorum can be asked.
public enum QuestionKind: UInt64, Sendable, CaseIterable {
    /// Whether a pattern holds on others' data.
    case pattern = 1
    /// What training ops were worth.
    case claim = 2
    /// Whether a bounty's target is reached.
    case settlement = 3
    /// Whether a member may vote.
    case admission = 4
    /// Whether a member's deltas are to be subtracted.
    case revocation = 5
    /// In which log a member's votes and debits count from now on.
    case accountLog = 6
    /// How far an account log is final.
    case finality = 7
    /// Time, electorate and policy from now on.
    case checkpoint = 8
    /// What becomes of an escrow: who is paid, or that it returns. The ledger decides what answers there are.
    case ledger = 9
    /// Other numbers for the network.
    case policy = 10
    /// What the deltas of a block of a log come to.
    case sums = 11

    /// How the value comes about.
    public enum Nature: Sendable {
        /// Electors measure, the owner proposes what follows, electors vote.
        case measured
        /// The question says it all; whoever finds it true votes.
        case affirmed
        /// It belongs to nobody: rounds with a proposer each.
        case agreed
    }

    public var nature: Nature {
        switch self {
        case .pattern, .claim, .settlement: .measured
        case .admission, .revocation, .accountLog, .finality, .policy, .sums: .affirmed
        case .checkpoint, .ledger: .agreed
        }
    }

    /// Whether a question of this kind belongs to somebody. What anybody may ask has no owner, so that whoever asks
    /// the same asks the very same question.
    public var hasOwner: Bool {
        switch self {
        case .pattern, .claim, .settlement, .accountLog, .finality, .sums: true
        case .admission, .revocation, .checkpoint, .ledger, .policy: false
        }
    }

    public var name: String {
        switch self {
        case .pattern: "pattern"
        case .claim: "claim"
        case .settlement: "settlement"
        case .admission: "admission"
        case .revocation: "revocation"
        case .accountLog: "account-log"
        case .finality: "finality"
        case .checkpoint: "checkpoint"
        case .ledger: "ledger"
        case .policy: "policy"
        case .sums: "sums"
        }
    }
}

public enum QuestionTag {}
/// Names a question in one network.
public typealias QuestionID = ID32<QuestionTag>

/// A question to the electors of one checkpoint, in its one canonical form.
///
/// ```
/// [1, kind, owner | null, subject | null, about | null, fields, electorate, expires]
/// id = H("shoal/question/1", network || these bytes)
/// ```
public struct Question: Hashable, Sendable {
    public enum Limits {
        public static let fieldBytes = 1_024
        public static let bytes = 1_280
        /// ``Question/expires`` of what may be answered at any time.
        public static let never: UInt64 = 1 << 53
    }

    public let kind: QuestionKind
    /// Who asked, and alone proposes a value; nil for kinds that belong to nobody (``QuestionKind/hasOwner``).
    public let owner: PeerID?
    /// Whom it is about; no elector in it.
    public let subject: PeerID?
    /// The op that it is about: a claim, a proposed pattern, a settlement.
    public let about: OpID?
    /// CBOR by kind; see ``Proposition`` and the rooms that ask.
    public let fields: Bytes
    /// The digest of the certified checkpoint whose voting members are asked.
    public let electorate: Hash32
    /// In certified seconds since 1970: from then on nobody measures or proposes any more.
    public let expires: UInt64

    public init(
        kind: QuestionKind, owner: PeerID?, subject: PeerID? = nil, about: OpID? = nil, fields: Bytes = [],
        electorate: Hash32, expires: UInt64 = .max
    ) {
        precondition(fields.count <= Limits.fieldBytes)
        self.kind = kind
        self.owner = owner
        self.subject = subject
        self.about = about
        self.fields = fields
        self.electorate = electorate
        self.expires = min(expires, Limits.never)
    }

    public func encode() -> Bytes {
        var encoder = CBOREncoder(reserving: 192 + fields.count)
        encoder.array(8)
        encoder.uint(1)
        encoder.uint(kind.rawValue)
        encoder.optionalBytes(owner?.bytes)
        encoder.optionalBytes(subject?.bytes)
        encoder.optionalBytes(about?.bytes)
        encoder.bytes(fields)
        encoder.bytes(electorate)
        encoder.uint(expires)
        return encoder.bytes
    }

    public init(decoding bytes: Bytes) throws(CBORError) {
        var decoder = CBORDecoder(bytes)
        try decoder.array(exactly: 8)
        guard try decoder.uint() == 1 else { throw .unexpected(at: 1, wanted: "version 1") }
        let start = decoder.position
        guard let kind = QuestionKind(rawValue: try decoder.uint()) else {
            throw .outOfRange(at: start, what: "no kind of question")
        }
        self.kind = kind
        owner = try decoder.optionalID()
        subject = try decoder.optionalID()
        about = try decoder.optionalID()
        fields = try decoder.bytes(max: Limits.fieldBytes)
        electorate = try decoder.id()
        expires = try decoder.uint(max: Limits.never)
        try decoder.end()
        guard (owner != nil) == kind.hasOwner else {
            throw .unexpected(at: start, wanted: "an owner for what belongs to somebody")
        }
    }

    public func id(in network: NetworkID) -> QuestionID {
        blake2b256(domain: "shoal/question/1", network.bytes, encode())
    }

    /// Questions of one slot decide the same thing: an elector answers one of them.
    ///
    /// Two ends of one account log, two ops at one place of it, or two blocks that begin at one place must not both be
    /// certified; so of those only the owner and the generation, or the place, count.
    public var slot: Hash32 {
        var what = about == nil ? fields : []
        switch Proposition(self) {
        case .accountLog(_, let generation, _, _): what = generation.bigEndianBytes
        case .finality(_, let place): what = place.log.bytes + place.seq.bigEndianBytes
        case .sums(let sums): what = sums.block.key.log.bytes + sums.block.after.bigEndianBytes
        case .admission, .revocation, .policy, nil: break
        }
        var encoder = CBOREncoder()
        encoder.array(4)
        encoder.uint(kind.rawValue)
        encoder.optionalBytes(about?.bytes)
        encoder.optionalBytes(subject?.bytes)
        encoder.bytes(what)
        return blake2b256(domain: "shoal/slot/1", encoder.bytes)
    }
}

extension CBORDecoder {
    mutating func optionalID<Tag>(_: Tag.Type = Tag.self) throws(CBORError) -> ID32<Tag>? {
        if try null() { return nil }
        return try id()
    }
}
