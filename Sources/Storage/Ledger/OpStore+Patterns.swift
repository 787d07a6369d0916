internal import Identity
internal import Rules
internal import Wire

/// Proposed patterns in a table: a row replaces what an earlier batch wrote of the same op.
extension OpStore {
    func write(_ patterns: [ProposedPattern], on connection: Connection) throws(StorageError) {
        for proposed in patterns {
            let counts: (hits: Int64, trials: Int64, bound: Int64)? =
                switch proposed.outcome {
                case .accepted(let hits, let trials, let bound)?, .rejected(let hits, let trials, let bound)?:
                    (hits, trials, bound)
                case .undecided?, nil: nil
                }
            let (rule, centroid) = (proposed.proposal.pattern.rule, proposed.proposal.pattern.centroid)
            try connection.query(
                """
                INSERT INTO \(schema).patterns (op_id, pattern_id, proposer, form, head, steps, concluded, known,
                    support, body, state, hits, trials, bound, model, context, choice)
                VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
                ON CONFLICT (op_id) DO UPDATE SET state = excluded.state, hits = excluded.hits,
                    trials = excluded.trials, bound = excluded.bound
                """,
                [
                    .bytes(proposed.op.bytes), .bytes(proposed.proposal.pattern.id.bytes),
                    .bytes(proposed.author.bytes), .text(rule.map { "\($0.form)" } ?? "centroid"),
                    .uuid(rule?.head.rawValue), rule.map { .uuids($0.steps.map(\.rawValue)) } ?? .null,
                    .uuid(rule?.concluded?.rawValue), .uuid(rule?.known?.rawValue),
                    .int64(Int64(proposed.proposal.counts.support)), .int64(Int64(proposed.proposal.counts.body)),
                    .text(proposed.outcome?.name ?? (proposed.isRetracted ? "void" : "open")), .int64(counts?.hits),
                    .int64(counts?.trials), .double(counts.map { Double($0.bound) / 1e6 }),
                    .bytes(centroid?.model.bytes), .bytes(centroid?.context.storedBytes),
                    .bytes(centroid?.choice.storedBytes),
                ], prepared: true)
        }
    }
}

extension Direction {
    /// Signed bytes.
    var storedBytes: Bytes { coordinates.map { UInt8(bitPattern: $0) } }

    init?(stored: Bytes) { self.init(coordinates: stored.map { Int8(bitPattern: $0) }) }
}
