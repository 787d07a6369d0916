public import Identity
public import Wire

/// How far one log has come.
public struct FrontierEntry: Sendable, Hashable {
    public var author: PeerID
    public var log: LogID
    public var seq: UInt64
    /// The id of op `seq`.
    public var head: OpID
    /// The smallest seq at which a fork of this log is proven, if one is (protocol §6).
    public var forkSeq: UInt64?

    public init(author: PeerID, log: LogID, seq: UInt64, head: OpID, forkSeq: UInt64? = nil) {
        self.author = author
        self.log = log
        self.seq = seq
        self.head = head
        self.forkSeq = forkSeq
    }

    fileprivate func precedes(_ other: FrontierEntry) -> Bool { (author, log) < (other.author, other.log) }

    func encode(into encoder: inout CBOREncoder) {
        encoder.array(5)
        encoder.bytes(author.bytes)
        encoder.bytes(log.bytes)
        encoder.uint(seq)
        encoder.bytes(head.bytes)
        if let forkSeq { encoder.uint(forkSeq) } else { encoder.null() }
    }
}

extension [FrontierEntry] {
    /// At most `max` entries that ascend strictly by (author, log).
    static func decode(_ decoder: inout CBORDecoder, max: Int) throws(CBORError) -> [FrontierEntry] {
        var entries = [FrontierEntry]()
        for _ in 0..<(try decoder.array(max: max)) {
            let start = decoder.position
            try decoder.array(exactly: 5)
            var entry = FrontierEntry(
                author: try decoder.id(), log: try decoder.logID(), seq: try decoder.uint(), head: try decoder.id())
            if try !decoder.null() { entry.forkSeq = try decoder.uint() }
            if let last = entries.last, !last.precedes(entry) {
                throw .outOfRange(at: start, what: "the frontier does not ascend")
            }
            entries.append(entry)
        }
        return entries
    }
}

/// What a node has applied, in short or in full (protocol §5).
///
/// ```
/// FRONTIER = [digest, state]                                               78 bytes of body at most
///          | [digest, state, [[author, log, seq, head, fork_seq | null] …], more]
/// ```
/// Entries ascend strictly by (author, log) within a frame; an empty list is what a new node has.
public enum FrontierMessage: Sendable, Equatable {
    /// Digests of the applied frontier, and of the state there. Equal digests: nothing more to say.
    case summary(digest: Hash32, state: Hash32)
    /// - Parameter more: another page follows.
    case full(digest: Hash32, state: Hash32, entries: [FrontierEntry], more: Bool)

    /// The whole frontier, in as many messages as it needs; at least one.
    public static func pages(digest: Hash32, state: Hash32, entries: [FrontierEntry]) -> [FrontierMessage] {
        let sorted = entries.sorted { $0.precedes($1) }
        let size = SessionLimits.frontierEntriesPerFrame
        return stride(from: 0, to: max(sorted.count, 1), by: size).map { start in
            let end = min(start + size, sorted.count)
            return .full(digest: digest, state: state, entries: Array(sorted[start..<end]), more: end < sorted.count)
        }
    }

    func encode(into encoder: inout CBOREncoder) {
        switch self {
        case .summary(let digest, let state):
            encoder.ids([digest, state])
        case .full(let digest, let state, let entries, let more):
            encoder.array(4)
            encoder.bytes(digest.bytes)
            encoder.bytes(state.bytes)
            encoder.array(entries.count)
            for entry in entries { entry.encode(into: &encoder) }
            encoder.bool(more)
        }
    }

    init(_ decoder: inout CBORDecoder) throws(CBORError) {
        let count = try decoder.array(2...4)
        let digest: Hash32 = try decoder.id()
        let state: Hash32 = try decoder.id()
        guard count != 2 else {
            self = .summary(digest: digest, state: state)
            return
        }
        guard count == 4 else { throw .outOfRange(at: 0, what: "\(count) items, not 2 or 4") }
        let entries = try [FrontierEntry].decode(&decoder, max: SessionLimits.frontierEntriesPerFrame)
        self = .full(digest: digest, state: state, entries: entries, more: try decoder.bool())
    }
}

/// A gap to fill: the ops `from ... through` of one log.
public struct PullRange: Sendable, Hashable {
    public var author: PeerID
    public var log: LogID
    public var from: UInt64
    /// Inclusive, at least `from`.
    public var through: UInt64

    public init(author: PeerID, log: LogID, from: UInt64, through: UInt64) {
        self.author = author
        self.log = log
        self.from = from
        self.through = through
    }

    /// Ends before `other` begins; ranges that ascend like this ask for no op twice.
    fileprivate func precedes(_ other: PullRange) -> Bool {
        (author, log) < (other.author, other.log)
            || (author == other.author && log == other.log && through < other.from)
    }

    static func encode(_ ranges: [PullRange], into encoder: inout CBOREncoder) {
        encoder.array(ranges.count)
        for range in ranges {
            encoder.array(4)
            encoder.bytes(range.author.bytes)
            encoder.bytes(range.log.bytes)
            encoder.uint(range.from)
            encoder.uint(range.through)
        }
    }

    static func decode(_ decoder: inout CBORDecoder) throws(CBORError) -> [PullRange] {
        var ranges = [PullRange]()
        for _ in 0..<(try decoder.array(1...SessionLimits.rangesPerFrame)) {
            let start = decoder.position
            try decoder.array(exactly: 4)
            let range = PullRange(
                author: try decoder.id(), log: try decoder.logID(), from: try decoder.uint(),
                through: try decoder.uint())
            guard range.from <= range.through else { throw .outOfRange(at: start, what: "an empty range") }
            if let last = ranges.last, !last.precedes(range) {
                throw .outOfRange(at: start, what: "the ranges overlap or do not ascend")
            }
            ranges.append(range)
        }
        return ranges
    }
}
