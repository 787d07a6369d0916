internal import Consensus
internal import Identity
internal import Membership
internal import Wire

/// Questions that electors measure and that their owner proposes an answer to.
extension Elector {
    mutating func answer(_ matter: Matter, _ view: View, now: Instant, _ actions: inout [Action]) {
        guard !view.state.consensus.isExpired(matter), view.state.isAskedFairly(matter.question) else { return }
        if matter.isElector(view.me) {
            measure(matter, view, now: now, &actions)
            if !matter.proposals.isEmpty, !hasVoted(.commit, on: matter, view) {
                follow(matter, view, &actions)
            }
        }
        if matter.question.owner == view.me { propose(matter, now: now, &actions) }
    }

    /// Votes for the first proposal that says what its measurements say.
    private mutating func follow(_ matter: Matter, _ view: View, _ actions: inout [Action]) {
        for proposal in matter.proposals.values.sorted(by: { $0.op < $1.op })
        where proposal.author == matter.question.owner && !hasVoted(.commit, on: matter, view)
            && follows(proposal.proposal, matter)
        {
            vote(proposal.proposal.value.hash, .commit, matter, view, &actions)
        }
    }

    /// Asks the shell to measure, unless that is under way or done.
    mutating func measure(_ matter: Matter, _ view: View, now: Instant, _ actions: inout [Action]) {
        guard !measured.contains(matter.id), !matter.measurements.values.contains(where: { $0.author == view.me })
        else { return }
        if let again = measuring[matter.id], again > now { return wake(at: again) }
        measuring[matter.id] = now + Limits.measureAgainMs
        wake(at: now + Limits.measureAgainMs)
        if matter.question.kind == .checkpoint { clockQuestion = matter.id }
        actions.append(.measure(matter.id, matter.question))
    }

    /// The shell has measured.
    mutating func measured(_ id: QuestionID, _ numbers: [Int64]?, now: Instant) -> Action? {
        hasNews()
        if clockQuestion == id, let seconds = numbers?.first {
            wallClock = WallClock(seconds: UInt64(clamping: seconds), at: now)
        }
        guard measuring.removeValue(forKey: id) != nil, measured.insert(id).inserted else { return nil }
        let op = ConsensusOp.measurement(Measurement(question: id, numbers: numbers)).op
        return .submit(op.kind, op.body)
    }

    private mutating func propose(_ matter: Matter, now: Instant, _ actions: inout [Action]) {
        guard !proposed.contains(Round(question: matter.id, number: 0)), matter.proposals.isEmpty else { return }
        let evidence = matter.evidence
        let electors = matter.electorate.count(without: matter.question.subject)
        guard
            let value = ValueRule.value(
                of: matter.question, evidence: evidence, electors: electors, policy: matter.checkpoint.policy)
        else { return }
        let since = completeSince[matter.id] ?? now
        completeSince[matter.id] = since
        guard evidence.count == electors || since + Limits.proposeAfterMs <= now else {
            return wake(at: since + Limits.proposeAfterMs)
        }
        proposed.insert(Round(question: matter.id, number: 0))
        let op = ConsensusOp.proposal(
            Proposal(question: matter.id, round: 0, value: value, measurements: evidence.map(\.op))
        ).op
        actions.append(.submit(op.kind, op.body))
    }

    private func follows(_ proposal: Proposal, _ matter: Matter) -> Bool {
        guard let evidence = matter.evidence(named: proposal.measurements) else { return false }
        return ValueRule.value(
            of: matter.question, evidence: evidence,
            electors: matter.electorate.count(without: matter.question.subject), policy: matter.checkpoint.policy)
            == proposal.value
    }
}
