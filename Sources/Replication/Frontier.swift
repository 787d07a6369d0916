public import Identity
public import Wire

/// How far each log goes at one node: the set of heads. Two nodes with equal frontiers have
/// applied the same ops.
public struct Frontier: Sendable, Equatable {
    public struct Head: Sendable, Equatable {
        public let seq: UInt64
        public let id: OpID

        public init(seq: UInt64, id: OpID) {
            self.seq = seq
            self.id = id
        }
    }

    public private(set) var heads: [LogKey: Head] = [:]

    public init() {}

    public subscript(key: LogKey) -> Head? {
        get { heads[key] }
        set { heads[key] = newValue }
    }

    /// Ascending by author and log.
    public var sorted: [(key: LogKey, head: Head)] {
        heads.map { ($0.key, $0.value) }.sorted { $0.key < $1.key }
    }

    /// Equal for equal frontiers only. Costs one hash over 80 bytes a log.
    public func digest() -> Hash32 {
        var hasher = Hasher32(domain: "shoal/frontier/1")
        for (key, head) in sorted {
            hasher.update(key.author.bytes)
            hasher.update(key.log.bytes)
            hasher.update(head.seq.bigEndianBytes)
            hasher.update(head.id.bytes)
        }
        return hasher.finish()
    }

    public var opCount: UInt64 { heads.values.reduce(0) { $0 + $1.seq } }
}

/// Ops `from ... through` of one log, at least one.
public struct OpRange: Hashable, Sendable {
    public let key: LogKey
    public let from: UInt64
    public let through: UInt64

    public init(key: LogKey, from: UInt64, through: UInt64) {
        self.key = key
        self.from = from
        self.through = through
    }
}
