public import Consensus
internal import Identity
internal import Replication
public import Wire

/// Certified sums: their parts, and whose bodies they stand for.
extension OpStore {
    /// Keeps what a block comes to, so that the parts can be served. Keeping it again changes nothing.
    ///
    /// What was added up a day ago and never certified is dropped.
    public func keep(_ sums: BlockSums, bytes: Bytes) throws(StorageError) {
        try connection.transaction { (connection) throws(StorageError) in
            try insert(sums, parts: sums.parts.indices.map { BlockSums.part($0, of: bytes) }, on: connection)
            try connection.query(
                """
                DELETE FROM \(schema).certified_sums
                WHERE certified_at IS NULL AND dropped_at IS NULL AND found_at < now() - interval '1 day'
                """)
            try dropOrphans(on: connection)
        }
    }

    /// - Parameter parts: those that are to be kept; the others are here, or will be.
    func insert(_ sums: BlockSums, parts: [Bytes], on connection: Connection) throws(StorageError) {
        for (hash, part) in zip(sums.parts, parts) {
            try connection.query(
                "INSERT INTO \(schema).sum_parts (part_hash, part) VALUES ($1, $2) ON CONFLICT DO NOTHING",
                [.bytes(hash.bytes), .bytes(part)])
        }
        let block = sums.block
        // The bytes of a block are what they are; another branch of a forked log may have others.
        try connection.query(
            """
            INSERT INTO \(schema).certified_sums (author, log, after, through, op_id, byte_count, parts)
            VALUES ($1, $2, $3, $4, $5, $6, $7)
            ON CONFLICT (author, log, after, through) DO UPDATE SET
                op_id = excluded.op_id, byte_count = excluded.byte_count, parts = excluded.parts, found_at = now()
                WHERE \(schema).certified_sums.dropped_at IS NULL
            """,
            [
                .bytes(block.key.author.bytes), .bytes(block.key.log.bytes), .int64(Int64(block.after)),
                .int64(Int64(block.through)), .bytes(block.id.bytes), .int64(Int64(sums.byteCount)),
                .bytesArray(sums.parts.map(\.bytes)),
            ])
    }

    private func dropOrphans(on connection: Connection) throws(StorageError) {
        try connection.query(
            """
            DELETE FROM \(schema).sum_parts p
            WHERE NOT EXISTS (SELECT FROM \(schema).certified_sums c WHERE p.part_hash = ANY(c.parts))
            """)
    }

    func part(_ hash: Hash32) throws(StorageError) -> Bytes? {
        try connection.query(
            "SELECT part FROM \(schema).sum_parts WHERE part_hash = $1", [.bytes(hash.bytes)], prepared: true
        ).first?.bytes(0)
    }
}
