internal import Consensus
internal import Identity
internal import Ledger
internal import Membership
internal import Replication
internal import Wire

/// Questions about Koi: who asks them, and what becomes of an escrow.
///
/// ```
/// bounty-settle ─▶ settlement question: electors measure the gain ─┐
/// certified time passes the end of a bounty, an auction's steps ───┴▶ ledger question: rounds ─▶ paid, sold, or returned
/// ```
/// What an escrow comes to depends on what an elector knows: a bid becomes final, a checkpoint moves the clock. So
/// electors may find different answers for a while, and one vote each could leave an escrow without a quorum for ever.
/// Rounds with a lock end that, and give one answer. The proposer of a round says what its ledger says; who finds the same
/// prepares it.
extension Elector {
    mutating func decide(_ matter: Matter, _ view: View, now: Instant, _ actions: inout [Action]) {
        let series = view.state.questions(about: matter.question.about!)
        guard matter.isElector(view.me), series.last?.id == matter.id, view.state.isCurrent(matter) else { return }
        let answer = view.state.dueAnswer(about: matter.question.about!)
        // Time does not run for what was asked too early.
        guard answer != nil || !matter.votes.isEmpty else { return }
        let round = currentRound(matter, view, now: now)
        propose(answer, series, in: round, view, &actions)
        if !hasVoted(.prepare, round: round, on: matter, view) { prepare(answer, series, in: round, view, &actions) }
        commit(matter, in: round, view, &actions)
    }

    private mutating func prepare(
        _ answer: LedgerQuestion?, _ series: [Matter], in round: UInt64, _ view: View, _ actions: inout [Action]
    ) {
        let matter = series.last!
        for proposed in matter.proposals.values.sorted(by: { $0.op < $1.op })
        where proposed.proposal.round == round
            && (isTrue(proposed.proposal, answer) || wasPrepared(proposed.proposal, series, before: round))
        {
            guard mayPrepare(proposed.proposal.value.hash, in: round, of: series, view) else { continue }
            vote(proposed.proposal.value.hash, .prepare, round: round, matter, view, &actions)
            return
        }
    }

    private func isTrue(_ proposal: Proposal, _ answer: LedgerQuestion?) -> Bool {
        guard let answer else { return false }
        return proposal.value == Self.value(answer) && proposal.measurements.isEmpty
    }

    /// A quorum found it true in an earlier round. The price of an auction falls meanwhile: who waited for it to be true
    /// again, locked on it as some are, would wait for ever.
    private func wasPrepared(_ proposal: Proposal, _ series: [Matter], before round: UInt64) -> Bool {
        prepared(series, before: round) == proposal.value.hash
    }

    private static func value(_ answer: LedgerQuestion) -> Value {
        Value(verdict: .accepted, payload: answer.encode())
    }

    private mutating func propose(
        _ answer: LedgerQuestion?, _ series: [Matter], in round: UInt64, _ view: View, _ actions: inout [Action]
    ) {
        let matter = series.last!
        guard matter.proposer(of: round) == view.me, mayPropose(matter, view),
            !proposed.contains(Round(question: matter.id, number: round)),
            !matter.proposals.values.contains(where: { $0.proposal.round == round })
        else { return }
        let value: Value
        if let hash = prepared(series, before: round), let known = series.lazy.compactMap({ $0.value(hash) }).first {
            value = known
        } else if let answer {
            value = Self.value(answer)
        } else {
            return
        }
        proposed.insert(Round(question: matter.id, number: round))
        let proposal = Proposal(question: matter.id, round: round, value: value, measurements: [])
        let op = ConsensusOp.proposal(proposal).op
        actions.append(.submit(op.kind, op.body))
    }

    // MARK: Asking

    /// Asks what this node waits for: its claims and settlements, the escrows that it has a part in.
    mutating func askAboutKoi(_ view: View, now: Instant, _ actions: inout [Action]) {
        let consensus = view.state.consensus
        for (about, what) in view.state.ledger.measurable(by: view.me) {
            guard mayAsk(about, now: now) else { continue }
            let (kind, fields): (QuestionKind, Bytes) =
                switch what {
                case .training: (.claim, [])
                case .settlement(let gain): (.settlement, ValueRule.targetFields(gain))
                }
            let question = Question(
                kind: kind, owner: view.me, subject: view.me, about: about, fields: fields,
                electorate: consensus.latestDigest)
            koiAsked[about] = now
            lookAgain(at: now + Limits.publishAgainMs)
            guard consensus.rivals(of: question).isEmpty else { continue }
            let op = ConsensusOp.question(question).op
            actions.append(.submit(op.kind, op.body))
        }
        for about in view.state.dueEscrows(concerning: view.me) {
            guard mayAsk(about, now: now) else { continue }
            // Others than were asked vote now: whoever was asked before may be gone.
            if let last = view.state.questions(about: about).last, view.state.isCurrent(last) { continue }
            koiAsked[about] = now
            wake(at: now + Limits.publishAgainMs)
            let question = Question(kind: .ledger, owner: nil, about: about, electorate: consensus.latestDigest)
            let op = ConsensusOp.question(question).op
            actions.append(.submit(op.kind, op.body))
        }
    }

    private mutating func mayAsk(_ about: OpID, now: Instant) -> Bool {
        guard let asked = koiAsked[about], asked + Limits.publishAgainMs > now else { return true }
        lookAgain(at: asked + Limits.publishAgainMs)
        return false
    }

    /// Publishes certificates anew that count for nothing, because what carries them does not build on what they
    /// name: else whoever is first with a certificate could keep it from working.
    mutating func publishUncounted(_ view: View, now: Instant, _ actions: inout [Action]) {
        for id in view.state.uncountedQuestions(in: view.replica) {
            guard let matter = view.state.consensus.matters[id], let certificate = matter.certificate else { continue }
            publish(certificate, id, isFirst: matter.question.owner == view.me, matter, view, now: now, &actions)
        }
    }
}
