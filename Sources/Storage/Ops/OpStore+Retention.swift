public import Consensus
internal import Identity
public import Peer
internal import Replication
public import Wire

/// Dropping bodies that sums stand for.
extension OpStore {
    /// A part that a node which begins has fetched; its hash was checked.
    public func keepPart(_ sums: BlockSums, _ part: Int, _ bytes: Bytes) throws(StorageError) {
        try connection.transaction { (connection) throws(StorageError) in
            try lease?.check(connection)
            try connection.query(
                "INSERT INTO \(schema).sum_parts (part_hash, part) VALUES ($1, $2) ON CONFLICT DO NOTHING",
                [.bytes(sums.parts[part].bytes), .bytes(bytes)])
            try insert(sums, parts: [], on: connection)
        }
    }

    /// From now on these sums stand for bodies, of which some may be here and go, and for deltas that are not in the
    /// accumulators any more. All or nothing of it.
    ///
    /// - Throws: ``StorageError/Reason/unexpectedData`` when a part is missing.
    public func pin(_ all: [BlockSums], _ snapshot: StateSnapshot) throws(StorageError) {
        try connection.transaction { (connection) throws(StorageError) in
            try lease?.check(connection)
            try merge(snapshot, on: connection)
            for sums in all {
                try insert(sums, parts: [], on: connection)
                try mark(sums, on: connection)
                _ = try freeBodies(of: sums.block, on: connection)
            }
        }
    }

    private func mark(_ sums: BlockSums, on connection: Connection) throws(StorageError) {
        let block = sums.block
        let marked = try connection.query(
            """
            UPDATE \(schema).certified_sums c
            SET dropped_at = coalesce(dropped_at, now()), certified_at = coalesce(certified_at, now())
            WHERE author = $1 AND log = $2 AND after = $3 AND through = $4 AND op_id = $5 AND parts = $6
              AND NOT EXISTS (
                SELECT FROM unnest(c.parts) AS p(hash)
                WHERE NOT EXISTS (SELECT FROM \(schema).sum_parts s WHERE s.part_hash = p.hash))
            """, place(of: block) + [.bytes(block.id.bytes), .bytesArray(sums.parts.map(\.bytes))]
        ).affected
        guard marked == 1 else {
            throw StorageError(
                .unexpectedData, operation: "let sums stand for bodies", object: "log \(block.key.log.hex)",
                cause: "a part of the sums of ops \(block.after + 1) to \(block.through) is not here",
                remedy: "run `shoal doctor`")
        }
    }

    private func place(of block: LogBlock) -> [Parameter] {
        [
            .bytes(block.key.author.bytes), .bytes(block.key.log.bytes), .int64(Int64(block.after)),
            .int64(Int64(block.through)),
        ]
    }

    /// Drops the bodies of the deltas of a block whose sums are here, unless the stored accumulators do not have all of
    /// them yet: a start would have to fold them again.
    ///
    /// - Returns: the bytes of the bodies dropped; nil: it is too early.
    public func drop(_ sums: BlockSums) throws(StorageError) -> Int? {
        let block = sums.block
        return try connection.transaction { (connection) throws(StorageError) in
            try lease?.check(connection)
            let isEarly = try connection.row(
                "SELECT \(isEarly("$1", "$2", "$3", "$4"))", place(of: block)
            ).bool(0)
            guard !isEarly else { return nil }
            try mark(sums, on: connection)
            return try freeBodies(of: block, on: connection)
        }
    }

    /// - Returns: the bytes of the bodies dropped; a body that another op has, too, stays.
    private func freeBodies(of block: LogBlock, on connection: Connection) throws(StorageError) -> Int {
        let kind = OpKind.updateModelWeights.rawValue
        return try connection.row(
            """
            WITH gone AS (
                DELETE FROM \(schema).bodies b WHERE b.body_hash IN (
                    SELECT body_hash FROM \(schema).operations
                    WHERE author = $1 AND log = $2 AND seq > $3 AND seq <= $4 AND kind = \(kind))
                AND NOT EXISTS (
                    SELECT FROM \(schema).operations o WHERE o.body_hash = b.body_hash
                    AND NOT (o.author = $1 AND o.log = $2 AND o.seq > $3 AND o.seq <= $4 AND o.kind = \(kind)))
                RETURNING octet_length(body))
            SELECT coalesce(sum(octet_length), 0)::bigint FROM gone
            """, place(of: block)
        ).int(0)
    }

    /// Notes since when certificates have been in force here.
    public func noteCertified(_ all: [BlockSums]) throws(StorageError) {
        try connection.transaction { (connection) throws(StorageError) in
            for sums in all {
                try connection.query(
                    """
                    UPDATE \(schema).certified_sums SET certified_at = now()
                    WHERE author = $1 AND log = $2 AND after = $3 AND through = $4 AND certified_at IS NULL
                      AND parts = $5
                    """, place(of: sums.block) + [.bytesArray(sums.parts.map(\.bytes))])
            }
        }
    }

    /// Blocks whose sums are here, certified for `days` or more, that do not stand for their bodies yet and can.
    public func droppable(afterDays days: Int) throws(StorageError) -> [BlockSums] {
        try blocks(
            """
            certified_at <= now() - \(days) * interval '1 day' AND dropped_at IS NULL
                AND NOT \(isEarly("c.author", "c.log", "c.after", "c.through"))
            """)
    }

    /// Whether a start would have to fold deltas of a block again, since the stored accumulators do not have all of them.
    private func isEarly(_ author: String, _ log: String, _ after: String, _ through: String) -> String {
        """
        (SELECT coalesce(max(o.apply_index), 0) FROM \(schema).operations o
            WHERE o.author = \(author) AND o.log = \(log) AND o.seq > \(after) AND o.seq <= \(through)) >
            coalesce((SELECT value::bigint FROM \(schema).node_meta WHERE key = 'watermark'), 0)
        """
    }

    /// What all blocks that were added up here, or that sums stand for, come to.
    public func summedBlocks() throws(StorageError) -> [BlockSums] { try blocks("true") }

    /// Sums that stand for bodies, in the order of their logs.
    public func pinnedSums() throws(StorageError) -> [BlockSums] { try blocks("dropped_at IS NOT NULL") }

    private func blocks(_ condition: String) throws(StorageError) -> [BlockSums] {
        var found: [BlockSums] = []
        let rows = try connection.query(
            """
            SELECT author, log, after, through, op_id, byte_count, parts FROM \(schema).certified_sums c
            WHERE \(condition) ORDER BY author, log, after
            """)
        for row in rows {
            guard let author = PeerID(try row.bytes(0)), let log = LogID(try row.bytes(1)),
                let id = OpID(try row.bytes(4))
            else { throw Self.damagedSums }
            let block = LogBlock(
                key: LogKey(author: author, log: log), after: UInt64(try row.int64(2)),
                through: UInt64(try row.int64(3)), id: id)
            let parts = try row.bytesArray(6).compactMap { Hash32($0) }
            guard let sums = BlockSums(block: block, byteCount: UInt64(try row.int64(5)), hashes: parts) else {
                throw Self.damagedSums
            }
            found.append(sums)
        }
        return found
    }

    private static var damagedSums: StorageError {
        StorageError(
            .unexpectedData, operation: "read", object: "certified sums", cause: "a row is not as shoal writes it",
            remedy: "restore the database from a backup")
    }

    /// Where the bytes are: of ops, of bodies, of sums, and of bodies that sums stand for.
    public struct DiskUse: Sendable, Equatable {
        public var envelopes = 0
        public var bodies = 0
        public var sums = 0
        /// As their ops say; they are not here.
        public var dropped = 0

        public init() {}
    }

    /// Costs a scan of the op log.
    public func diskUse() throws(StorageError) -> DiskUse {
        let row = try connection.row(
            """
            SELECT
                (SELECT coalesce(sum(octet_length(envelope)), 0)::bigint FROM \(schema).operations),
                (SELECT coalesce(sum(octet_length(body)), 0)::bigint FROM \(schema).bodies),
                (SELECT coalesce(sum(octet_length(part)), 0)::bigint FROM \(schema).sum_parts),
                (SELECT coalesce(sum(o.body_length), 0)::bigint FROM \(schema).operations o
                 LEFT JOIN \(schema).bodies b USING (body_hash)
                 WHERE b.body_hash IS NULL AND o.body_length > \(OpLimits.inlineBodyBytes))
            """)
        var use = DiskUse()
        (use.envelopes, use.bodies) = (try row.int(0), try row.int(1))
        (use.sums, use.dropped) = (try row.int(2), try row.int(3))
        return use
    }
}
