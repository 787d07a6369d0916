/// What a frame carries: the number in its type field.
///
/// ```
///  1 HELLO       5 IHAVE      9 FRONTIER    13 BLOB_NONE      17 POLL         21 CREDIT
///  2 PING        6 IWANT     10 PULL        14 EQUIVOCATION   18 POLL_REPLY   22 BYE
///  3 PONG        7 GRAFT     11 BLOB_WANT   15 VOTE           19 PEERS
///  4 OPS         8 PRUNE     12 BLOB        16 CERT           20 JOIN        23 RECONCILE
/// 24 SUMS_WANT  25 SUMS
/// ```
/// The enum has the kinds this version speaks, ``ReservedKind`` the others of the table. Any other
/// number below 0x80 ends the connection; numbers from 0x80 on are read over, so that later versions
/// can add what earlier ones may ignore.
public enum MessageKind: UInt8, Sendable, CaseIterable, Hashable {
    case hello = 1
    case ping = 2
    case pong = 3
    case ops = 4
    case ihave = 5
    case iwant = 6
    case graft = 7
    case prune = 8
    case frontier = 9
    case pull = 10
    case blobWant = 11
    case blob = 12
    case blobNone = 13
    case equivocation = 14
    case peers = 19
    case join = 20
    case credit = 21
    case bye = 22
    case reconcile = 23
    case sumsWant = 24
    case sums = 25

    /// The one lane this kind travels on.
    public var lane: Lane {
        switch self {
        case .ops, .sums: .ops
        case .blob: .bulk
        case .hello, .ping, .pong, .ihave, .iwant, .graft, .prune, .frontier, .reconcile, .pull, .blobWant, .blobNone,
            .equivocation, .peers, .join, .credit, .bye, .sumsWant:
            .control
        }
    }

    /// Needs credit of its lane. The others keep the link alive and must never wait for it: HELLO comes
    /// once, BYE ends it, a PONG answers a PING, PINGs are bounded in time and CREDITs by what was sent.
    public var needsCredit: Bool {
        switch self {
        case .hello, .ping, .pong, .credit, .bye: false
        case .ops, .ihave, .iwant, .graft, .prune, .frontier, .reconcile, .pull, .blobWant, .blob, .blobNone,
            .equivocation, .peers, .join, .sumsWant, .sums:
            true
        }
    }

    /// As the protocol page writes it: `BLOB_WANT`.
    public var name: String {
        switch self {
        case .hello: "HELLO"
        case .ping: "PING"
        case .pong: "PONG"
        case .ops: "OPS"
        case .ihave: "IHAVE"
        case .iwant: "IWANT"
        case .graft: "GRAFT"
        case .prune: "PRUNE"
        case .frontier: "FRONTIER"
        case .pull: "PULL"
        case .blobWant: "BLOB_WANT"
        case .blob: "BLOB"
        case .blobNone: "BLOB_NONE"
        case .equivocation: "EQUIVOCATION"
        case .peers: "PEERS"
        case .join: "JOIN"
        case .credit: "CREDIT"
        case .bye: "BYE"
        case .reconcile: "RECONCILE"
        case .sumsWant: "SUMS_WANT"
        case .sums: "SUMS"
        }
    }
}

/// Kinds of the protocol that this version does not speak; their numbers are taken.
public enum ReservedKind: UInt8, Sendable, CaseIterable, Hashable {
    case vote = 15
    case cert = 16
    case poll = 17
    case pollReply = 18
}
