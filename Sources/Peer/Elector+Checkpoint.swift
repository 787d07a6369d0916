internal import Consensus
internal import Identity
internal import Ledger
internal import Membership
internal import Replication
internal import Wire

/// The next checkpoint: a question that belongs to nobody, so it needs rounds, and two phases with a lock
/// (Buchman, Kwon, Milosevic 2018, "The latest gossip on BFT consensus", without votes for nothing).
///
/// ```
/// measured times ─▶ round r: its proposer proposes ─▶ prepare votes ─▶ quorum: lock, commit votes ─▶ quorum: decided
///                       └─ time is up: round r + 1
/// ```
/// Who has voted to commit a value is locked on it, and prepares another one only when a quorum has prepared that in a
/// later round. Any two quorums share an honest elector, so no other value can gather one. All of it is read from the
/// elector's own ops; nothing is remembered.
///
/// A checkpoint is made when something needs it, so a network in which nothing happens stays silent.
extension Elector {
    mutating func agree(_ matter: Matter, _ view: View, now: Instant, _ actions: inout [Action]) {
        let consensus = view.state.consensus
        guard matter.id == consensus.nextCheckpointID, matter.isElector(view.me), isDue(matter, view, now: now)
        else { return }
        // Who measures must be able to vote, or a quorum of measurements would promise what nobody can keep.
        if view.canVote { measure(matter, view, now: now, &actions) }
        let quorum = matter.quorum
        guard matter.measurements.count >= quorum, matter.evidence.count(where: { $0.numbers != nil }) >= quorum else {
            return
        }
        let round = currentRound(matter, view, now: now)
        propose(matter, in: round, view, &actions)
        prepare(matter, in: round, view, &actions)
        commit(matter, in: round, view, &actions)
    }

    /// Not before its time, unless others have begun and half of it has passed, or an elector has left.
    private mutating func isDue(_ matter: Matter, _ view: View, now: Instant) -> Bool {
        let height = matter.checkpoint.height
        if checkpointSince?.height != height { checkpointSince = (height, now) }
        var interval = matter.checkpoint.policy.checkpointSeconds * 1_000
        // A node waits to be let go, and each of them leaves once.
        if view.state.members.left.contains(where: { matter.electorate.index(of: $0) != nil }) {
            interval = min(interval, Limits.partingMs)
        }
        let hasBegun = !matter.measurements.isEmpty
        guard hasBegun || isNeeded(view, now: now) else { return false }
        let due = checkpointSince!.at + (hasBegun ? interval / 2 : interval)
        if due > now { wake(at: due) }
        return due <= now
    }

    /// Somebody waits for the clock, or for another electorate or policy.
    private mutating func isNeeded(_ view: View, now: Instant) -> Bool {
        let consensus = view.state.consensus
        return electorateChanges(view) || newPolicy(view) != nil || hasPassed(consensus.nextExpiry, now: now)
            || hasPassed(view.state.ledger.nextDeadline, now: now)
    }

    /// Whether a time has come by this site's own clock: one that wakes when it has. Seconds since 1970.
    private mutating func hasPassed(_ deadline: UInt64?, now: Instant) -> Bool {
        guard let deadline else { return false }
        let due = wallClock.instant(of: deadline)
        if due > now { wake(at: due) }
        return due <= now
    }

    /// Whether ``next(_:seconds:)`` would name others than those who vote now. Asked at every step, so the answer is kept
    /// until somebody comes or goes.
    private mutating func electorateChanges(_ view: View) -> Bool {
        let basis = ElectorateBasis(
            members: view.state.members.changes, voices: view.state.consensus.voiceChanges,
            checkpoint: view.state.consensus.latestDigest)
        if let known = electorateChange, known.basis == basis { return known.changes }
        let changes = findsElectorateChange(view)
        electorateChange = (basis, changes)
        return changes
    }

    private func findsElectorateChange(_ view: View) -> Bool {
        let consensus = view.state.consensus
        let electorate = consensus.latest.electorate
        func votes(_ peer: PeerID) -> Bool { view.state.members.contains(peer) && !consensus.isConvicted(peer) }
        let named = (electorate.members + consensus.admitted).map { heir(of: $0, view) }
        if named.contains(where: { electorate.index(of: $0) == nil && votes($0) }) { return true }
        let staying = electorate.members.count(where: votes)
        return staying > 0 && staying < electorate.members.count
    }

    /// Who has a member's seat now: itself, or the key under which it goes on. Who is convicted passes nothing on.
    private func heir(of member: PeerID, _ view: View) -> PeerID {
        var heir = member
        var seen: Set = [member]
        while !view.state.consensus.isConvicted(heir), let next = view.state.members.successor(of: heir),
            seen.insert(next).inserted
        {
            heir = next
        }
        return heir
    }

    private func newPolicy(_ view: View) -> NetworkPolicy? {
        let consensus = view.state.consensus
        return consensus.certifiedPolicies(askedOf: consensus.latestDigest).first {
            $0.foldVersion >= consensus.latest.policy.foldVersion
        }
    }

    /// What this node would agree on.
    private func next(_ view: View, seconds: UInt64) -> Checkpoint {
        let consensus = view.state.consensus
        let latest = consensus.latest
        let members = (latest.electorate.members + consensus.admitted).map { heir(of: $0, view) }
        let voters = members.filter { view.state.members.contains($0) && !consensus.isConvicted($0) }
        return Checkpoint(
            height: latest.height + 1, predecessor: consensus.latestDigest, seconds: seconds,
            policy: newPolicy(view) ?? latest.policy,
            // A network in which nobody could vote would be dead.
            electorate: voters.isEmpty ? latest.electorate : Electorate(voters))
    }

    /// Whether what is proposed may be agreed on: each change rests on a certificate or a proof that is here.
    private func isAcceptable(_ proposal: Proposal, _ matter: Matter, _ view: View) -> Bool {
        guard let checkpoint = try? Checkpoint(decoding: proposal.value.payload),
            let evidence = matter.evidence(named: proposal.measurements),
            let seconds = ValueRule.seconds(
                evidence: evidence, after: matter.checkpoint.seconds, electors: matter.electorate.members.count),
            proposal.value == value(checkpoint, proposal.measurements)
        else { return false }
        let consensus = view.state.consensus
        let old = Set(matter.electorate.members)
        let new = Set(checkpoint.electorate.members)
        let heirs = Set((matter.electorate.members + consensus.admitted).map { heir(of: $0, view) })
        let policies = [matter.checkpoint.policy] + consensus.certifiedPolicies(askedOf: matter.question.electorate)
        return checkpoint.height == matter.checkpoint.height + 1 && checkpoint.seconds == seconds
            && policies.contains(checkpoint.policy) && !new.isEmpty
            && checkpoint.policy.foldVersion >= matter.checkpoint.policy.foldVersion
            && new.subtracting(old).allSatisfy {
                (consensus.isAdmitted($0) || heirs.contains($0)) && view.state.members.contains($0)
            }
            && old.subtracting(new).allSatisfy { !view.state.members.contains($0) || consensus.isConvicted($0) }
    }

    private func value(_ checkpoint: Checkpoint, _ measurements: [OpID]) -> Value {
        Value(
            verdict: .accepted, numbers: [Int64(clamping: checkpoint.seconds)],
            basis: Value.basis(of: measurements), payload: checkpoint.encode())
    }

    // MARK: Proposals

    private mutating func propose(_ matter: Matter, in round: UInt64, _ view: View, _ actions: inout [Action]) {
        guard matter.proposer(of: round) == view.me, mayPropose(matter, view),
            !proposed.contains(Round(question: matter.id, number: round)),
            !matter.proposals.values.contains(where: { $0.proposal.round == round })
        else { return }
        let proposal: Proposal
        if let value = prepared([matter], before: round),
            let earlier = matter.proposals.values.sorted(by: { $0.op < $1.op }).first(where: {
                $0.proposal.value.hash == value
            })?.proposal
        {
            proposal = Proposal(
                question: matter.id, round: round, value: earlier.value, measurements: earlier.measurements)
        } else {
            let evidence = matter.evidence.filter { $0.numbers != nil }
            guard
                let seconds = ValueRule.seconds(
                    evidence: evidence, after: matter.checkpoint.seconds, electors: matter.electorate.members.count)
            else { return }
            let ids = evidence.map(\.op)
            proposal = Proposal(
                question: matter.id, round: round, value: value(next(view, seconds: seconds), ids), measurements: ids)
        }
        proposed.insert(Round(question: matter.id, number: round))
        let op = ConsensusOp.proposal(proposal).op
        actions.append(.submit(op.kind, op.body))
    }

    private mutating func prepare(_ matter: Matter, in round: UInt64, _ view: View, _ actions: inout [Action]) {
        guard !hasVoted(.prepare, round: round, on: matter, view) else { return }
        let proposals = matter.proposals.values.sorted { $0.op < $1.op }
        for proposed in proposals
        where proposed.proposal.round == round && isAcceptable(proposed.proposal, matter, view) {
            guard mayPrepare(proposed.proposal.value.hash, in: round, of: [matter], view) else { continue }
            vote(proposed.proposal.value.hash, .prepare, round: round, matter, view, &actions)
            return
        }
    }
}
