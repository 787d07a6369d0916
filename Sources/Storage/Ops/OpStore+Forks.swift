public import Peer
internal import Replication
internal import Wire

/// Proofs of forks: stored with the ops, in the same count of what was applied.
extension OpStore {
    func insert(_ forks: [StoredFork], on connection: Connection) throws(StorageError) {
        for fork in forks {
            let proof = fork.proof
            try connection.query(
                """
                INSERT INTO \(schema).forks (author, log, seq, apply_index, first, second)
                VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING
                """,
                [
                    .bytes(proof.key.author.bytes), .bytes(proof.key.log.bytes), .int64(Int64(proof.seq)),
                    .int64(Int64(fork.applyIndex)), .bytes(proof.first.envelope), .bytes(proof.second.envelope),
                ], prepared: true)
        }
    }

    /// All proofs, by apply index.
    public func forks() throws(StorageError) -> [StoredFork] {
        var forks: [StoredFork] = []
        for row in try connection.query(
            "SELECT apply_index, first, second FROM \(schema).forks ORDER BY apply_index")
        {
            let index = UInt64(try row.int64(0))
            let (first, second) = (try read(try row.bytes(1), at: index), try read(try row.bytes(2), at: index))
            guard let proof = ForkProof(first, second) else {
                throw StorageError(
                    .unexpectedData, operation: "read", object: "the proof of a fork at \(index)",
                    cause: "its two ops prove nothing", remedy: "restore the database from a backup")
            }
            forks.append(StoredFork(proof: proof, applyIndex: index))
        }
        return forks
    }

    /// True for weight deltas whose bodies a start does not need: they are in the snapshot, and nothing above the
    /// snapshot takes them out again or puts them back in: no fork, no revocation, no retraction.
    func isSettled(kind: OpKind, watermark: UInt64) -> String {
        let takers = OpKind.allCases.filter(\.takesOut).map { "\($0.rawValue)" }.joined(separator: ", ")
        return """
            o.kind = \(kind.rawValue) AND o.apply_index <= \(watermark) AND NOT EXISTS (
                SELECT FROM \(schema).forks f WHERE f.apply_index > \(watermark) AND (
                    (f.author = o.author AND f.log = o.log AND f.seq <= o.seq) OR EXISTS (
                        SELECT FROM \(schema).operations r WHERE r.kind IN (\(takers))
                        AND r.author = f.author AND r.log = f.log AND r.seq >= f.seq)))
            AND NOT EXISTS (
                SELECT FROM \(schema).operations r
                WHERE r.kind IN (\(takers)) AND r.apply_index > \(watermark))
            """
    }
}
