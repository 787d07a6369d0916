public import Identity
public import Ledger
public import Wire

/// Movements of Koi in the order in which this site applied the ops that they follow from.
public struct LedgerHistory {
    public struct Movement: Sendable {
        /// Where a page ends that ends with it.
        public let place: ListPlace
        public let op: OpID?
        public let author: PeerID
        public let row: LedgerRow
    }
    private let connection: Connection
    private let schema: String

    public init(_ connection: Connection, schema: String) {
        self.connection = connection
        self.schema = Schema.quote(schema)
    }

    /// Newest first; grants come last.
    ///
    /// - Parameters:
    ///   - account: only what goes in or out of it.
    ///   - place: of the last movement of the page before; nil for the first page.
    /// - Returns: nil for a place that is none of this list.
    public func movements(
        of account: AccountID?, after place: ListPlace?, limit: Int
    ) throws(StorageError) -> [Movement]? {
        var after: [Parameter] = Array(repeating: .null, count: 4)
        if let place {
            guard place.parts.count == 4, let index = Int64(place.parts[0]), let peer = PeerID(hex: place.parts[1]),
                let number = Int64(place.parts[2]), let op = Hex.decode(place.parts[3]), [0, 32].contains(op.count)
            else { return nil }
            after = [.int64(index), .bytes(peer.bytes), .int64(number), .bytes(op)]
        }
        return try movements(of: account, after: after, limit: limit)
    }

    private func movements(
        of account: AccountID?, after: [Parameter], limit: Int
    ) throws(StorageError) -> [Movement] {
        let order = "-coalesce(o.apply_index, 0), l.peer, l.number::bigint, coalesce(l.op_id, ''::bytea)"
        let rows = try connection.query(
            """
            SELECT l.op_id, l.peer, l.from_owner, l.from_agent, l.to_owner, l.to_agent, l.amount, l.reason, l.state,
                \(order)
            FROM \(schema).ledger l LEFT JOIN \(schema).operations o USING (op_id)
            WHERE ($1::bytea IS NULL OR (l.from_owner = $1 AND l.from_agent = $2)
                OR (l.to_owner = $1 AND l.to_agent = $2))
              AND ($4::bigint IS NULL OR (\(order)) > ($4, $5::bytea, $6::bigint, $7::bytea))
            ORDER BY \(order) LIMIT $3
            """, [.bytes(account?.owner.bytes), .text(account?.agent), .int64(Int64(limit))] + after)
        var movements: [Movement] = []
        for row in rows {
            func account(_ at: Int) throws(StorageError) -> AccountID? {
                guard let owner = try row.optionalBytes(at).flatMap({ PeerID($0) }),
                    let agent = try row.optionalText(at + 1)
                else { return nil }
                return AccountID(owner: owner, agent: agent)
            }
            guard let author = PeerID(try row.bytes(1)), let reason = LedgerRow.Reason(rawValue: try row.text(7)),
                let state = LedgerRow.State(rawValue: try row.text(8))
            else { continue }
            let place = ListPlace([
                "\(try row.int64(9))", author.hex, "\(try row.int64(11))", Hex.encode(try row.bytes(12)),
            ])
            movements.append(
                Movement(
                    place: place, op: try row.optionalBytes(0).flatMap { OpID($0) }, author: author,
                    row: LedgerRow(
                        from: try account(2), to: try account(4), amount: try row.int64(6), reason: reason,
                        state: state)))
        }
        return movements
    }

    /// What the tables hold of the ledger, to be compared with what the ops say.
    public struct Tables: Sendable {
        public let movements: [Movement]
        public let wallets: [LedgerUpdate.Wallet]
        /// Of the latest op or fork that they follow from; 0: none.
        public let applyIndex: UInt64
    }

    /// All of it, at one moment.
    public func tables() throws(StorageError) -> Tables {
        try connection.transaction(.readOnlySnapshot) { (connection) throws(StorageError) in
            var wallets: [LedgerUpdate.Wallet] = []
            for row in try connection.query("SELECT owner, agent, balance, pending FROM \(schema).wallets") {
                guard let owner = PeerID(try row.bytes(0)) else { continue }
                wallets.append(
                    .init(
                        account: AccountID(owner: owner, agent: try row.text(1)), balance: try row.int64(2),
                        pending: try row.int64(3)))
            }
            let last = try connection.row(
                """
                SELECT greatest((SELECT coalesce(max(apply_index), 0) FROM \(schema).operations),
                    (SELECT coalesce(max(apply_index), 0) FROM \(schema).forks))
                """)
            return Tables(
                movements: try movements(of: nil, after: Array(repeating: .null, count: 4), limit: .max),
                wallets: wallets,
                applyIndex: UInt64(try last.int64(0)))
        }
    }
}
