public import Identity
public import Peer
public import Replication
public import Wire

/// The op log in PostgreSQL: exact signed bytes, bodies, and snapshots of the accumulators.
///
/// One connection, used by one thread. Everything replicated can be rebuilt from `operations` and
/// `bodies`; the snapshot only saves time.
public final class OpStore {
    let connection: Connection
    let schema: String
    let network: NetworkID
    let lease: SchemaLease?

    /// - Parameters:
    ///   - schema: holds the tables; created by ``Schema/migrate(_:)``.
    ///   - lease: checked in each transaction that writes, on a server that others can reach.
    public init(
        _ connection: Connection, schema: String, network: NetworkID, lease: SchemaLease? = nil
    ) throws(StorageError) {
        self.connection = connection
        self.schema = Schema.quote(schema)
        self.network = network
        self.lease = lease
    }

    // MARK: Writing

    /// Writes a batch in one transaction. Writing it again changes nothing, so that a batch whose
    /// commit was not heard of can be repeated.
    ///
    /// Costs two statements and one sync whatever the number of ops: 230 batches of one op a second, 20,000
    /// ops a second in batches of 256 and more, on a busy 2-core machine.
    ///
    /// - Throws: ``StorageError/Reason/unexpectedData`` when another op has an apply index of the batch;
    ///   ``StorageError/Reason/inUse`` when another node has taken the schema.
    public func persist(_ batch: StoreBatch) throws(StorageError) {
        let ops = batch.ops
        try connection.transaction { (connection) throws(StorageError) in
            try lease?.check(connection)
            try insert(batch.forks, on: connection)
            try write(batch.ledger, on: connection)
            try write(batch.patterns, on: connection)
            guard !ops.isEmpty else { return }
            let bodies = ops.filter { $0.body != nil }
            if !bodies.isEmpty {
                try connection.query(
                    """
                    INSERT INTO \(schema).bodies (body_hash, body)
                    SELECT DISTINCT ON (h) h, b FROM unnest($1::bytea[], $2::bytea[]) AS t(h, b) ORDER BY h
                    ON CONFLICT DO NOTHING
                    """,
                    [
                        .bytesArray(bodies.map(\.op.header.bodyHash.bytes)), .bytesArray(bodies.map { $0.body! }),
                    ], prepared: true)
            }
            let inserted = try connection.query(
                """
                INSERT INTO \(schema).operations
                    (apply_index, op_id, author, log, seq, kind, lamport, envelope, body_hash, body_length,
                     void_code, void_detail)
                SELECT * FROM unnest($1::bigint[], $2::bytea[], $3::bytea[], $4::bytea[], $5::bigint[], $6::smallint[],
                    $7::bigint[], $8::bytea[], $9::bytea[], $10::integer[], $11::text[], $12::text[])
                ON CONFLICT DO NOTHING
                """, Self.columns(of: ops), prepared: true
            ).affected
            if inserted < ops.count { try checkRepeated(batch, inserted: inserted) }
        }
    }

    /// A batch of which some ops are here already must be one that was written before: the same ops
    /// at the same places.
    private func checkRepeated(_ batch: StoreBatch, inserted: Int) throws(StorageError) {
        let same = try connection.row(
            """
            SELECT count(*) FROM unnest($1::bigint[], $2::bytea[]) AS t(apply_index, op_id)
            JOIN \(schema).operations USING (apply_index, op_id)
            """,
            [.int64s(batch.ops.map { Int64($0.applyIndex) }), .bytesArray(batch.ops.map(\.op.id.bytes))])
        guard try same.int(0) == batch.ops.count else {
            throw StorageError(
                .unexpectedData, operation: "store", object: "batch \(batch.number)",
                cause:
                    "\(batch.ops.count - inserted) of its \(batch.ops.count) places in the log are taken by other ops",
                remedy: "stop whatever else writes to this schema, then run `shoal doctor`")
        }
    }

    private static func columns(of ops: [StoredOp]) -> [Parameter] {
        [
            .int64s(ops.map { Int64($0.applyIndex) }), .bytesArray(ops.map(\.op.id.bytes)),
            .bytesArray(ops.map(\.op.header.author.bytes)), .bytesArray(ops.map(\.op.header.log.bytes)),
            .int64s(ops.map { Int64($0.op.header.seq) }), .int16s(ops.map { Int16($0.op.header.kind.rawValue) }),
            .int64s(ops.map { Int64($0.op.header.lamport) }), .bytesArray(ops.map(\.op.envelope)),
            .bytesArray(ops.map(\.op.header.bodyHash.bytes)), .int32s(ops.map { Int32($0.op.header.bodyLength) }),
            .optionalTexts(ops.map { $0.void.map { printable($0.code) } }),
            .optionalTexts(ops.map { $0.void.map { printable($0.detail) } }),
        ]
    }

    /// A detail may quote what a hostile author wrote; U+0000 must not stop the batch.
    private static func printable(_ text: String) -> String {
        text.utf8.contains(0) ? text.replacing("\0", with: "\u{FFFD}") : text
    }

    /// Merges what changed into the stored accumulators, with the watermark, in one transaction.
    public func write(_ snapshot: StateSnapshot) throws(StorageError) {
        try connection.transaction { (connection) throws(StorageError) in
            try lease?.check(connection)
            try merge(snapshot, on: connection)
        }
    }

    func merge(_ snapshot: StateSnapshot, on connection: Connection) throws(StorageError) {
        for model in snapshot.models {
            let id = Parameter.bytes(model.id.bytes)
            for tensor in model.tensors {
                try connection.query(
                    """
                    INSERT INTO \(schema).model_weights (model_id, tensor_index, tensor_name, accumulators)
                    VALUES ($1, $2, $3, $4)
                    ON CONFLICT (model_id, tensor_index) DO UPDATE SET accumulators = excluded.accumulators, updated_at = now()
                    """, [id, .int32(Int32(tensor.index)), .text(tensor.name), .bytes(tensor.bytes)], prepared: true
                )
            }
            try write(model.rows, of: id, connection)
        }
        try connection.query(
            """
            INSERT INTO \(schema).node_meta (key, value) VALUES ('watermark', $1)
            ON CONFLICT (key) DO UPDATE SET value = excluded.value
            """, [.text("\(snapshot.watermark)")])
    }

    /// Bytes of accumulators in one statement, about; a parameter of PostgreSQL ends at 1 GB.
    static let rowBytesAtOnce = 16 << 20

    private func write(
        _ rows: [StateSnapshot.Row], of model: Parameter, _ connection: Connection
    ) throws(StorageError) {
        let width = rows.lazy.compactMap { $0.bytes?.count }.first ?? 0
        let atOnce = max(1, Self.rowBytesAtOnce / max(width, 256))
        for start in stride(from: 0, to: rows.count, by: atOnce) {
            let part = rows[start..<min(start + atOnce, rows.count)]
            let kept = part.filter { $0.bytes != nil }
            if !kept.isEmpty {
                try connection.query(
                    """
                    INSERT INTO \(schema).model_rows (model_id, token_id, accumulators)
                    SELECT $1, t.* FROM unnest($2::uuid[], $3::bytea[]) AS t
                    ON CONFLICT (model_id, token_id) DO UPDATE SET accumulators = excluded.accumulators
                    """, [model, .uuids(kept.map(\.token.rawValue)), .bytesArray(kept.map { $0.bytes! })],
                    prepared: true)
            }
            let gone = part.filter { $0.bytes == nil }
            if !gone.isEmpty {
                try connection.query(
                    "DELETE FROM \(schema).model_rows WHERE model_id = $1 AND token_id = ANY($2::uuid[])",
                    [model, .uuids(gone.map(\.token.rawValue))])
            }
        }
    }

    // MARK: Reading

    /// The envelopes of ranges, in order. Ops that are not here are left out.
    public func envelopes(_ ranges: [OpRange]) throws(StorageError) -> [Bytes] {
        var envelopes: [Bytes] = []
        for range in ranges {
            let rows = try connection.query(
                """
                SELECT envelope FROM \(schema).operations
                WHERE author = $1 AND log = $2 AND seq BETWEEN $3 AND $4 ORDER BY seq, op_id
                """,
                [
                    .bytes(range.key.author.bytes), .bytes(range.key.log.bytes), .int64(Int64(range.from)),
                    .int64(Int64(range.through)),
                ], prepared: true)
            for row in rows { envelopes.append(try row.bytes(0)) }
        }
        return envelopes
    }

    /// A body, or a part of sums, by its hash.
    public func body(_ hash: Hash32) throws(StorageError) -> Bytes? {
        let found = try connection.query(
            "SELECT body FROM \(schema).bodies WHERE body_hash = $1", [.bytes(hash.bytes)], prepared: true
        ).first
        if let found { return try found.bytes(0) }
        return try part(hash)
    }

    /// Everything a node starts from: the snapshot, and all ops in order of application. Bodies of
    /// weight deltas that are in the snapshot are left out.
    public func recover() throws(StorageError) -> Recovered {
        try connection.transaction(.readOnlySnapshot) { (connection) throws(StorageError) in
            let snapshot = try readSnapshot()
            let settled = isSettled(kind: .updateModelWeights, watermark: snapshot?.watermark ?? 0)
            var ops: [StoredOp] = []
            try connection.copyOut(
                """
                SELECT o.apply_index, o.envelope, o.void_code, o.void_detail,
                       CASE WHEN \(settled) THEN NULL ELSE b.body END
                FROM \(schema).operations o LEFT JOIN \(schema).bodies b USING (body_hash) ORDER BY o.apply_index
                """, columns: 5
            ) { (row) throws(StorageError) in
                let index = UInt64(try row.int64())
                let envelope = try row.bytes()
                let void = Self.void(try row.optionalText(), try row.optionalText())
                let body = try row.optionalBytes()
                let op = try self.read(envelope, at: index)
                ops.append(StoredOp(op: op, body: body, void: void, applyIndex: index))
            }
            return Recovered(
                ops: ops, forks: try forks(), snapshot: snapshot, hasLedger: try hasLedger(), sums: try pinnedSums())
        }
    }

    func read(_ envelope: Bytes, at index: UInt64) throws(StorageError) -> Op {
        do {
            return try Op(stored: envelope, network: network)
        } catch {
            throw StorageError(
                .unexpectedData, operation: "read", object: "op \(index) of the database", cause: "\(error)",
                remedy: "restore the database from a backup")
        }
    }

    static func void(_ code: String?, _ detail: String?) -> VoidReason? {
        code.map { VoidReason(code: $0, detail: detail ?? "") }
    }

    private func readSnapshot() throws(StorageError) -> StateSnapshot? {
        let stored = try connection.query("SELECT value FROM \(schema).node_meta WHERE key = 'watermark'").first
        guard let text = try stored?.text(0), let watermark = UInt64(text) else { return nil }
        var tensors: [ModelID: [StateSnapshot.Tensor]] = [:]
        var rows: [ModelID: [StateSnapshot.Row]] = [:]
        try connection.copyOut(
            "SELECT model_id, tensor_index, tensor_name, accumulators FROM \(schema).model_weights ORDER BY 1, 2",
            columns: 4
        ) { (row) throws(StorageError) in
            guard let model = ModelID(try row.bytes()) else { throw Self.badModel }
            let index = Int(try row.int32())
            let name = try row.text()
            tensors[model, default: []].append(.init(index: index, name: name, bytes: try row.optionalBytes()))
        }
        try connection.copyOut(
            "SELECT model_id, token_id, accumulators FROM \(schema).model_rows ORDER BY 1, 2", columns: 3
        ) { (row) throws(StorageError) in
            guard let model = ModelID(try row.bytes()) else { throw Self.badModel }
            let token = TokenID(rawValue: try row.uuid())
            rows[model, default: []].append(.init(token: token, bytes: try row.optionalBytes()))
        }
        let models = Set(tensors.keys).union(rows.keys).sorted()
        return StateSnapshot(
            watermark: watermark,
            models: models.map { .init(id: $0, tensors: tensors[$0] ?? [], rows: rows[$0] ?? []) })
    }

    private static var badModel: StorageError {
        StorageError(
            .unexpectedData, operation: "read", object: "the accumulators", cause: "a model id has not 32 bytes",
            remedy: "restore the database from a backup")
    }
}
