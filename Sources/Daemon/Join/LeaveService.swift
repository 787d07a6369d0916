internal import API
internal import Glibc
internal import Identity
internal import Ledger
internal import Membership
internal import Peer
internal import Replication
internal import Site
internal import Synchronization
internal import Wire

/// Leaves the network in good order: says so, votes until the others can do without this site, and ends the node when
/// they have heard. The same for a key that was passed on.
final class LeaveService: Sendable {
    private let host: NodeHost
    private let directory: DataDirectory
    private let network: NetworkFile
    private let log: EventLog
    /// Ends the process in order.
    private let end: @Sendable () -> Void
    private let watch = Mutex<Watch>(Watch())

    private struct Watch {
        var task: Task<Void, Never>?
        /// Something happened since the task looked last.
        var isNews = false
    }

    private static let pollMs = 200

    init(
        host: NodeHost, directory: DataDirectory, network: NetworkFile, log: EventLog,
        end: @escaping @Sendable () -> Void
    ) {
        self.host = host
        self.directory = directory
        self.network = network
        self.log = log
        self.end = end
    }

    /// Goes on with what an earlier process began; and a node that hears from others what it has lost itself ends, too.
    func start() {
        host.observe { [weak self] ops in
            let isFarewell = { (op: AppliedOp) in op.kind == .memberLeave || op.kind == .rotateKey }
            if ops.contains(where: { isFarewell($0) && $0.void == nil }) { self?.watchFarewell() }
        }
        watchFarewell()
    }

    func stop() { watch.withLock { $0.task }?.cancel() }

    func report() async throws -> LeaveReport {
        let network = network.genesis.name
        return try await host.ask { node in
            let farewell = node.farewell
            let own = node.identity.peerID
            let ledger = node.state.ledger
            let koi = ledger.accounts.filter { $0.owner == own }.reduce(Int64(0)) {
                $0 + Int64(clamping: ledger.wallet($1).balance)
            }
            return LeaveReport(
                network: network, state: !farewell.hasLeft ? "member" : farewell.isDone ? "left" : "leaving",
                votes: farewell.votes, releasedBy: farewell.releasedBy, connected: node.peers.count,
                members: node.state.members.count, koi: KoiService.amount(NanoKoi(clamping: koi)))
        }
    }

    func leave(_ request: LeaveRequest) async throws -> LeaveReport {
        guard request.network == network.genesis.name else {
            throw Problem.conflict(
                "this site is a member of \(network.genesis.name), not of '\(request.network)'",
                remedy: "name the network that is to be left", code: "other-network")
        }
        let (isMember, hasLeft, others, hasVotes) = try await host.ask { node in
            let own = node.identity.peerID
            return (
                node.state.members.contains(own), node.state.members.hasLeft(own),
                node.state.members.members.count { $0.peer != own }, node.configuration.genesis.policy.hasVotes
            )
        }
        guard !hasLeft else { return try await report() }
        guard isMember else {
            throw Problem.conflict(
                "this site is no member, so it cannot leave",
                remedy: "stop the node and remove its files; the others hold nothing of it", code: "not-a-member")
        }
        guard hasVotes else {
            throw Problem.conflict(
                "this network was founded before its sites could leave", remedy: "stop the node: its ops stay")
        }
        guard others > 0 else {
            throw Problem.conflict(
                "this site is the last member of \(network.genesis.name): nobody would be left to hear of it",
                remedy: "stop the node; what it has stays in \(directory.path)", code: "last-member")
        }
        switch await host.submit(.memberLeave, MemberLeave.body) {
        case .done: log.info("leaving", ["network": network.genesis.name])
        case .void(_, let reason): throw Problem.void(reason)
        case .refused(let reason): throw Problem.unavailable(reason)
        }
        return try await report()
    }

    private func watchFarewell() {
        watch.withLock { watch in
            watch.isNews = true
            guard watch.task == nil else { return }
            watch.task = Task { [weak self] in
                while !Task.isCancelled, let self, await self.goesOn() {
                    try? await Task.sleep(for: .milliseconds(Self.pollMs))
                }
            }
        }
    }

    private func goesOn() async -> Bool {
        watch.withLock { $0.isNews = false }
        guard await isOver() else { return true }
        return watch.withLock { watch in
            if !watch.isNews { watch.task = nil }
            return watch.isNews
        }
    }

    /// Whether there is nothing to watch, or no more.
    private func isOver() async -> Bool {
        guard let farewell = try? await host.ask({ $0.farewell }), farewell.hasLeft else { return true }
        guard farewell.isDone else { return false }
        if let (own, next) = try? await host.ask({ node in
            node.state.members.successor(of: node.identity.peerID).map { (node.identity.peerID, $0) }
        }) {
            return passesOn(own, to: next)
        }
        let note = LeftNote(
            network: network.genesis.networkID, name: network.genesis.name, seconds: UInt64(max(0, time(nil))))
        do { try note.write(in: directory) } catch { log.warn("left", ["cause": "\(error)"]) }
        log.info("left", ["network": network.genesis.name, "heard_by": "\(farewell.releasedBy)"])
        end()
        return true
    }

    /// Notes that the next start is under the new key.
    private func passesOn(_ own: PeerID, to next: PeerID) -> Bool {
        do {
            guard try KeyChange.waiting(in: directory)?.keyPair.peerID == next else {
                log.warn("key-stolen", ["cause": "this site's key was passed on to \(next.short), which is not here"])
                return true
            }
            try KeyChange(old: own, new: next).write(in: directory)
        } catch {
            // Without the note it would begin again as what it is no more: another look may find room for it.
            log.warn("key-rotated", ["cause": "\(error)"])
            return false
        }
        end()
        return true
    }
}
