public import Identity
public import Wire

/// A place in the order of logs: by author, then by log.
public struct LogBound: Sendable, Hashable, Comparable {
    public var author: PeerID
    public var log: LogID

    public init(author: PeerID, log: LogID) {
        self.author = author
        self.log = log
    }

    /// Before every log.
    public static let first = LogBound(author: .zero, log: LogID(rawValue: 0))

    public static func < (a: Self, b: Self) -> Bool { (a.author, a.log) < (b.author, b.log) }

    fileprivate func encode(into encoder: inout CBOREncoder) { encoder.bytes(author.bytes + log.bytes) }

    fileprivate init(_ bytes: Bytes) {
        self.init(author: PeerID(bytes[..<32])!, log: LogID(bytes[32...])!)
    }
}

/// What the sender has of the logs from `from` up to, not including, `below`.
public struct FrontierRange: Sendable, Equatable {
    public enum Content: Sendable, Equatable {
        /// Hash of its entries there; equal for equal entries only.
        case fingerprint(Hash32)
        /// Entries, ascending, all within the range.
        ///
        /// `isQuestion`: these are all the sender has there, and it wants to hear what differs. Else it is the answer
        /// to such a question: those that differ, or that the asker lacks.
        case entries([FrontierEntry], isQuestion: Bool)
    }

    public var from: LogBound
    /// Nil: to the end.
    public var below: LogBound?
    public var content: Content

    public init(from: LogBound, below: LogBound?, content: Content) {
        self.from = from
        self.below = below
        self.content = content
    }

    public func contains(_ bound: LogBound) -> Bool { from <= bound && below.map { bound < $0 } ?? true }

    public var entryCount: Int {
        switch content {
        case .fingerprint: 0
        case .entries(let entries, _): entries.count
        }
    }
}

/// A step of comparing two large frontiers by ranges (after Meyer, Range-Based Set Reconciliation, SRDS 2023).
///
/// ```
/// RECONCILE = [digest, state, [range …]]
/// range     = [from:40B, below:40B | null, fingerprint:32B]
///           | [from:40B, below:40B | null, [[author, log, seq, head, fork_seq | null] …], is_question]
/// ```
/// Ranges ascend and do not overlap; at least one and at most 256 of them, with 256 entries in all: 56 KiB.
public struct ReconcileMessage: Sendable, Equatable {
    /// Of the sender's applied frontier and its state, as in ``FrontierMessage``.
    public var digest: Hash32
    public var state: Hash32
    public var ranges: [FrontierRange]

    public init(digest: Hash32, state: Hash32, ranges: [FrontierRange]) {
        self.digest = digest
        self.state = state
        self.ranges = ranges
    }

    func encode(into encoder: inout CBOREncoder) {
        encoder.array(3)
        encoder.bytes(digest.bytes)
        encoder.bytes(state.bytes)
        encoder.array(ranges.count)
        for range in ranges {
            switch range.content {
            case .fingerprint(let hash):
                encoder.array(3)
                range.encodeBounds(into: &encoder)
                encoder.bytes(hash.bytes)
            case .entries(let entries, let isQuestion):
                encoder.array(4)
                range.encodeBounds(into: &encoder)
                encoder.array(entries.count)
                for entry in entries { entry.encode(into: &encoder) }
                encoder.bool(isQuestion)
            }
        }
    }

    init(_ decoder: inout CBORDecoder) throws(CBORError) {
        try decoder.array(exactly: 3)
        digest = try decoder.id()
        state = try decoder.id()
        ranges = []
        var room = SessionLimits.frontierEntriesPerFrame
        for _ in 0..<(try decoder.array(1...SessionLimits.rangesPerFrame)) {
            let start = decoder.position
            let range = try FrontierRange(&decoder, room: room)
            room -= range.entryCount
            if let last = ranges.last, last.below.map({ $0 > range.from }) ?? true {
                throw .outOfRange(at: start, what: "the ranges overlap or do not ascend")
            }
            ranges.append(range)
        }
    }
}

extension FrontierRange {
    fileprivate func encodeBounds(into encoder: inout CBOREncoder) {
        from.encode(into: &encoder)
        if let below { below.encode(into: &encoder) } else { encoder.null() }
    }

    /// - Parameter room: entries that the frame may still have.
    fileprivate init(_ decoder: inout CBORDecoder, room: Int) throws(CBORError) {
        let start = decoder.position
        let items = try decoder.array(3...4)
        let from = LogBound(try decoder.bytes(exactly: 40))
        let below = try decoder.null() ? nil : LogBound(try decoder.bytes(exactly: 40))
        (self.from, self.below) = (from, below)
        guard below.map({ $0 > from }) ?? true else { throw .outOfRange(at: start, what: "an empty range") }
        guard items == 4 else {
            content = .fingerprint(try decoder.id())
            return
        }
        let entries = try [FrontierEntry].decode(&decoder, max: room)
        let isQuestion = try decoder.bool()
        content = .entries(entries, isQuestion: isQuestion)
        guard entries.allSatisfy({ contains(LogBound(author: $0.author, log: $0.log)) }) else {
            throw .outOfRange(at: start, what: "an entry outside its range")
        }
    }
}
