internal import Consensus
internal import Glibc
internal import Identity
internal import Peer
internal import Replication
internal import Site
internal import Storage
internal import Synchronization
internal import Wire

/// Makes ops durable, in order, on a thread of its own: sign journal first, then PostgreSQL.
///
/// A lost database connection is no failure: the batch is written again until the database is back.
/// It is the same batch, and storing an op twice changes nothing.
final class OpKeeper: @unchecked Sendable {
    private let thread = StorageThread(name: "shoal-ops")
    private let journal: SignJournal
    private let connect: @Sendable () throws(StorageError) -> OpStore
    private let checkSpace: @Sendable () throws(SiteError) -> Void
    /// Confined to `thread`.
    private var store: OpStore?
    private let stopping = Atomic<Bool>(false)
    /// Called when nothing can be made durable any more. Set before the first batch.
    var onFailure: @Sendable (String) -> Void = { _ in }

    /// Records of the sign journal: the envelope of each signed op, then its body unless inline.
    private enum Record {
        static let envelope: UInt8 = 1
        static let body: UInt8 = 2
        /// Everything before the last batch is in the database, so little has to be kept.
        static let compactBytes = 64 << 20
        /// More than one batch, which is all the database can have lost.
        static let recoveredOps = 1_024
    }

    /// - Parameters:
    ///   - checkSpace: asked before each batch: a node stops before its disk is full.
    ///   - connect: opens the store; called again after a lost connection.
    init(
        journal: SignJournal, checkSpace: @escaping @Sendable () throws(SiteError) -> Void,
        connect: @escaping @Sendable () throws(StorageError) -> OpStore
    ) {
        self.journal = journal
        self.checkSpace = checkSpace
        self.connect = connect
    }

    /// The last signed ops, oldest first.
    static func entries(of journal: SignJournal) throws(SiteError) -> [JournalEntry] {
        var entries: [JournalEntry] = []
        try journal.forEach { record in
            switch record.kind {
            case Record.envelope: entries.append(JournalEntry(envelope: record.bytes, body: nil))
            case Record.body:
                guard let last = entries.popLast() else { return }
                entries.append(JournalEntry(envelope: last.envelope, body: record.bytes))
            default: break
            }
            if entries.count > 2 * Record.recoveredOps {
                entries = JournalEntry.tail(entries, count: Record.recoveredOps)
            }
        }
        return entries
    }

    func persist(_ batch: StoreBatch, done: @escaping @Sendable () -> Void) {
        thread.submit { [self] in
            do {
                try checkSpace()
                try append(batch.signed)
            } catch {
                return onFailure("\(error)")
            }
            if retrying({ (store) throws(StorageError) in try store.persist(batch) }) != nil { done() }
        }
    }

    func write(_ snapshot: StateSnapshot, done: @escaping @Sendable () -> Void) {
        thread.submit { [self] in
            if retrying({ (store) throws(StorageError) in try store.write(snapshot) }) != nil { done() }
        }
    }

    func envelopes(_ ranges: [OpRange], done: @escaping @Sendable ([Bytes]) -> Void) {
        thread.submit { [self] in
            done(retrying { (store) throws(StorageError) in try store.envelopes(ranges) } ?? [])
        }
    }

    func body(_ hash: Hash32, done: @escaping @Sendable (Bytes?) -> Void) {
        thread.submit { [self] in
            done(retrying { (store) throws(StorageError) in try store.body(hash) } ?? nil)
        }
    }

    func keepPart(_ sums: BlockSums, _ part: Int, _ bytes: Bytes) {
        thread.submit { [self] in
            _ = retrying { (store) throws(StorageError) in try store.keepPart(sums, part, bytes) }
        }
    }

    func pin(_ sums: [BlockSums], _ snapshot: StateSnapshot, done: @escaping @Sendable () -> Void) {
        thread.submit { [self] in
            if retrying({ (store) throws(StorageError) in try store.pin(sums, snapshot) }) != nil { done() }
        }
    }

    /// - Parameter done: told the bytes dropped; nil: it was too early.
    func drop(_ sums: BlockSums, done: @escaping @Sendable (Int?) -> Void) {
        thread.submit { [self] in
            if let bytes = retrying({ (store) throws(StorageError) in try store.drop(sums) }) { done(bytes) }
        }
    }

    /// Ends after what was handed over is durable.
    func finish() {
        stopping.store(true, ordering: .relaxed)
        thread.finish()
    }

    private func append(_ signed: [StoredOp]) throws(SiteError) {
        guard !signed.isEmpty else { return }
        var records: [JournalRecord] = []
        for stored in signed {
            records.append(JournalRecord(kind: Record.envelope, bytes: stored.op.envelope))
            if let body = stored.body { records.append(JournalRecord(kind: Record.body, bytes: body)) }
        }
        // The batch before this one is in the database: all that is still needed is where each log ends.
        if journal.byteCount > Record.compactBytes { try Self.compact(journal) }
        try journal.append(records)
    }

    /// Keeps the last op of every log, and the last body.
    static func compact(_ journal: SignJournal) throws(SiteError) {
        try journal.compact { record -> Bytes in
            guard record.kind == Record.envelope,
                let op = try? Op(stored: record.bytes, network: NetworkID.zero)
            else { return [record.kind] }
            return [record.kind] + op.header.log.bytes
        }
    }

    /// Does a piece of work, again after each lost connection; nil when it failed for good.
    private func retrying<Value>(_ work: (OpStore) throws(StorageError) -> Value) -> Value? {
        var pauseMs: UInt32 = 20
        while true {
            do throws(StorageError) {
                if store == nil { store = try connect() }
                return try work(store!)
            } catch {
                store = nil
                guard error.isPassing, !stopping.load(ordering: .relaxed) else {
                    onFailure("\(error)")
                    return nil
                }
            }
            usleep(pauseMs * 1_000)
            pauseMs = min(pauseMs * 2, 1_000)
        }
    }
}
