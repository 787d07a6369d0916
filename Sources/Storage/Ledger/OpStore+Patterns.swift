internal import Identity
internal import Rules
internal import Wire

/// Proposed patterns in a table: a row replaces what an earlier batch wrote of the same op.
extension OpStore {
    func write(_ patterns: [ProposedPattern], on connection: Connection) throws(StorageError) {
        for proposed in patterns {
            let pattern = proposed.proposal.pattern
            let counts: (hits: Int64, trials: Int64, bound: Int64)? =
                switch proposed.outcome {
                case .accepted(let hits, let trials, let bound)?, .rejected(let hits, let trials, let bound)?:
                    (hits, trials, bound)
                case .undecided?, nil: nil
                }
            try connection.query(
                """
                INSERT INTO \(schema).patterns (op_id, pattern_id, proposer, form, head, steps, concluded, known,
                    support, body, state, hits, trials, bound)
                VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
                ON CONFLICT (op_id) DO UPDATE SET state = excluded.state, hits = excluded.hits,
                    trials = excluded.trials, bound = excluded.bound
                """,
                [
                    .bytes(proposed.op.bytes), .bytes(pattern.id.bytes), .bytes(proposed.author.bytes),
                    .text("\(pattern.form)"), .uuid(pattern.head.rawValue), .uuids(pattern.steps.map(\.rawValue)),
                    .uuid(pattern.concluded?.rawValue), .uuid(pattern.known?.rawValue),
                    .int64(Int64(proposed.proposal.counts.support)), .int64(Int64(proposed.proposal.counts.body)),
                    .text(proposed.outcome?.name ?? (proposed.isRetracted ? "void" : "open")), .int64(counts?.hits),
                    .int64(counts?.trials), .double(counts.map { Double($0.bound) / 1e6 }),
                ], prepared: true)
        }
    }
}
