internal import Identity
internal import Ledger
internal import Wire

/// Koi in tables: rows replace what an earlier batch wrote under the same key.
extension OpStore {
    func write(_ update: LedgerUpdate, on connection: Connection) throws(StorageError) {
        guard !update.isEmpty else { return }
        try write(update.wallets, on: connection)
        try write(update.entries, on: connection)
        for listing in update.listings { try write(listing, on: connection) }
    }

    /// Whether the tables hold what the ops say; a database from before them has none.
    func hasLedger() throws(StorageError) -> Bool {
        try connection.row("SELECT EXISTS (SELECT FROM \(schema).wallets)").bool(0)
    }

    private func write(_ wallets: [LedgerUpdate.Wallet], on connection: Connection) throws(StorageError) {
        let kept = wallets.filter { $0.balance != 0 || $0.pending != 0 }
        let gone = wallets.filter { $0.balance == 0 && $0.pending == 0 }
        if !kept.isEmpty {
            try connection.query(
                """
                INSERT INTO \(schema).wallets (owner, agent, balance, pending)
                SELECT * FROM unnest($1::bytea[], $2::text[], $3::bigint[], $4::bigint[])
                ON CONFLICT (owner, agent) DO UPDATE SET balance = excluded.balance, pending = excluded.pending
                """,
                [
                    .bytesArray(kept.map(\.account.owner.bytes)), .texts(kept.map(\.account.agent)),
                    .int64s(kept.map(\.balance)), .int64s(kept.map(\.pending)),
                ], prepared: true)
        }
        if !gone.isEmpty {
            try connection.query(
                """
                DELETE FROM \(schema).wallets w USING unnest($1::bytea[], $2::text[]) AS g(owner, agent)
                WHERE w.owner = g.owner AND w.agent = g.agent
                """, [.bytesArray(gone.map(\.account.owner.bytes)), .texts(gone.map(\.account.agent))], prepared: true)
        }
    }

    private func write(_ entries: [LedgerUpdate.Entry], on connection: Connection) throws(StorageError) {
        let ops = entries.compactMap { $0.op?.bytes }
        let grants = entries.filter { $0.op == nil }.map(\.peer.bytes)
        try connection.query(
            """
            DELETE FROM \(schema).ledger WHERE op_id = ANY($1::bytea[]) OR (op_id IS NULL AND peer = ANY($2::bytea[]))
            """, [.bytesArray(ops), .bytesArray(grants)], prepared: true)
        let rows = entries.flatMap { entry in entry.rows.enumerated().map { (entry: entry, number: $0, row: $1) } }
        guard !rows.isEmpty else { return }
        // An empty value stands for none: arrays of bytes hold no NULL here.
        try connection.query(
            """
            INSERT INTO \(schema).ledger
                (op_id, peer, number, from_owner, from_agent, to_owner, to_agent, amount, reason, state)
            SELECT nullif(o, ''), p, n, nullif(fo, ''), fa, nullif(t, ''), ta, a, r, s
            FROM unnest($1::bytea[], $2::bytea[], $3::smallint[], $4::bytea[], $5::text[], $6::bytea[], $7::text[],
                $8::bigint[], $9::text[], $10::text[]) AS u(o, p, n, fo, fa, t, ta, a, r, s)
            """,
            [
                .bytesArray(rows.map { $0.entry.op?.bytes ?? [] }), .bytesArray(rows.map(\.entry.peer.bytes)),
                .int16s(rows.map { Int16(clamping: $0.number) }),
                .bytesArray(rows.map { $0.row.from?.owner.bytes ?? [] }),
                .optionalTexts(rows.map { $0.row.from?.agent }), .bytesArray(rows.map { $0.row.to?.owner.bytes ?? [] }),
                .optionalTexts(rows.map { $0.row.to?.agent }), .int64s(rows.map(\.row.amount)),
                .texts(rows.map(\.row.reason.rawValue)), .texts(rows.map(\.row.state.rawValue)),
            ], prepared: true)
    }

    /// Replaces the row of an op in the table of its kind.
    private func write(_ listing: LedgerUpdate.Listing, on connection: Connection) throws(StorageError) {
        guard let (table, agent, columns) = Self.columns(of: listing) else { return }
        let all: [(String, Parameter)] =
            [
                ("op_id", .bytes(listing.id.bytes)), ("owner", .bytes(listing.owner.bytes)), ("agent", .text(agent)),
                ("status", .text(listing.status.rawValue)),
            ] + columns
        let names = all.map(\.0)
        try connection.query(
            """
            INSERT INTO \(schema).\(table) (\(names.joined(separator: ", ")))
            VALUES (\(names.indices.map { "$\($0 + 1)" }.joined(separator: ", ")))
            ON CONFLICT (op_id) DO UPDATE SET
                \(names.dropFirst().map { "\($0) = excluded.\($0)" }.joined(separator: ", "))
            """, all.map(\.1), prepared: true)
    }

    private static func columns(
        of listing: LedgerUpdate.Listing
    ) -> (table: String, agent: String, columns: [(String, Parameter)])? {
        switch listing.body {
        case .price(let price):
            (
                "pricing", price.agent,
                [
                    ("resource_type", .text("model_inference")), ("model_id", .bytes(price.model?.bytes)),
                    ("unit_cost", .int64(price.unitCost)), ("unit_type", .text("inference")),
                ]
            )
        case .claim(let claim): ("claims", claim.agent, [("bounty", .bytes(nil as Bytes?))] + span(claim.span))
        case .bountyClaim(let claim):
            ("claims", claim.agent, [("bounty", .bytes(claim.bounty.bytes))] + span(claim.span))
        case .bountyPost(let post):
            (
                "bounties", post.agent,
                [
                    ("reward", .int64(post.reward)), ("target", .text("\(post.target.what)")),
                    ("tokens", .uuids(post.target.tokens.map(\.rawValue))), ("gain", .int64(post.target.gain)),
                    ("expires_s", .int64(Int64(post.expires))), ("description", .text(post.description)),
                ]
            )
        case .attestation(let attestation): ("attestations", attestation.agent, columns(of: attestation))
        case .auction(let auction):
            (
                "auctions", auction.agent,
                [
                    ("attestation", .bytes(auction.attestation.bytes)), ("starting_price", .int64(auction.start)),
                    ("floor_price", .int64(auction.floor)), ("price_decrement", .int64(auction.step)),
                    ("decrement_interval", .int64(Int64(auction.interval))),
                    ("min_bidders", .int32(Int32(auction.minBidders))),
                    ("open_delay_hours", .int32(Int32(auction.openAfterHours))),
                    ("opened_s", .int64(Int64(clamping: listing.opened))), ("settled_price", .int64(listing.price)),
                ]
            )
        case .bid(let bid):
            ("bids", bid.agent, [("auction", .bytes(bid.auction.bytes)), ("max_price", .int64(bid.most))])
        case .transfer, .stake, .bountySettle: nil
        }
    }

    private static func span(_ span: OpSpan) -> [(String, Parameter)] {
        [
            ("model_id", .bytes(span.model.bytes)), ("log", .bytes(span.log.bytes)),
            ("from_seq", .int64(Int64(span.from))), ("through_seq", .int64(Int64(span.through))),
        ]
    }

    private static func columns(of attestation: Attestation) -> [(String, Parameter)] {
        [
            ("subject", .bytes(attestation.subject.bytes)), ("claim_type", .text(attestation.claimType)),
            ("scope", .uuids(attestation.scope.map(\.rawValue))),
            ("perspective_count", .int64(Int64(attestation.perspectiveCount))),
            ("avg_weight", .double(Double(attestation.averageWeight) / 1e6)),
            ("compute_cost", .int64(Int64(attestation.computeCost))),
            ("reproduction_est", .int64(attestation.reproductionCost)),
            ("uniqueness_score", .double(Double(attestation.uniqueness) / 1e6)),
            ("proof_type", .text(attestation.proofType)), ("proof_data", .bytes(attestation.proof)),
            ("asking_price", .int64(attestation.askingPrice)), ("exclusive", .bool(attestation.isExclusive)),
            ("expires_s", .int64(attestation.expires.map { Int64($0) })),
        ]
    }
}
