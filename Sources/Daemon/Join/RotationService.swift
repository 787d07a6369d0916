internal import API
internal import Consensus
internal import Glibc
internal import Identity
internal import Ledger
internal import Membership
internal import Peer
internal import Replication
internal import Site
internal import Synchronization
internal import Wire

/// Goes on under a new key: makes it, lets it in, sends it the Koi, and says in the account log that it follows.
///
/// Each step looks first whether it was done, so asking again goes on where a crash or a refusal has ended it. What
/// comes then is ``LeaveService``'s: voting until the others have given the vote to the new key, and the end of the node.
final class RotationService: Sendable {
    /// How long a quorum may take to certify the payments to the new key.
    private static let finalityPatience = Duration.seconds(30)

    private let host: NodeHost
    private let directory: DataDirectory
    private let network: NetworkFile
    /// The file of the present key.
    private let key: String
    private let site: String
    private let log: EventLog
    private let isBusy = Mutex(false)

    init(
        host: NodeHost, directory: DataDirectory, network: NetworkFile, key: String, site: String, log: EventLog
    ) {
        self.host = host
        self.directory = directory
        self.network = network
        self.key = key
        self.site = site
        self.log = log
    }

    func report() async throws -> RotationReport {
        let waiting = try KeyChange.waiting(in: directory)?.keyPair.peerID
        let taken = try KeyChange.taken(in: directory)
        let name = network.genesis.name
        return try await host.ask { node in
            let own = node.identity.peerID
            let named = node.state.members.successor(of: own)
            let ledger = node.state.ledger
            let electorate = node.state.consensus.latest.electorate
            let wallets = ledger.accounts.filter { $0.owner == own }.map { ledger.wallet($0) }
            return RotationReport(
                network: name, peer: own.hex, successor: (named ?? waiting)?.hex,
                since: taken.flatMap { $0.key == own ? Int($0.seconds) : nil },
                state: named == nil ? (waiting == nil ? "none" : "begun") : named == waiting ? "signed" : "stolen",
                connected: node.peers.count,
                certifiable: electorate.quorum(without: own) <= electorate.count(without: own),
                koi: KoiService.amount(NanoKoi(clamping: wallets.reduce(Int128(0)) { $0 + Int128($1.balance) })),
                open: KoiService.amount(NanoKoi(clamping: wallets.reduce(Int128(0)) { $0 + Int128($1.pending) })))
        }
    }

    func rotate(_ request: RotationRequest) async throws -> RotationReport {
        guard request.network == network.genesis.name else {
            throw Problem.conflict(
                "this site is a member of \(network.genesis.name), not of '\(request.network)'",
                remedy: "name the network in which it takes a new key", code: "other-network")
        }
        guard
            isBusy.withLock({ busy in
                defer { busy = true }
                return !busy
            })
        else { throw Problem.conflict("a new key is being told to the others", remedy: "wait for it", code: "busy") }
        defer { isBusy.withLock { $0 = false } }
        let before = try await report()
        switch before.state {
        case "signed": return before
        case "stolen": throw Self.stolen(before)
        // Whoever asks twice, or did not see the end of the first time, wants one new key.
        case "none" where before.isFresh(now: Int(time(nil))) && request.again != true: return before
        default: break
        }
        try await check()
        let next = try KeyChange.next(in: directory, key: key)
        try await letIn(next)
        if before.certifiable { try await pay(next.keyPair.peerID) }
        let own = try await host.ask { $0.identity.peerID }
        let rotation = KeyRotation(of: own, to: next.keyPair, in: network.genesis.networkID)
        try await submit(.rotateKey, rotation.encode())
        log.info("key-rotated", ["from": own.short, "to": next.keyPair.peerID.short])
        return try await report()
    }

    private static func stolen(_ report: RotationReport) -> Problem {
        .conflict(
            "this site's key was passed on to \(report.successor?.prefix(12) ?? "")…, which is not here: somebody else has it",
            remedy: "have the others run `shoal peers revoke \(report.peer)`, and join anew with a ticket",
            code: "stolen-key")
    }

    /// What would stop it half-way, before anything is said.
    private func check() async throws {
        let (isMember, hasRotation) = try await host.ask { node in
            (node.state.members.contains(node.identity.peerID), node.state.consensus.latest.policy.hasRotation)
        }
        guard isMember else {
            throw Problem.conflict(
                "this site is no member, so it has nothing to pass on",
                remedy: "make a new key (`shoal keys new`) and let a member let that one in: shoal invite",
                code: "not-a-member")
        }
        guard hasRotation else {
            throw Problem.conflict(
                "this network follows rules from before its sites could change their keys",
                remedy:
                    "let a quorum say yes to later ones: shoal consensus policy --fold-version \(NetworkPolicy.rotationFold)",
                code: "old-rules")
        }
        let folder = String(key[..<(key.lastIndex(of: "/") ?? key.startIndex)])
        guard access(folder.isEmpty ? "/" : folder, W_OK) == 0 else {
            throw Problem.conflict(
                "the new key could not take the place of \(key): its directory is read-only for this node",
                remedy: "let it write there, or run the node on a copy with --key", code: "key-read-only")
        }
    }

    /// An ordinary word for it in the other log, which a fork of the account log does not take back.
    private func letIn(_ next: SiteKey) async throws {
        let peer = next.keyPair.peerID
        // Alone there is nobody to tell.
        let (isIn, isAlone) = try await host.ask { node in
            (node.state.members.contains(peer), node.state.members.count == 1)
        }
        guard !isIn, !isAlone else { return }
        try await submit(.memberAdd, try MemberAdd(peer: peer, name: site).encode())
    }

    /// Sends all that can be spent, wallet by wallet, and waits until a quorum has certified it.
    private func pay(_ next: PeerID) async throws {
        let wallets = try await host.ask { node in
            let own = node.identity.peerID
            let ledger = node.state.ledger
            return ledger.accounts.filter { $0.owner == own }.map { ledger.wallet($0) }.filter { $0.balance > 0 }
        }
        for wallet in wallets {
            let body = LedgerBody.transfer(
                Transfer(
                    from: wallet.account.agent,
                    payments: [.init(to: AccountID(owner: next, agent: wallet.account.agent), amount: wallet.balance)],
                    why: .memo("new key")))
            try await sign(body)
        }
        let clock = ContinuousClock()
        let end = clock.now + Self.finalityPatience
        while try await host.ask({ $0.state.ledger.provisionalHead(of: $0.identity.peerID) }) != nil {
            guard clock.now < end else {
                throw Problem.unavailable(
                    "the other sites have not certified the payment to the new key yet",
                    remedy: "ask again when a quorum of them runs: nothing is paid twice")
            }
            try await Task.sleep(for: .milliseconds(100))
        }
    }

    private func sign(_ body: LedgerBody) async throws {
        guard let (kind, bytes) = body.op else { preconditionFailure("a transfer is an op") }
        try await submit(kind, bytes)
    }

    private func submit(_ kind: OpKind, _ body: Bytes) async throws {
        switch await host.submit(kind, body) {
        case .done: break
        case .void(_, let reason): throw Problem.void(reason)
        case .refused(let reason): throw Problem.unavailable(reason)
        }
    }
}
