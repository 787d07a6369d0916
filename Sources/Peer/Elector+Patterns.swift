internal import Consensus
internal import Identity
internal import Rules
internal import Wire

/// Proposed patterns: their proposers ask the electors about them.
extension Elector {
    /// Own proposals that nobody has asked about, or whose question nobody could answer in time.
    mutating func askAboutPatterns(_ view: View, _ actions: inout [Action]) {
        let consensus = view.state.consensus
        let open = view.state.patterns.undecided(by: view.me).filter { !asked.contains($0) }
        // The electors look at so many questions of one owner; the others would only wait.
        for op in open.prefix(max(0, Limits.openPerOwner - consensus.openCount(of: view.me))) {
            let question = Question(
                kind: .pattern, owner: view.me, subject: view.me, about: op, electorate: consensus.latestDigest)
            asked.insert(op)
            guard !consensus.rivals(of: question).contains(where: { $0.isAsked && !isExpired($0, view) }) else {
                continue
            }
            let words = ConsensusOp.question(question).op
            actions.append(.submit(words.kind, words.body))
        }
    }
}
