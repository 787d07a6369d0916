public import Wire

/// Keeps two nodes out of one schema of a shared server.
///
/// A row with an expiry, on the server's clock: session locks would not survive a transaction pooler.
/// A thread renews it well before it runs out, and every batch checks it in its own transaction
/// (``OpStore``), so that a node that was asleep past its expiry cannot write beside its successor.
/// (A private server needs none: its data directory is locked.)
public final class SchemaLease: Sendable {
    private let target: DatabaseTarget
    private let schema: String
    private let holder: String
    private let nonce: Bytes
    private let heartbeat = StorageThread(name: "shoal-lease")
    private let isReleased = Monitor(false)

    /// How long a lease outlives its holder; renewed three times as often.
    public static let seconds = 30

    /// Takes the lease. When the last holder has the same name, it was most likely this node before a
    /// crash: then this call waits until its lease has run out.
    ///
    /// - Parameters:
    ///   - holder: the site's name, shown to whoever comes second.
    ///   - nonce: random bytes, new for every start.
    ///   - onLost: called once, on the lease's thread, if another node has taken the schema: stop writing.
    /// - Throws: ``StorageError/Reason/inUse``, naming the other holder.
    public init(
        _ target: DatabaseTarget, schema: String, holder: String, nonce: Bytes,
        onLost: @escaping @Sendable (StorageError) -> Void = { _ in }
    ) throws(StorageError) {
        self.target = target
        self.schema = Schema.quote(schema)
        self.holder = holder
        self.nonce = nonce
        let connection = try Connection(target)
        while try !take(connection) {
            let other = try self.other(connection)
            guard let other, other.holder == holder else { throw refusal(other) }
            _ = isReleased.wait(milliseconds: max(10, min(other.leftMs, 1_000))) { _ in nil as Void? }
        }
        heartbeat.submit { [weak self, isReleased] in
            let pauseMs = Self.seconds * 1_000 / 3
            while isReleased.wait(milliseconds: pauseMs, { $0 ? () : nil }) == nil {
                guard let self else { return }
                if let lost = self.renew() { return onLost(lost) }
            }
        }
    }

    /// Extends the lease; an error only if another node has it. Without a connection the next try may do.
    private func renew() -> StorageError? {
        guard let connection = try? Connection(target), let isOurs = try? take(connection), !isOurs else { return nil }
        return refusal(try? other(connection))
    }

    private func take(_ connection: Connection) throws(StorageError) -> Bool {
        try connection.query(
            """
            INSERT INTO \(schema).lease (holder, nonce, expires_at)
            VALUES ($1, $2, clock_timestamp() + make_interval(secs => $3))
            ON CONFLICT (only_one) DO UPDATE
                SET holder = excluded.holder, nonce = excluded.nonce, expires_at = excluded.expires_at
            WHERE lease.nonce = excluded.nonce OR lease.expires_at <= clock_timestamp() RETURNING true
            """, [.text(holder), .bytes(nonce), .double(Double(Self.seconds))]
        ).count == 1
    }

    private struct Other {
        var holder: String
        var leftMs: Int
    }

    private func other(_ connection: Connection) throws(StorageError) -> Other? {
        let rows = try connection.query(
            "SELECT holder, extract(epoch FROM expires_at - clock_timestamp())::float8 * 1000 FROM \(schema).lease")
        guard let row = rows.first else { return nil }
        return Other(holder: try row.text(0), leftMs: Int(max(0, try row.double(1)).rounded(.up)))
    }

    private func refusal(_ other: Other?) -> StorageError {
        StorageError(
            .inUse, operation: "use", object: "schema \(schema) of \(target)",
            cause: other.map { "node \($0.holder) holds it for another \(($0.leftMs + 999) / 1_000) s" }
                ?? "its lease was given up",
            remedy: "stop that node, or give this one its own --schema")
    }

    /// Locks the lease until the end of the transaction, so that nobody takes it over meanwhile.
    ///
    /// - Throws: ``StorageError/Reason/inUse`` when another node holds it.
    func check(_ connection: Connection) throws(StorageError) {
        let held = try connection.query(
            "SELECT 1 FROM \(schema).lease WHERE nonce = $1 FOR SHARE", [.bytes(nonce)], prepared: true)
        if held.isEmpty { throw refusal(try other(connection)) }
    }

    /// Gives the schema free for the next node.
    public func release() {
        isReleased.change { $0 = true }
        heartbeat.finish()
        guard let connection = try? Connection(target) else { return }
        _ = try? connection.query("DELETE FROM \(schema).lease WHERE nonce = $1", [.bytes(nonce)])
    }
}
