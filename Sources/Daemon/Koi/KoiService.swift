internal import API
internal import Federation
internal import Identity
internal import Ledger
internal import Membership
internal import Peer
internal import Replication
internal import Storage
internal import Wire

/// Koi for commands and programs: what there is, and signing what moves it.
final class KoiService: Sendable {
    let host: NodeHost
    let peers: PeerService
    private let database: Database
    /// What this site calls itself.
    private let site: String

    init(host: NodeHost, peers: PeerService, database: Database, site: String) {
        self.site = site
        self.host = host
        self.peers = peers
        self.database = database
    }

    static func amount(_ nkoi: NanoKoi) -> KoiAmount { KoiAmount(nkoi: nkoi, koi: Koi.text(nkoi)) }

    /// Names of sites by peer id.
    func names() async throws -> [String: String] {
        let own = try await host.ask { $0.identity.peerID.hex }
        return Dictionary(
            [(own, site)] + (try await peers.list().map { ($0.peer, $0.name) }), uniquingKeysWith: { first, _ in first }
        )
    }

    func balances() async throws -> KoiReport {
        let names = try await names()
        return try await host.ask { node in
            let ledger = node.state.ledger
            let own = node.identity.peerID
            let totals = ledger.totals
            let wallets = ledger.accounts.map { account -> KoiReport.Wallet in
                let wallet = ledger.wallet(account)
                return .init(
                    owner: account.owner.hex, name: names[account.owner.hex] ?? "", agent: account.agent,
                    own: account.owner == own, balance: Self.amount(wallet.balance),
                    pending: Self.amount(wallet.pending))
            }
            return KoiReport(
                wallets: wallets.filter(\.own) + wallets.filter { !$0.own },
                minted: Self.amount(NanoKoi(clamping: totals.minted)),
                burned: Self.amount(NanoKoi(clamping: totals.burned)),
                escrow: Self.amount(NanoKoi(clamping: totals.escrow)),
                inFlight: Self.amount(NanoKoi(clamping: totals.inFlight)),
                accountLog: ledger.accountLog(of: own).hex, certifiedTime: Int(clamping: ledger.certifiedTime),
                conserved: totals.flaw() == nil)
        }
    }

    /// Movements, newest first.
    ///
    /// - Parameter agent: only in or out of this site's wallet of it; nil for all wallets of all sites.
    func history(agent: String?, before: ListPlace?, limit: Int) async throws -> [KoiMovementReport] {
        let own = try await host.ask { $0.identity.peerID }
        let schema = database.schema
        let movements = try await database.query { (connection) throws(StorageError) in
            try LedgerHistory(connection, schema: schema)
                .movements(of: agent.map { AccountID(owner: own, agent: $0) }, after: before, limit: limit)
        }
        guard let movements else { throw Problem.foreignPlace }
        return movements.map { movement in
            func text(_ account: AccountID?) -> String? { account.map { "\($0.owner.hex)/\($0.agent)" } }
            return KoiMovementReport(
                op: movement.op?.hex, author: movement.author.hex, from: text(movement.row.from),
                to: text(movement.row.to), amount: Self.amount(movement.row.amount),
                reason: movement.row.reason.rawValue, state: movement.row.state.rawValue, place: movement.place.text)
        }
    }

    /// Folds all stored ops from scratch, checks every certificate from the genesis on, and compares the tables with
    /// what that says. Reads the whole log.
    func verify() async throws -> KoiVerifyReport {
        let schema = database.schema
        let genesis = try await host.ask { $0.configuration.genesis }
        for _ in 0..<Self.maxReadings {
            let (recovered, tables) = try await database.query { (connection) throws(StorageError) in
                let store = try OpStore(connection, schema: schema, network: genesis.networkID)
                return (try store.recover(), try LedgerHistory(connection, schema: schema).tables())
            }
            let last = max(recovered.ops.last?.applyIndex ?? 0, recovered.forks.last?.applyIndex ?? 0)
            // The node went on between the two.
            guard last == tables.applyIndex else { continue }
            let audit = HistoryAudit(recovered, genesis: genesis)
            return KoiVerifyReport(
                ops: audit.ops, certificates: audit.certificates, movements: tables.movements.count,
                wallets: tables.wallets.count, faults: audit.faults + Self.compare(audit.ledger, tables))
        }
        throw Problem.unavailable("ops come in faster than they can be read: try again later")
    }

    private static let maxReadings = 20

    private static func compare(_ update: LedgerUpdate, _ tables: LedgerHistory.Tables) -> [String] {
        struct Reason: Hashable {
            let op: OpID?
            /// Whose grant, without an op.
            let peer: PeerID?
        }
        var faults: [String] = []
        let stored = Dictionary(grouping: tables.movements) { Reason(op: $0.op, peer: $0.op == nil ? $0.author : nil) }
        var expected: [Reason: [LedgerRow]] = [:]
        for entry in update.entries where !entry.rows.isEmpty {
            expected[Reason(op: entry.op, peer: entry.op == nil ? entry.peer : nil)] = entry.rows
        }
        let reasons = Set(stored.keys).union(expected.keys)
        for reason in reasons where (stored[reason] ?? []).map(\.row) != (expected[reason] ?? []) {
            let what = reason.op.map { "op \($0.short)" } ?? "the grant of \(reason.peer?.short ?? "")"
            faults.append("the table `ledger` does not say of \(what) what follows from the ops")
        }
        let wallets = update.wallets.filter { $0.balance != 0 || $0.pending != 0 }
        let known = Dictionary(uniqueKeysWithValues: tables.wallets.map { ($0.account, $0) })
        for wallet in wallets where known[wallet.account] != wallet {
            faults.append(
                "the wallet \(wallet.account) holds \(Koi.text(wallet.balance)) Koi, the table `wallets` says "
                    + Koi.text(known[wallet.account]?.balance ?? 0))
        }
        let real = Set(wallets.map(\.account))
        for wallet in tables.wallets where !real.contains(wallet.account) {
            faults.append("the table `wallets` knows \(wallet.account), who has nothing")
        }
        return faults.sorted()
    }

    // MARK: Signing

    /// Signs an op of the ledger, unless the wallet cannot pay it: what is void would stand in the log for good.
    ///
    /// - Parameter cost: what it takes out of the wallet of `agent`.
    func sign(_ body: LedgerBody, cost: NanoKoi = 0, agent: String) async throws -> KoiSignedReport {
        guard AccountID.isAgent(agent) else {
            throw Problem.unusable("'\(agent)' is no name of an agent", remedy: "use 1 to 64 bytes", field: "agent")
        }
        guard let (kind, bytes) = body.op else { preconditionFailure("stakes are part of proposals") }
        let balance = try await host.ask { node in
            node.state.ledger.wallet(AccountID(owner: node.identity.peerID, agent: agent)).balance
        }
        guard cost <= balance else { throw Self.tooPoor(cost, agent, balance) }
        switch await host.submit(kind, bytes) {
        case .done(let id): return KoiSignedReport(op: id.hex, kind: kind.name)
        case .void(_, let reason): throw Problem.void(reason)
        case .refused(let reason): throw Problem.unavailable(reason)
        }
    }

    static func tooPoor(_ cost: NanoKoi, _ agent: String, _ balance: NanoKoi) -> Problem {
        .conflict(
            "it costs \(Koi.text(cost)) Koi; the wallet of agent \(agent) holds \(Koi.text(balance))",
            remedy: "`shoal koi balance` shows what is pending; it can be spent when a quorum has certified it",
            code: "insufficient-funds")
    }

    static func amount(_ text: String, _ field: String, least: NanoKoi = 1) throws(Problem) -> NanoKoi {
        guard let amount = Koi.parse(text), amount >= least else {
            throw .unusable(
                "'\(text)' is no amount of Koi", remedy: "write decimal Koi, up to nine digits behind the point",
                field: field)
        }
        return amount
    }

    /// The op that a text names: its id, or the first digits of one that the ledger or a model knows.
    func op(_ text: String, _ field: String) async throws -> OpID {
        if let id = OpID(hex: text) { return id }
        let digits = text.lowercased()
        let found = try await host.ask { node in
            (node.state.ledger.everyID + node.state.models.ids).filter { $0.hex.hasPrefix(digits) }
        }
        guard digits.utf8.count >= 6, let id = found.first else {
            throw Problem(
                status: 404, detail: "no op of the ledger begins with '\(text)'",
                remedy: "give at least six digits of its id", code: "unknown_op", field: field)
        }
        guard found.count == 1 else {
            throw Problem(
                status: 409, detail: "\(found.count) ops begin with '\(text)'", remedy: "give more digits",
                code: "ambiguous_op", field: field)
        }
        return id
    }

    /// A site by its name or peer id, this one included.
    func peer(_ text: String, _ field: String) async throws -> PeerID {
        if let peer = PeerID(hex: text) { return peer }
        let found = try await peers.list().filter {
            $0.name == text || (text.utf8.count >= 6 && $0.peer.hasPrefix(text))
        }
        guard found.count == 1, let peer = PeerID(hex: found[0].peer) else {
            let cause = found.isEmpty ? "no site is called '\(text)'" : "\(found.count) sites are called '\(text)'"
            throw Problem(
                status: found.isEmpty ? 404 : 409, detail: cause,
                remedy: "give its peer id: `shoal peers list --json`",
                code: found.isEmpty ? "unknown_site" : "ambiguous_site", field: field)
        }
        return peer
    }

    func send(_ request: KoiSendRequest) async throws -> KoiSignedReport {
        let amount = try Self.amount(request.amount, "amount")
        let to = AccountID(owner: try await peer(request.to, "to"), agent: request.agent ?? AccountID.site)
        guard AccountID.isAgent(to.agent) else {
            throw Problem.unusable("'\(to.agent)' is no name of an agent", field: "agent")
        }
        let from = request.from ?? AccountID.site
        let memo = request.memo ?? ""
        guard memo.utf8.count <= LedgerBody.Limits.memoBytes, !memo.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F })
        else { throw Problem.unusable("the memo has control characters or more than 256 bytes", field: "memo") }
        let body = Transfer(from: from, payments: [.init(to: to, amount: amount)], why: .memo(memo))
        return try await sign(.transfer(body), cost: amount, agent: from)
    }
}
