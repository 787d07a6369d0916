internal import Consensus
internal import Identity
internal import Membership
internal import Wire

/// Rounds of questions that belong to nobody: the next checkpoint, and what becomes of an escrow.
///
/// An escrow can be asked about again, when the electorate has changed. Then the rounds of the later question come after
/// all of the earlier one's: locks hold across them. So these functions take the questions in that order, the one
/// that is voted on last.
extension Elector {
    /// Rounds end by the clock. Who is behind follows when more than a third are ahead: one of those is honest.
    mutating func currentRound(_ matter: Matter, _ view: View, now: Instant) -> UInt64 {
        var number = rounds[matter.id]?.number ?? 0
        var until = rounds[matter.id]?.until ?? now + Limits.roundMs
        while until <= now {
            number += 1
            until = until + Limits.roundMs(number)
        }
        let ahead = matter.hasVotes(after: number) ? othersRound(matter, view) : number
        if ahead > number {
            number = ahead
            until = now + Limits.roundMs(number)
        }
        rounds[matter.id] = (number, until)
        wake(at: until)
        return number
    }

    /// The round that more than a third have come to, or this elector itself.
    private func othersRound(_ matter: Matter, _ view: View) -> UInt64 {
        var furthest: [PeerID: UInt64] = [:]
        for cast in matter.votes where matter.isElector(cast.author) {
            furthest[cast.author] = max(furthest[cast.author] ?? 0, cast.vote.ballot.round)
        }
        let third = matter.electorate.members.count / 3
        let sorted = furthest.values.sorted(by: >)
        return max(sorted.count > third ? sorted[third] : 0, furthest[view.me] ?? 0)
    }

    /// A quorum has prepared a value in this round, and this elector has not gone on to a later one.
    mutating func commit(_ matter: Matter, in round: UInt64, _ view: View, _ actions: inout [Action]) {
        guard !hasVoted(.commit, round: round, on: matter, view),
            let prepared = matter.decided(round: round, phase: .prepare),
            ballots(matter, view).allSatisfy({ $0.round <= round })
        else { return }
        vote(prepared.value, .commit, round: round, matter, view, &actions)
    }

    /// Whether a lock forbids to prepare a value: another one was committed to, and no quorum has prepared this one
    /// since.
    func mayPrepare(_ value: Hash32, in round: UInt64, of series: [Matter], _ view: View) -> Bool {
        for (at, matter) in series.enumerated().reversed() {
            let commits = ballots(matter, view).filter { $0.phase == .commit }
            guard let lock = commits.max(by: { $0.round < $1.round }) else { continue }
            guard lock.value != value else { return true }
            return series[at...].enumerated().contains { offset, later in
                let isLast = at + offset == series.count - 1
                return later.rounds(of: .prepare).contains {
                    (offset > 0 || $0 > lock.round) && (!isLast || $0 < round)
                        && later.decided(round: $0, phase: .prepare)?.value == value
                }
            }
        }
        return true
    }

    /// The latest value that a quorum has prepared before a round of the last question.
    func prepared(_ series: [Matter], before round: UInt64) -> Hash32? {
        for (at, matter) in series.enumerated().reversed() {
            for number in matter.rounds(of: .prepare) where at < series.count - 1 || number < round {
                if let decided = matter.decided(round: number, phase: .prepare) { return decided.value }
            }
        }
        return nil
    }

    /// What this elector has voted, and what is on its way to be signed.
    private func ballots(_ matter: Matter, _ view: View) -> [Ballot] {
        matter.ballots(of: view.me)
            + cast.filter { $0.key.question == matter.id }.map {
                Ballot(question: matter.id, round: $0.key.round, phase: $0.key.phase, value: $0.value)
            }
    }
}
