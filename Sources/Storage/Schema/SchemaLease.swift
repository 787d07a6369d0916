public import Wire

/// Keeps two nodes out of one schema of a shared server. A row with an expiry, since session locks do
/// not survive a transaction pooler.
public final class SchemaLease: Sendable {
    private let target: DatabaseTarget
    private let schema: String
    private let nonce: Bytes
    private let heartbeat = StorageThread(name: "shoal-lease")
    private let state = Monitor(false)

    /// How long a lease outlives its holder.
    static let seconds = 30

    /// - Parameters:
    ///   - holder: the site's name, shown to whoever comes second.
    ///   - nonce: random bytes, new for every start.
    /// - Throws: a refusal that names the other holder.
    public init(_ target: DatabaseTarget, schema: String, holder: String, nonce: Bytes) throws(StorageError) {
        self.target = target
        self.schema = "\"\(schema)\""
        self.nonce = nonce
        let connection = try Connection(target)
        guard try take(connection, holder) else {
            let other = try connection.row("SELECT holder, expires_at::text FROM \(self.schema).lease")
            throw StorageError(
                .inUse, operation: "open", object: "schema \(schema) of \(target)",
                cause: "node \(try other.text(0)) uses it (lease until \(try other.text(1)))",
                remedy: "stop that node, wait \(Self.seconds) s, or choose another --schema")
        }
        heartbeat.submit { [weak self] in
            while let self, !self.state.change({ $0 }) {
                _ = self.state.wait(milliseconds: Self.seconds * 1_000 / 3) { $0 ? () : nil }
                if self.state.change({ $0 }) { return }
                if let connection = try? Connection(self.target) { _ = try? self.take(connection, holder) }
            }
        }
    }

    private func take(_ connection: Connection, _ holder: String) throws(StorageError) -> Bool {
        try connection.query(
            """
            INSERT INTO \(schema).lease (holder, nonce, expires_at) VALUES ($1, $2, now() + make_interval(secs => $3))
            ON CONFLICT (only_one) DO UPDATE SET holder = excluded.holder, nonce = excluded.nonce, expires_at = excluded.expires_at
            WHERE lease.nonce = excluded.nonce OR lease.expires_at < now() RETURNING true
            """, [.text(holder), .bytes(nonce), .double(Double(Self.seconds))]
        ).count == 1
    }

    /// Gives the schema free for the next node.
    public func release() {
        state.change { $0 = true }
        heartbeat.finish()
        guard let connection = try? Connection(target) else { return }
        _ = try? connection.query("DELETE FROM \(schema).lease WHERE nonce = $1", [.bytes(nonce)])
    }
}
