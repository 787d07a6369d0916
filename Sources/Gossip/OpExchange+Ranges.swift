public import Identity
public import Replication
public import Session
public import Wire

/// Large frontiers, compared by ranges.
extension OpExchange {
    func usesRanges(_ peer: PeerID) -> Bool {
        neighbours[peer]!.comparesRanges && summary.frontier.heads.count > GossipLimits.wholeFrontierLogs
    }

    mutating func ranges<Result>(_ use: (Reconciliation) -> Result) -> Result {
        if reconciliation == nil { reconciliation = Reconciliation(summary.frontier) }
        return use(reconciliation!)
    }

    /// A step of comparing frontiers by ranges.
    ///
    /// - Returns: what follows, and what the neighbour showed; nil when it has had its share of answers.
    public mutating func receivedRanges(
        from peer: PeerID, _ message: ReconcileMessage, headersThrough: (LogKey) -> UInt64, now: Instant
    ) -> (effects: [Effect], answer: Reconciliation.Answer)? {
        guard neighbours[peer] != nil, neighbours[peer]!.rangeAnswers < GossipLimits.rangeAnswersPerRound else {
            counters.rangesRefused += 1
            return nil
        }
        neighbours[peer]!.rangeAnswers += 1
        let answer = ranges { $0.answer(message.ranges) }
        for entry in answer.theirs {
            note(peer, has: LogKey(author: entry.author, log: entry.log), through: entry.seq)
        }
        var effects: [Effect] = answer.pages.map { .sendRanges(peer, $0) }
        counters.rangesAnswered += 1
        counters.rangesSent += answer.pages.reduce(0) { $0 + $1.count }
        effects += pullMissing(headersThrough: headersThrough, now: now)
        if message.digest == summary.frontierDigest {
            if message.state == summary.stateDigest {
                neighbours[peer]!.agreed = message.digest
            } else {
                effects.append(.diverged(peer, ours: summary.stateDigest, theirs: message.state))
            }
        }
        return (effects, answer)
    }
}
