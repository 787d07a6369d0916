internal import Consensus
internal import Identity
internal import Membership
internal import Replication
internal import Wire

/// What this node owes to questions: measurements, proposals, votes, certificates.
///
/// A pure machine beside the fold. It looks at what is applied, and says what to measure and what to sign. What it has
/// said stands in its own ops, so nothing of it needs to be kept: a restart looks again. A vote goes through the
/// node's own log, hence through the sign journal, before anybody sees it.
struct Elector: Sendable {
    enum Action: Sendable, Equatable {
        case measure(QuestionID, Question)
        case submit(OpKind, Bytes)
        case sum(LogBlock)
    }
    /// What it looks at, and as whom.
    struct View {
        let state: StateFold
        let replica: Replica
        let key: KeyPair
        /// The node can sign in its account log.
        let canVote: Bool
        /// After how many deltas of its own this node asks for their sums.
        let sumsEvery: Int
        /// How often the state has changed; the replica changes with it.
        let changes: UInt64
        var me: PeerID { key.peerID }
        var network: NetworkID { state.consensus.network }
    }
    enum Limits {
        /// Questions of one owner that are looked at; the others wait.
        static let openPerOwner = 16
        static let open = 512
        /// After a quorum has measured, so long a proposer waits for the others.
        static let proposeAfterMs: UInt64 = 300
        /// By the place among the electors: who publishes a certificate that somebody else should have.
        static let publishStepMs: UInt64 = 400
        static let publishAgainMs: UInt64 = 10_000
        /// How long the first two rounds of a checkpoint may take; each two take twice as long as the two before, up to 17
        /// minutes. Two proposers in a row may be unable to, so that a turn of them must not cost a multiple of the faults;
        /// and whoever comes back after a night waits for a round to end.
        static let roundMs: UInt64 = 4_000
        static func roundMs(_ number: UInt64) -> UInt64 { roundMs << min(number / 2, 8) }
        static let measureAgainMs: UInt64 = 30_000
        /// From one checkpoint to the next while an elector waits to be let go; several that go at once share one.
        static let partingMs: UInt64 = 1_000
        static let finalityEveryMs: UInt64 = 250
    }
    /// One place for one vote.
    struct Booth: Hashable {
        let question: QuestionID
        let round: UInt64
        let phase: Ballot.Phase
    }
    struct Round: Hashable {
        let question: QuestionID
        let number: UInt64
    }

    /// What decides who the next electors are.
    struct ElectorateBasis: Equatable {
        let members: Int
        let voices: Int
        let checkpoint: Hash32
    }
    /// Whether they are others than now, as found last.
    var electorateChange: (basis: ElectorateBasis, changes: Bool)?

    /// Signed, or on its way to be: nobody is answered twice.
    var cast: [Booth: Hash32] = [:]
    var measuring: [QuestionID: Instant] = [:]
    var measured: Set<QuestionID> = []
    var proposed: Set<Round> = []
    /// When a quorum of measurements was first seen.
    var completeSince: [QuestionID: Instant] = [:]
    /// When to publish a certificate, if nobody else has by then.
    var publishAt: [QuestionID: Instant] = [:]
    var rounds: [QuestionID: (number: UInt64, until: Instant)] = [:]
    var checkpointSince: (height: UInt64, at: Instant)?
    var finalityAsked: (seq: UInt64, at: Instant)?
    var accountAsked: QuestionID?
    /// Own proposals, and the question that was put about each last.
    var asked: [OpID: QuestionID] = [:]
    /// Blocks that are being added up, until when; what they came to; and when this node asked.
    var summing: [LogBlock: Instant] = [:]
    var summed: [LogBlock: BlockSums] = [:]
    var sumsAsked: [LogBlock: Instant] = [:]
    /// What this node asked about claims and escrows, and when.
    var koiAsked: [OpID: Instant] = [:]
    /// The question whose answer is the time.
    var clockQuestion: QuestionID?
    /// The site's own clock as it was read last: at the start, and for each checkpoint.
    var wallClock: WallClock
    /// What the operator of this site has agreed to.
    var approved: Set<Proposition> = [] { didSet { seen = nil } }
    private(set) var nextDeadline: Instant?
    /// When the next step may find something else, though nobody is woken for it.
    private var looksAgain: Instant?
    /// What the last step saw, if it had nothing to do.
    private var seen: (changes: UInt64, canVote: Bool)?

    init(wallClock: WallClock) { self.wallClock = wallClock }

    /// Whether a step would find what the last one found: nothing to do, and the same deadlines.
    func rests(changes: UInt64, canVote: Bool, now: Instant) -> Bool {
        guard let seen, seen == (changes, canVote) else { return false }
        return [nextDeadline, looksAgain].allSatisfy { $0.map { $0 > now } ?? true }
    }

    /// Everything to be done now.
    mutating func step(_ view: View, now: Instant) -> [Action] {
        nextDeadline = nil
        looksAgain = nil
        let actions = look(view, now: now)
        seen = actions.isEmpty ? (view.changes, view.canVote) : nil
        return actions
    }

    private mutating func look(_ view: View, now: Instant) -> [Action] {
        let hasLeft = view.state.members.hasLeft(view.me)
        guard view.state.hasVotes,
            view.state.members.contains(view.me)
                || (hasLeft && view.state.consensus.latest.electorate.index(of: view.me) != nil)
        else { return [] }
        var actions: [Action] = []
        let consensus = view.state.consensus
        var perOwner: [PeerID: Int] = [:]
        var looked = 0
        for id in consensus.openQuestions {
            guard let matter = consensus.matters[id] else { continue }
            // Before the limit for all: who floods pushes nobody else's questions out of sight.
            if let owner = matter.question.owner {
                perOwner[owner, default: 0] += 1
                guard perOwner[owner]! <= Limits.openPerOwner else { continue }
            }
            looked += 1
            guard looked <= Limits.open else { break }
            switch matter.question.kind.nature {
            case .affirmed: affirm(matter, view, now: now, &actions)
            case .measured: answer(matter, view, now: now, &actions)
            case .agreed where matter.question.kind == .ledger: decide(matter, view, now: now, &actions)
            case .agreed: agree(matter, view, now: now, &actions)
            }
            publish(matter, view, now: now, &actions)
        }
        for id in consensus.lostQuestions {
            guard let matter = consensus.matters[id], let certificate = matter.lostCertificate else { continue }
            publish(certificate, id, isFirst: false, matter, view, now: now, &actions)
        }
        // Who has left answers as long as it is asked, and asks nothing any more.
        guard !hasLeft else { return actions }
        askForFinality(view, now: now, &actions)
        askAboutPatterns(view, now: now, &actions)
        askAboutKoi(view, now: now, &actions)
        publishUncounted(view, now: now, &actions)
        askForSums(view, every: view.sumsEvery, now: now, &actions)
        return actions
    }

    mutating func wake(at instant: Instant) { nextDeadline = min(nextDeadline ?? instant, instant) }

    /// Has a step that comes at this time or later look, without causing one.
    mutating func lookAgain(at instant: Instant) { looksAgain = min(looksAgain ?? instant, instant) }

    /// Something is known that no view shows.
    mutating func hasNews() { seen = nil }

    // MARK: Voting

    /// Votes, unless this place or one that decides the same is taken.
    ///
    /// - Returns: whether it voted now.
    @discardableResult
    mutating func vote(
        _ value: Hash32, _ phase: Ballot.Phase, round: UInt64 = 0, _ matter: Matter, _ view: View,
        _ actions: inout [Action]
    ) -> Bool {
        let booth = Booth(question: matter.id, round: round, phase: phase)
        guard view.canVote, cast[booth] == nil, matter.isElector(view.me), !view.state.consensus.isExpired(matter)
        else {
            return false
        }
        guard !matter.hasVote(of: view.me, round: round, phase: phase), mayAnswer(matter, view),
            remembers(matter, in: round, view)
        else { return false }
        cast[booth] = value
        let ballot = Ballot(question: matter.id, round: round, phase: phase, value: value)
        let op = ConsensusOp.vote(Vote(ballot, in: view.network, with: view.key)).op
        actions.append(.submit(op.kind, op.body))
        return true
    }

    /// Whether this elector has voted in a place already. Asked before what a vote would have to rest on is found out.
    func hasVoted(_ phase: Ballot.Phase, round: UInt64 = 0, on matter: Matter, _ view: View) -> Bool {
        cast[Booth(question: matter.id, round: round, phase: phase)] != nil
            || matter.hasVote(of: view.me, round: round, phase: phase)
    }

    /// Whether no lost log of this elector can hold a vote of the round.
    private func remembers(_ matter: Matter, in round: UInt64, _ view: View) -> Bool {
        let consensus = view.state.consensus
        let past = { view.replica.past(of: $0, includes: $1) }
        return consensus.isYounger(matter, thanAccountLogOf: view.me, past)
            || consensus.isYounger(round: round, of: matter, thanAccountLogOf: view.me, past)
    }

    /// Whether this elector may propose: not twice in a round, so not where a lost log may hold a proposal.
    func mayPropose(_ matter: Matter, _ view: View) -> Bool {
        view.state.consensus.isYounger(matter, thanAccountLogOf: view.me) { view.replica.past(of: $0, includes: $1) }
    }

    /// Of questions that decide the same thing, one is answered.
    private func mayAnswer(_ matter: Matter, _ view: View) -> Bool {
        // To say the same yes to two of them contradicts nothing.
        guard matter.question.kind.hasOwner else { return true }
        return view.state.consensus.rivals(of: matter.question).allSatisfy { rival in
            // Asked by another electorate, the same yes contradicts nothing either.
            rival.id == matter.id
                || (matter.question.kind.nature == .affirmed && rival.question.fields == matter.question.fields)
                || (rival.ballots(of: view.me).isEmpty && !cast.keys.contains { $0.question == rival.id })
        }
    }

    // MARK: Questions that say it all

    private mutating func affirm(_ matter: Matter, _ view: View, now: Instant, _ actions: inout [Action]) {
        if case .sums(let sums)? = Proposition(matter.question) {
            return affirm(sums, matter, view, now: now, &actions)
        }
        guard matter.isElector(view.me), isTrue(matter, view) else { return }
        vote(Value.yes.hash, .commit, matter, view, &actions)
    }

    private func isTrue(_ matter: Matter, _ view: View) -> Bool {
        let proposition = Proposition(matter.question)
        return switch proposition {
        case .admission(let peer): approved.contains(proposition!) && view.state.members.contains(peer)
        case .revocation, .policy: approved.contains(proposition!)
        case .finality(let owner, let place):
            view.state.consensus.accountLog(of: owner) == place.log
                && isHere(place, of: owner, view)
        case .accountLog(let owner, let generation, let log, let end):
            isSuccessor(log, of: owner, generation: generation, end: end, view)
        // They have a file of their own: Elector+Sums.swift.
        case .sums, nil: false
        }
    }

    /// An op with effect, on a log that nobody has proven to fork there.
    private func isHere(_ place: LogPlace, of owner: PeerID, _ view: View) -> Bool {
        let key = LogKey(author: owner, log: place.log)
        return !view.replica.isRetracted(key, place.seq) && view.replica.id(key, place.seq) == place.id
    }

    /// The new log is there, and nothing that is known of the old one is left out.
    private func isSuccessor(
        _ log: LogID, of owner: PeerID, generation: UInt64, end: LogPlace?, _ view: View
    ) -> Bool {
        let consensus = view.state.consensus
        let old = LogKey(author: owner, log: consensus.accountLog(of: owner))
        let known = view.replica.frontier[old]?.seq ?? 0
        guard generation == consensus.accountGeneration(of: owner) + 1, log != old.log,
            view.replica.frontier[LogKey(author: owner, log: log)]?.seq ?? 0 > 0,
            !view.replica.isRetracted(LogKey(author: owner, log: log), 1)
        else { return false }
        guard let end else { return known == 0 }
        return end.log == old.log && end.seq >= known && isHere(end, of: owner, view)
    }

    // MARK: Certificates

    /// The owner publishes at once, others later and later by their place, unless one has come.
    private mutating func publish(_ matter: Matter, _ view: View, now: Instant, _ actions: inout [Action]) {
        guard let certificate = matter.assemble() else { return }
        let isFirst =
            (matter.question.owner ?? matter.proposer(of: certificate.round)) == view.me
        publish(certificate, matter.id, isFirst: isFirst, matter, view, now: now, &actions)
    }

    mutating func publish(
        _ certificate: Certificate, _ id: QuestionID, isFirst: Bool, _ matter: Matter, _ view: View, now: Instant,
        _ actions: inout [Action]
    ) {
        let rank = UInt64(matter.electorate.index(of: view.me) ?? matter.electorate.members.count)
        let at = publishAt[id] ?? (isFirst ? now : now + Limits.publishStepMs * (rank + 2))
        guard at <= now else {
            publishAt[id] = at
            return wake(at: at)
        }
        publishAt[id] = now + Limits.publishAgainMs
        wake(at: now + Limits.publishAgainMs)
        let op = ConsensusOp.certificate(certificate).op
        actions.append(.submit(op.kind, op.body))
    }

    // MARK: Own payments

    /// What this node has paid becomes final: asks for the head of its account log.
    private mutating func askForFinality(_ view: View, now: Instant, _ actions: inout [Action]) {
        let consensus = view.state.consensus
        let key = LogKey(author: view.me, log: consensus.accountLog(of: view.me))
        guard view.canVote, let debit = view.state.lastDebits[key], debit > consensus.finality(of: key)?.seq ?? 0,
            let head = view.replica.frontier[key], head.seq >= debit
        else { return }
        guard let id = view.replica.id(key, debit) else { return }
        let proposition = Proposition.finality(owner: view.me, LogPlace(log: key.log, seq: debit, id: id))
        let question = proposition.question(by: view.me, electorate: consensus.latestDigest)
        // Who cannot answer today will not be told twice: a network without a quorum stays silent.
        guard consensus.matters[question.id(in: view.network)]?.isAsked != true else { return }
        if let asked = finalityAsked, asked.seq >= debit, asked.at + Limits.publishAgainMs > now {
            return wake(at: asked.at + Limits.publishAgainMs)
        }
        if let asked = finalityAsked, asked.at + Limits.finalityEveryMs > now {
            return wake(at: asked.at + Limits.finalityEveryMs)
        }
        finalityAsked = (debit, now)
        wake(at: now + Limits.publishAgainMs)
        ask(proposition, view, &actions)
    }

    @discardableResult
    mutating func ask(_ proposition: Proposition, _ view: View, _ actions: inout [Action]) -> QuestionID {
        let consensus = view.state.consensus
        let question = proposition.question(by: view.me, electorate: consensus.latestDigest)
        let op = ConsensusOp.question(question).op
        actions.append(.submit(op.kind, op.body))
        return question.id(in: view.network)
    }
}
