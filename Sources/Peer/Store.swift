public import Consensus
public import Identity
public import Ledger
public import Replication
public import Rules
public import Wire

/// Why an op has no effect. It is still stored and relayed, so that it cannot block its log.
public struct VoidReason: Hashable, Sendable {
    /// Stable, for metrics and scripts: `unknown-model`, `wrong-shape`, …
    public let code: String
    public let detail: String

    public init(code: String, detail: String) {
        self.code = code
        self.detail = detail
    }
}

/// An op as the store keeps it: the exact signed bytes, its body, and what became of it.
public struct StoredOp: Sendable, Equatable {
    public let op: Op
    /// Nil when it is inside the envelope.
    public let body: Bytes?
    /// Nil: the op took effect.
    public let void: VoidReason?
    /// From 1 in the order in which this node applied its ops; its journal. Local, never on the wire.
    public let applyIndex: UInt64

    public init(op: Op, body: Bytes?, void: VoidReason?, applyIndex: UInt64) {
        self.op = op
        self.body = body
        self.void = void
        self.applyIndex = applyIndex
    }
}

/// What is made durable together: all of it or nothing.
public struct StoreBatch: Sendable, Equatable {
    /// From 1, without gaps; a batch is written only after the one before.
    public let number: UInt64
    /// In order of application, each after its causal past.
    public let ops: [StoredOp]
    /// Proven forks; what they take back was applied before.
    public let forks: [StoredFork]
    /// Those of `ops` that this node signed: appended to the sign journal and synced *before* the
    /// store's transaction begins.
    public let signed: [StoredOp]
    /// What changed in the ledger by all of this: derived, and written in the same transaction.
    public let ledger: LedgerUpdate
    /// Proposed patterns that are new, or decided, by all of this; likewise.
    public let patterns: [ProposedPattern]

    public init(
        number: UInt64, ops: [StoredOp], forks: [StoredFork] = [], signed: [StoredOp],
        ledger: LedgerUpdate = LedgerUpdate(), patterns: [ProposedPattern] = []
    ) {
        self.ledger = ledger
        self.patterns = patterns
        self.number = number
        self.ops = ops
        self.forks = forks
        self.signed = signed
    }
}

/// Everything a node reads back when it starts.
public struct Recovered: Sendable {
    /// All stored ops in order of application. The bodies of weight deltas at or below the snapshot's
    /// watermark may be left out, unless a fork above the watermark takes them back; those of all other ops
    /// are needed.
    public var ops: [StoredOp]
    /// All stored proofs of forks, by apply index.
    public var forks: [StoredFork]
    /// The latest accumulators written, if any.
    public var snapshot: StateSnapshot?
    /// The ops that this node's sign journal holds last, in the order they were signed, with bodies.
    public var journal: [JournalEntry]
    /// Sums that stand for bodies that are not here.
    public var sums: [BlockSums]
    /// Parts of sums by hash; those that are missing are read when the node runs.
    public var parts: [Hash32: Bytes]
    /// Whether the store has written what the ledger says; else it is all told again with the first batch.
    public var hasLedger: Bool

    public init(
        ops: [StoredOp] = [], forks: [StoredFork] = [], snapshot: StateSnapshot? = nil, journal: [JournalEntry] = [],
        hasLedger: Bool = false, sums: [BlockSums] = [], parts: [Hash32: Bytes] = [:]
    ) {
        self.sums = sums
        self.parts = parts
        self.hasLedger = hasLedger
        self.ops = ops
        self.forks = forks
        self.snapshot = snapshot
        self.journal = journal
    }
}

/// One record of the sign journal.
public struct JournalEntry: Sendable, Equatable {
    public let envelope: Bytes
    /// Nil when it is inside the envelope.
    public let body: Bytes?

    public init(envelope: Bytes, body: Bytes?) {
        self.envelope = envelope
        self.body = body
    }

    /// The log that the op stands in; nil for bytes that are no op.
    var log: LogID? {
        // The network matters for the op's id alone.
        (try? Op(stored: envelope, network: NetworkID.zero))?.header.log
    }

    /// The last `count` of a journal's entries, and before them the last one of every log that these do not name: a
    /// node may sign in two logs, and must know the end of both.
    public static func tail(_ entries: [JournalEntry], count: Int) -> [JournalEntry] {
        guard entries.count > count else { return entries }
        var logs = Set(entries.suffix(count).map(\.log))
        let ends = entries.dropLast(count).reversed().filter { logs.insert($0.log).inserted }
        return ends.reversed() + entries.suffix(count)
    }
}

/// The accumulators of all models after the ops up to `watermark`, so that a start need not fold
/// every op again. Written now and then; a crash replays what is above it.
public struct StateSnapshot: Sendable, Equatable {
    /// What changed of one model, or all of it.
    public struct Model: Sendable, Equatable {
        public let id: ModelID
        /// Ascending by position in `ModelShape.tensors`.
        public let tensors: [Tensor]
        /// Ascending by token.
        public let rows: [Row]

        public init(id: ModelID, tensors: [Tensor], rows: [Row]) {
            self.id = id
            self.tensors = tensors
            self.rows = rows
        }
    }
    /// The accumulators of one dense tensor: little-endian Int64, row-major.
    public struct Tensor: Sendable, Equatable {
        /// Position in `ModelShape.tensors`.
        public let index: Int
        public let name: String
        /// Nil: all zero; the store drops what it had.
        public let bytes: Bytes?

        public init(index: Int, name: String, bytes: Bytes?) {
            self.index = index
            self.name = name
            self.bytes = bytes
        }
    }
    /// The accumulators of one token row: `dim` little-endian Int64.
    public struct Row: Sendable, Equatable {
        public let token: TokenID
        /// Nil: all zero; the store drops what it had.
        public let bytes: Bytes?

        public init(token: TokenID, bytes: Bytes?) {
            self.token = token
            self.bytes = bytes
        }
    }

    /// The last apply index that is in the accumulators.
    public let watermark: UInt64
    /// Ascending by id. For writing: models and rows that changed since the snapshot before; a
    /// store merges them into what it has. For reading: everything.
    public let models: [Model]

    public init(watermark: UInt64, models: [Model]) {
        self.watermark = watermark
        self.models = models
    }
}

/// A proof as the store keeps it.
public struct StoredFork: Sendable, Equatable {
    public let proof: ForkProof
    /// In the same count as ``StoredOp/applyIndex``: what it takes back is what was applied before it.
    public let applyIndex: UInt64

    public init(proof: ForkProof, applyIndex: UInt64) {
        self.proof = proof
        self.applyIndex = applyIndex
    }
}
