public import Identity
public import Wire

/// How far each log goes at one node: the set of heads. At two nodes with equal frontiers the same ops
/// have effect.
public struct Frontier: Sendable, Equatable {
    public struct Head: Sendable, Equatable {
        /// Of the last op that has effect; 0 where a fork is proven at the first.
        public let seq: UInt64
        public let id: OpID
        /// From where on the log is proven to fork; its ops there have no effect.
        public let forkSeq: UInt64?

        public init(seq: UInt64, id: OpID, forkSeq: UInt64? = nil) {
            self.seq = seq
            self.id = id
            self.forkSeq = forkSeq
        }
    }

    public private(set) var heads: [LogKey: Head] = [:]
    /// Ascending by author and log: new logs are rare, and each digest needs the order.
    private var keys: [LogKey] = []

    public init() {}

    public subscript(key: LogKey) -> Head? {
        get { heads[key] }
        set {
            let isOld = heads[key] != nil
            heads[key] = newValue
            guard isOld != (newValue != nil) else { return }
            let at = keys.partitioningIndex { $0 >= key }
            if newValue == nil { keys.remove(at: at) } else { keys.insert(key, at: at) }
        }
    }

    /// Ascending by author and log.
    public var sorted: [(key: LogKey, head: Head)] { keys.map { ($0, heads[$0]!) } }

    /// Equal for equal frontiers only. Costs one hash over 88 bytes a log.
    public func digest() -> Hash32 {
        // In one piece: a call for each field costs more than the hash.
        var bytes = Bytes()
        bytes.reserveCapacity(88 * heads.count)
        for key in keys {
            let head = heads[key]!
            key.author.append(to: &bytes)
            key.log.rawValue.append(to: &bytes)
            head.seq.append(to: &bytes)
            head.id.append(to: &bytes)
            (head.forkSeq ?? 0).append(to: &bytes)
        }
        return blake2b256(domain: "shoal/frontier/2", bytes)
    }

    /// Ops that have effect.
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
