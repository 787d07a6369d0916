internal import Ledger

extension Migration {
    /// Koi, as it follows from ops and certificates: written with them, and the same when rebuilt from them.
    static let ledger = Migration(number: 11, name: "ledger") { names in
        let s = names.schema
        let schedule = RewardScheduleRow.schedule(.standard)
            .map { "('\($0.workType)', \($0.reward), \($0.isMinted))" }.joined(separator: ", ")
        let listing = """
            op_id       bytea PRIMARY KEY CHECK (octet_length(op_id) = 32),
            owner       bytea NOT NULL CHECK (octet_length(owner) = 32),
            agent       text NOT NULL,
            status      text NOT NULL,
            """
        return """
            CREATE TABLE \(s).wallets (
                owner       bytea NOT NULL CHECK (octet_length(owner) = 32),
                agent       text NOT NULL,
                balance     bigint NOT NULL,
                pending     bigint NOT NULL,
                PRIMARY KEY (owner, agent)
            );
            COMMENT ON TABLE \(s).wallets IS 'One per agent of a member, in nKoi (1 Koi = 10^9 nKoi)';
            COMMENT ON COLUMN \(s).wallets.pending IS 'Paid to it, and not certified: it cannot be spent yet';

            CREATE TABLE \(s).ledger (
                op_id       bytea CHECK (octet_length(op_id) = 32),
                peer        bytea NOT NULL CHECK (octet_length(peer) = 32),
                number      smallint NOT NULL,
                from_owner  bytea,
                from_agent  text,
                to_owner    bytea,
                to_agent    text,
                amount      bigint NOT NULL CHECK (amount > 0),
                reason      text NOT NULL,
                state       text NOT NULL CHECK (state IN ('final', 'provisional', 'escrow', 'burned')),
                UNIQUE NULLS NOT DISTINCT (op_id, peer, number)
            );
            COMMENT ON TABLE \(s).ledger IS 'Movements of Koi; from NULL: minted, to NULL: in escrow or burned';
            COMMENT ON COLUMN \(s).ledger.op_id IS 'The op that this follows from; NULL: the grant of a member';
            CREATE INDEX ledger_from ON \(s).ledger (from_owner, from_agent);
            CREATE INDEX ledger_to ON \(s).ledger (to_owner, to_agent);

            CREATE TABLE \(s).reward_schedule (
                work_type   text PRIMARY KEY,
                reward      bigint NOT NULL CHECK (reward > 0),
                minted      boolean NOT NULL
            );
            COMMENT ON COLUMN \(s).reward_schedule.minted IS
                'Whether the network pays it; the rest is work that only the site itself can see';
            INSERT INTO \(s).reward_schedule VALUES \(schedule);

            CREATE TABLE \(s).pricing (
                \(listing)
                resource_type text NOT NULL,
                model_id    bytea,
                unit_cost   bigint NOT NULL,
                unit_type   text NOT NULL
            );
            COMMENT ON COLUMN \(s).pricing.model_id IS 'NULL: every model of this agent';

            CREATE TABLE \(s).claims (
                \(listing)
                bounty      bytea,
                model_id    bytea NOT NULL,
                log         bytea NOT NULL,
                from_seq    bigint NOT NULL,
                through_seq bigint NOT NULL
            );
            COMMENT ON COLUMN \(s).claims.bounty IS 'NULL: a claim to be paid for training';

            CREATE TABLE \(s).bounties (
                \(listing)
                reward      bigint NOT NULL,
                target      text NOT NULL CHECK (target IN ('relations', 'roots')),
                tokens      uuid[] NOT NULL,
                gain        bigint NOT NULL,
                expires_s   bigint NOT NULL,
                description text NOT NULL
            );
            COMMENT ON COLUMN \(s).bounties.gain IS 'Of held-out loss, in millionths of a nat';
            COMMENT ON COLUMN \(s).bounties.expires_s IS 'Seconds since 1970, by the certified clock';

            CREATE TABLE \(s).attestations (
                \(listing)
                subject     bytea NOT NULL,
                claim_type  text NOT NULL,
                scope       uuid[] NOT NULL,
                perspective_count bigint NOT NULL,
                avg_weight  double precision NOT NULL,
                compute_cost bigint NOT NULL,
                reproduction_est bigint NOT NULL,
                uniqueness_score double precision NOT NULL,
                proof_type  text NOT NULL,
                proof_data  bytea NOT NULL,
                asking_price bigint NOT NULL,
                exclusive   boolean NOT NULL,
                expires_s   bigint
            );

            CREATE TABLE \(s).auctions (
                \(listing)
                attestation bytea NOT NULL,
                starting_price bigint NOT NULL,
                floor_price bigint NOT NULL,
                price_decrement bigint NOT NULL,
                decrement_interval bigint NOT NULL,
                min_bidders integer NOT NULL,
                open_delay_hours integer NOT NULL,
                opened_s    bigint NOT NULL,
                settled_price bigint
            );

            CREATE TABLE \(s).bids (
                \(listing)
                auction     bytea NOT NULL,
                max_price   bigint NOT NULL
            );
            CREATE INDEX bids_auction ON \(s).bids (auction);

            CREATE VIEW \(s).balances AS SELECT
                encode(owner, 'hex') AS member, agent, balance / 1e9 AS koi, pending / 1e9 AS pending_koi,
                (SELECT coalesce(sum(amount), 0) / 1e9 FROM \(s).ledger l
                 WHERE l.state = 'escrow' AND l.from_owner = w.owner AND l.from_agent = w.agent) AS escrow_koi
            FROM \(s).wallets w;
            """
    }
}
