internal import Federation
internal import Identity
internal import Ledger
internal import Membership
internal import Peer
internal import Replication
internal import Synchronization
internal import Wire

/// Claims what this site trains, soon after it did: what is measured late is measured against what others have learned
/// from it (`docs/valuation.md`).
final class ClaimService: Sendable {
    private let host: NodeHost
    private let log: EventLog
    /// Rounds that one claim is about.
    private let rounds: Int
    private let isClaiming = Mutex<Bool>(false)

    /// - Parameter rounds: 0: nothing is claimed by itself.
    init(host: NodeHost, rounds: Int, log: EventLog) {
        (self.host, self.rounds, self.log) = (host, rounds, log)
    }

    func start() async {
        guard rounds > 0, let own = try? await host.ask({ $0.identity.peerID }) else { return }
        host.observe { [weak self] ops in
            guard ops.contains(where: { $0.author == own && $0.kind == .updateModelWeights && $0.void == nil }) else {
                return
            }
            Task { await self?.claim() }
        }
    }

    private func claim() async {
        let isFirst = isClaiming.withLock { busy in
            defer { busy = true }
            return !busy
        }
        guard isFirst else { return }
        defer { isClaiming.withLock { $0 = false } }
        do {
            guard let span = try await host.ask({ [rounds] in Self.due(&$0, rounds) }),
                let (kind, bytes) = LedgerBody.claim(TrainingClaim(agent: AccountID.site, span: span)).op
            else { return }
            switch await host.submit(kind, bytes) {
            case .done: break
            case .void(let id, let reason): log.warn("claim-void", ["op": id.short, "cause": reason.detail])
            // Without an account log yet; the next round tries again.
            case .refused(let reason): log.debug("no claim: \(reason)")
            }
        } catch { log.debug("no claim: \(error)") }
    }

    /// The latest rounds behind the last claim, if there are enough.
    ///
    /// What several models were trained with stands in one log, and a range is claimed once: then only people claim.
    private static func due(_ node: inout Node, _ rounds: Int) -> OpSpan? {
        guard let key = node.ownLogKey, node.configuration.genesis.policy.hasVotes else { return nil }
        let name = OwnerTable.LogName(author: key.author, log: key.log)
        let trained = node.models.filter { node.owners(of: $0).map { !$0.rows(of: name).isEmpty } ?? false }
        let fresh = node.ownDeltas(from: node.state.ledger.lastClaimed(by: key.author, in: key.log) + 1)
        guard trained.count == 1, fresh.count >= rounds, let last = fresh.last, let head = node.replica.id(key, last)
        else { return nil }
        return OpSpan(
            model: trained[0], log: key.log, from: fresh[fresh.count - rounds], through: last, head: head)
    }
}
