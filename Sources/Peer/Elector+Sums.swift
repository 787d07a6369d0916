internal import Consensus
internal import Identity
internal import Membership
internal import Replication
internal import Wire

/// Certified sums: who asks for them, and who finds them true.
///
/// ```
/// so many deltas of one's own ─▶ Effect.sum ─▶ question ─▶ electors: Effect.sum, the same bytes ─▶ votes ─▶ certificate
/// ```
/// Adding up reads as many bodies as the block has deltas, so it happens on another thread, for two blocks at a time.
extension Elector {
    enum SumsLimits {
        /// Deltas of one block: what an elector is ready to read.
        static let deltas = 4_096
        static let atOnce = 2
        /// A shell that is that long about it has lost it.
        static let againMs: UInt64 = 300_000
        /// Blocks whose sums are remembered until they are certified.
        static let remembered = 64
    }

    /// The sums of a block, as this node finds them; nil while they are added up or cannot be.
    private mutating func sums(of block: LogBlock, now: Instant, _ actions: inout [Action]) -> BlockSums? {
        if let known = summed[block] { return known }
        if let again = summing[block], again > now {
            wake(at: again)
            return nil
        }
        summing[block] = nil
        guard summing.values.count(where: { $0 > now }) < SumsLimits.atOnce else {
            wake(at: now + Limits.publishStepMs)
            // Each step puts that off.
            lookAgain(at: now)
            return nil
        }
        summing[block] = now + SumsLimits.againMs
        wake(at: now + SumsLimits.againMs)
        actions.append(.sum(block))
        return nil
    }

    /// The shell has added up; nil: it could not, and is asked again later.
    mutating func summed(_ block: LogBlock, _ sums: BlockSums?, now: Instant) {
        hasNews()
        guard summing[block] != nil else { return }
        guard let sums, sums.block == block else { return summing[block] = now + Limits.measureAgainMs }
        summing[block] = nil
        if summed.count >= SumsLimits.remembered { summed = [:] }
        summed[block] = sums
    }

    // MARK: Answering

    mutating func affirm(
        _ sums: BlockSums, _ matter: Matter, _ view: View, now: Instant, _ actions: inout [Action]
    ) {
        guard matter.isElector(view.me), view.canVote, matter.ballots(of: view.me).isEmpty,
            mayBeCertified(sums.block, view), self.sums(of: sums.block, now: now, &actions) == sums
        else { return }
        vote(Value.yes.hash, .commit, matter, view, &actions)
    }

    /// The block is here as a whole, ends with a delta, nothing of it is taken out, and no other that is certified, or that
    /// this node has voted for, has a place of it. Two quorums share an honest elector, so of two such blocks one is certified
    /// at most: whoever dropped the bodies of one could not do without them when the other came into force.
    private func mayBeCertified(_ block: LogBlock, _ view: View) -> Bool {
        guard view.replica.id(block.key, block.through) == block.id,
            block.through <= view.replica.frontier[block.key]?.seq ?? 0,
            let deltas = view.state.deltas(of: block), deltas.count <= SumsLimits.deltas,
            !view.state.isBroken(block)
        else { return false }
        let consensus = view.state.consensus
        return !consensus.certifiedSums(of: block.key).contains { $0.sums.block.overlaps(block) }
            && !consensus.askedSums(of: block.key).contains {
                $0.block != block && $0.block.overlaps(block) && hasVoted(.commit, on: $0.matter, view)
            }
    }

    // MARK: Asking

    /// Asks for the sums of this node's own logs, one block of each after the other.
    mutating func askForSums(_ view: View, every deltas: Int, now: Instant, _ actions: inout [Action]) {
        let consensus = view.state.consensus
        guard consensus.latest.policy.hasSums, consensus.latest.electorate.count(without: view.me) > 0 else { return }
        let own = Set(view.state.trainedLines.values.filter { $0.author == view.me }).sorted()
        for key in own {
            let id = { (seq: UInt64) in view.replica.id(key, seq) }
            // What was asked for, and then a part of it taken out, may be certified yet, where that was not known.
            let taken = consensus.askedSums(of: key).map(\.block).filter(view.state.isBroken).map(\.through).max()
            guard let block = view.state.nextBlock(of: key, behind: taken ?? 0, deltas: deltas, id: id),
                let sums = sums(of: block, now: now, &actions)
            else { continue }
            let question = Proposition.sums(sums).question(by: view.me, electorate: consensus.latestDigest)
            // Who cannot answer today is asked again when others vote.
            guard consensus.matters[question.id(in: view.network)]?.isAsked != true else { continue }
            if let asked = sumsAsked[block], asked + Limits.publishAgainMs > now {
                lookAgain(at: asked + Limits.publishAgainMs)
                continue
            }
            sumsAsked = sumsAsked.filter { $0.value + Limits.publishAgainMs > now }
            sumsAsked[block] = now
            wake(at: now + Limits.publishAgainMs)
            ask(.sums(sums), view, &actions)
        }
    }
}
