internal import Consensus
internal import Identity
package import Peer
internal import Replication
internal import Wire

/// What one site keeps through crashes: the database, and outside of it the sign journal.
///
/// It does at once what it is told; delays and crashes in between are the caller's.
package struct Disk: Sendable {
    private(set) var database = Database()
    package private(set) var journal: [JournalEntry] = []
    /// Older states of the database, as an operator's backups.
    private var backups: [Database] = []
    private static let maxBackups = 8

    /// Appends and syncs one record.
    mutating func append(_ signed: StoredOp) {
        journal.append(JournalEntry(envelope: signed.op.envelope, body: signed.body))
    }

    /// Appends the envelope, while the body that belongs to it is torn.
    mutating func appendTorn(_ signed: StoredOp) {
        journal.append(JournalEntry(envelope: signed.op.envelope, body: nil))
    }

    mutating func loseJournal() { journal = [] }

    mutating func keep(_ sums: BlockSums, bytes: Bytes) { database.keep(sums, bytes: bytes) }
    mutating func keepPart(_ sums: BlockSums, _ part: Int, _ bytes: Bytes) { database.keepPart(sums, part, bytes) }

    mutating func pin(_ sums: [BlockSums], _ snapshot: StateSnapshot) throws(Violation) {
        try database.merge(snapshot)
        for sums in sums { database.pin(sums) }
    }

    /// False: accumulators of a start would lack some of them.
    mutating func drop(_ sums: BlockSums) -> Bool { database.drop(sums) }

    mutating func commit(_ batch: StoreBatch) throws(Violation) {
        for fork in batch.forks { try database.insert(fork) }
        for stored in batch.ops { try database.insert(stored) }
    }

    mutating func merge(_ snapshot: StateSnapshot) throws(Violation) { try database.merge(snapshot) }

    mutating func backUp() {
        if backups.count == Self.maxBackups { backups.removeFirst() }
        backups.append(database)
    }

    /// Puts the database back to a random backup.
    ///
    /// - Returns: the ops that are lost by it; nil without a backup.
    mutating func restore(_ random: inout Random) -> [StoredOp]? {
        guard !backups.isEmpty else { return nil }
        let older = backups[random.below(backups.count)]
        let lost = Array(database.ops[older.ops.count...])
        backups.removeAll { $0.lastIndex > older.lastIndex }
        database = older
        return lost
    }

    var pinned: [BlockSums] { database.pinned }
    /// Whether sums stand for an op's body.
    func lacksBody(_ stored: StoredOp) -> Bool { database.isPinned(stored.op.header) }

    /// All ops in the order in which they were applied here.
    package var ops: [StoredOp] { database.ops }
    var forks: [StoredFork] { database.forks }

    /// What a start reads of the journal: as a node does that has compacted it.
    func readable(journalTail: Int?) -> [JournalEntry] {
        JournalEntry.tail(journal, count: journalTail ?? journal.count)
    }

    /// What a node reads back.
    ///
    /// - Parameter journalTail: how many records of the journal are read; nil for all.
    func recovered(journalTail: Int?) -> Recovered {
        let watermark = database.watermark ?? 0
        let revokes = database.ops.contains { $0.op.header.kind.takesOut && $0.applyIndex > watermark }
        let ops = database.ops.map { stored in
            let isFolded =
                !revokes && stored.op.header.kind == .updateModelWeights && stored.applyIndex <= watermark
                && !database.forks.contains {
                    $0.applyIndex > watermark && $0.proof.key == stored.op.header.logKey
                        && $0.proof.seq <= stored.op.header.seq
                }
            return isFolded
                ? StoredOp(op: stored.op, body: nil, void: stored.void, applyIndex: stored.applyIndex) : stored
        }
        return Recovered(
            ops: ops, forks: database.forks, snapshot: database.snapshot,
            journal: readable(journalTail: journalTail), sums: database.pinned)
    }
}

/// The tables of one site.
struct Database: Sendable {
    private(set) var ops: [StoredOp] = []
    private(set) var forks: [StoredFork] = []
    /// The latest apply index.
    var lastIndex: UInt64 { UInt64(ops.count + forks.count) }
    private var indexes: [OpID: Int] = [:]
    private var logs: [LogKey: [Int]] = [:]
    private var bodies: [Hash32: Int] = [:]
    /// Parts of sums by hash.
    private var parts: [Hash32: Bytes] = [:]
    /// Sums that stand for bodies that are not here.
    private(set) var pinned: [BlockSums] = []
    private(set) var watermark: UInt64?
    private var models: [ModelID: Sums] = [:]

    private struct Sums: Sendable {
        var tensors: [Int: StateSnapshot.Tensor] = [:]
        var rows: [TokenID: StateSnapshot.Row] = [:]
    }

    func contains(_ id: OpID) -> Bool { indexes[id] != nil }

    func op(_ id: OpID) -> StoredOp? { indexes[id].map { ops[$0] } }

    /// Envelopes of a range, as far as they are here.
    func envelopes(_ range: OpRange) -> [Bytes] {
        let log = logs[range.key] ?? []
        guard !forks.contains(where: { $0.proof.key == range.key }) else {
            return log.map { ops[$0].op }.filter { (range.from...range.through).contains($0.header.seq) }
                .sorted { ($0.header.seq, $0.id) < ($1.header.seq, $1.id) }.map(\.envelope)
        }
        let through = min(range.through, UInt64(log.count))
        guard range.from <= through else { return [] }
        return log[Int(range.from - 1)..<Int(through)].map { ops[$0].op.envelope }
    }

    func body(_ hash: Hash32) -> Bytes? { bodies[hash].flatMap { ops[$0].body } ?? parts[hash] }

    mutating func keep(_ sums: BlockSums, bytes: Bytes) {
        for (index, hash) in sums.parts.enumerated() { parts[hash] = BlockSums.part(index, of: bytes) }
    }

    mutating func keepPart(_ sums: BlockSums, _ part: Int, _ bytes: Bytes) { parts[sums.parts[part]] = bytes }

    mutating func drop(_ sums: BlockSums) -> Bool {
        let block = sums.block
        let log = (logs[block.key] ?? []).filter { block.contains(ops[$0].op.header.seq) }
        guard log.allSatisfy({ ops[$0].applyIndex <= watermark ?? 0 }), sums.parts.allSatisfy({ parts[$0] != nil })
        else { return false }
        pin(sums)
        return true
    }

    mutating func pin(_ sums: BlockSums) {
        pinned.append(sums)
        let log = (logs[sums.block.key] ?? []).filter { sums.block.contains(ops[$0].op.header.seq) }
        for at in log where ops[at].op.header.kind == .updateModelWeights {
            let stored = ops[at]
            // Another op may have the same body: it keeps its own.
            if bodies[stored.op.header.bodyHash] == at {
                bodies[stored.op.header.bodyHash] = ops.indices.first {
                    $0 != at && ops[$0].op.header.bodyHash == stored.op.header.bodyHash && ops[$0].body != nil
                }
            }
            ops[at] = StoredOp(op: stored.op, body: nil, void: stored.void, applyIndex: stored.applyIndex)
        }
    }

    func isPinned(_ header: Op.Header) -> Bool {
        header.kind == .updateModelWeights
            && pinned.contains { $0.block.key == header.logKey && $0.block.contains(header.seq) }
    }

    mutating func insert(_ stored: StoredOp) throws(Violation) {
        let header = stored.op.header
        guard indexes[stored.op.id] == nil else {
            throw Violation(.appliedOnce, "op \(stored.op.id.short) is stored a second time")
        }
        guard stored.applyIndex == lastIndex + 1 else {
            throw Violation(
                .appliedOnce, "op \(stored.op.id.short) has apply index \(stored.applyIndex) after \(lastIndex)")
        }
        let isRetracted = forks.contains { $0.proof.key == header.logKey && $0.proof.seq <= header.seq }
        guard isRetracted || header.seq == UInt64((logs[header.logKey]?.count ?? 0) + 1) else {
            throw Violation(.appliedOnce, "op \(stored.op.id.short) does not continue its log in the store")
        }
        guard isRetracted || isPinned(header) || (stored.body == nil) == (header.inlineBody != nil) else {
            throw Violation(.contract, "op \(stored.op.id.short) is stored without its body, or with it twice")
        }
        indexes[stored.op.id] = ops.count
        logs[header.logKey, default: []].append(ops.count)
        if stored.body != nil { bodies[header.bodyHash] = ops.count }
        ops.append(stored)
    }

    mutating func insert(_ fork: StoredFork) throws(Violation) {
        guard fork.applyIndex == lastIndex + 1 else {
            throw Violation(.appliedOnce, "a fork has apply index \(fork.applyIndex) after \(lastIndex)")
        }
        forks.append(fork)
    }

    mutating func merge(_ snapshot: StateSnapshot) throws(Violation) {
        guard snapshot.watermark <= lastIndex, snapshot.watermark >= watermark ?? 0 else {
            throw Violation(
                .contract,
                "a snapshot at \(snapshot.watermark) with \(lastIndex) entries, after one at \(watermark ?? 0)")
        }
        watermark = snapshot.watermark
        for model in snapshot.models {
            for tensor in model.tensors {
                models[model.id, default: Sums()].tensors[tensor.index] = tensor.bytes == nil ? nil : tensor
            }
            for row in model.rows {
                models[model.id, default: Sums()].rows[row.token] = row.bytes == nil ? nil : row
            }
        }
    }

    /// The merged accumulators; nil before the first.
    var snapshot: StateSnapshot? {
        guard let watermark else { return nil }
        let sorted = models.sorted { $0.key < $1.key }.map { id, sums in
            StateSnapshot.Model(
                id: id, tensors: sums.tensors.values.sorted { $0.index < $1.index },
                rows: sums.rows.values.sorted { $0.token < $1.token })
        }
        return StateSnapshot(watermark: watermark, models: sorted)
    }
}
