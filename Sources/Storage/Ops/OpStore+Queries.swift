public import Identity
public import Peer
public import Replication
public import Wire

/// Reading the op log for people and for other programs.
extension OpStore {
    /// Stored ops, newest first.
    ///
    /// - Parameters:
    ///   - before: only those applied earlier than this index; the cursor for the next page.
    ///   - author: a prefix of the author's id, hexadecimal digits.
    public func page(
        limit: Int, before: UInt64?, kind: OpKind?, author: String?
    ) throws(StorageError) -> [StoredOp] {
        let rows = try connection.query(
            """
            SELECT apply_index, envelope, ineffective_code, void_detail FROM \(schema).effects
            WHERE apply_index < $1 AND ($2::smallint IS NULL OR kind = $2)
              AND ($3::text IS NULL OR encode(author, 'hex') LIKE $3 || '%')
            ORDER BY apply_index DESC LIMIT $4
            """,
            [
                .int64(before.map { Int64(clamping: $0) } ?? .max), kind.map { .int16(Int16($0.rawValue)) } ?? .null,
                .text(author), .int64(Int64(limit)),
            ])
        return try stored(rows)
    }

    /// Ops whose id begins with `prefix`, hexadecimal digits; at most ten.
    public func find(_ prefix: String) throws(StorageError) -> [StoredOp] {
        try stored(
            connection.query(
                """
                SELECT apply_index, envelope, ineffective_code, void_detail FROM \(schema).effects
                WHERE op_id BETWEEN decode(rpad($1, 64, '0'), 'hex') AND decode(rpad($1, 64, 'f'), 'hex')
                ORDER BY apply_index LIMIT 10
                """, [.text(prefix)]))
    }

    /// The next ops, log by log in the order of seq (and of id, where a log forks), after a place; nil starts.
    public func next(
        after place: (key: LogKey, seq: UInt64, id: OpID)?, limit: Int
    ) throws(StorageError) -> [StoredOp] {
        try stored(
            connection.query(
                """
                SELECT apply_index, envelope, ineffective_code, void_detail FROM \(schema).effects
                WHERE $1::bytea IS NULL OR (author, log, seq, op_id) > ($1, $2, $3, $4)
                ORDER BY author, log, seq, op_id LIMIT $5
                """,
                [
                    .bytes(place?.key.author.bytes), .bytes(place?.key.log.bytes),
                    .int64((place?.seq).map { Int64($0) }), .bytes(place?.id.bytes), .int64(Int64(limit)),
                ]))
    }

    /// The next bodies that are not inside envelopes, by hash, after `hash`; nil starts.
    public func nextBodies(after hash: Hash32?, limit: Int) throws(StorageError) -> [(hash: Hash32, body: Bytes)] {
        let rows = try connection.query(
            """
            SELECT body_hash, body FROM \(schema).bodies WHERE $1::bytea IS NULL OR body_hash > $1
            ORDER BY body_hash LIMIT $2
            """, [.bytes(hash?.bytes), .int64(Int64(limit))])
        var bodies: [(hash: Hash32, body: Bytes)] = []
        for row in rows {
            guard let hash = Hash32(try row.bytes(0)) else { continue }
            bodies.append((hash, try row.bytes(1)))
        }
        return bodies
    }

    /// The bodies of ops, wherever they are kept; what is not stored, or not yet, is missing.
    public func bodies(of ids: [OpID]) throws(StorageError) -> [OpID: Bytes] {
        let rows = try connection.query(
            """
            SELECT o.apply_index, o.envelope, b.body FROM \(schema).operations o
            LEFT JOIN \(schema).bodies b ON b.body_hash = o.body_hash AND o.body_length > $2
            WHERE o.op_id = ANY($1::bytea[])
            """, [.bytesArray(ids.map(\.bytes)), .int64(Int64(OpLimits.inlineBodyBytes))])
        var bodies: [OpID: Bytes] = [:]
        for row in rows {
            let op = try read(try row.bytes(1), at: UInt64(try row.int64(0)))
            let separate = try row.optionalBytes(2)
            bodies[op.id] = op.header.inlineBody ?? separate
        }
        return bodies
    }

    private func stored(_ rows: Rows) throws(StorageError) -> [StoredOp] {
        var ops: [StoredOp] = []
        for row in rows {
            let index = UInt64(try row.int64(0))
            let op = try read(try row.bytes(1), at: index)
            let void = Self.void(try row.optionalText(2), try row.optionalText(3))
            // What was taken back later has no detail of its own.
            ops.append(
                StoredOp(op: op, body: nil, void: void?.code == "forked" ? .forked : void, applyIndex: index))
        }
        return ops
    }
}
