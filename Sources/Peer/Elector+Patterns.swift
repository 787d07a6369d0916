internal import Consensus
internal import Identity
internal import Membership
internal import Rules
internal import Wire

/// Proposed patterns: their proposers ask the electors about them.
extension Elector {
    /// Own proposals that no question is open about: nobody has asked, or time has passed and nothing was proposed.
    mutating func askAboutPatterns(_ view: View, now: Instant, _ actions: inout [Action]) {
        let consensus = view.state.consensus
        let open = view.state.patterns.undecided(by: view.me).filter { op in
            // The last one may be on its way still.
            asked[op].map { consensus.matters[$0].map(consensus.isExpired) ?? false } ?? true
        }
        guard !open.isEmpty else { return }
        // Nobody's clock is late by an hour when others agreed on the time since.
        let start = max(consensus.seconds, wallClock.seconds(at: now))
        // The electors look at so many questions of one owner; the others would only wait.
        for op in open.prefix(max(0, Limits.openPerOwner - consensus.openCount(of: view.me))) {
            let question = Question(
                kind: .pattern, owner: view.me, subject: view.me, about: op, electorate: consensus.latestDigest,
                expires: start + consensus.latest.policy.questionSeconds)
            let rivals = consensus.rivals(of: question)
            // A start looks at what it asked before it.
            if let earlier = rivals.first(where: { $0.isAsked && !consensus.isExpired($0) }) {
                asked[op] = earlier.id
                continue
            }
            asked[op] = question.id(in: view.network)
            let words = ConsensusOp.question(question).op
            actions.append(.submit(words.kind, words.body))
        }
    }
}
