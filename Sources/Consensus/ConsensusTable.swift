public import Identity
public import Membership
public import Replication
public import Wire

/// Questions, measurements, proposals, votes and certificates of a network, folded from ops.
///
/// State is a function of the set of ops with effect: what is certified, and who is proven to have voted twice. All
/// else only helps to get there. Whether an op is void follows from the op and its causal past; what stands beyond a
/// fork has no effect and is still known to what builds on it, as members and models are (decision 7).
public struct ConsensusTable: Sendable {
    /// What an op did, as far as it takes to undo it.
    public enum Change: Sendable, Equatable {
        case asked(QuestionID)
        case measured(QuestionID, OpID)
        case proposed(QuestionID, OpID)
        case voted(QuestionID)
        case certified(QuestionID, Hash32)
        case convicted(PeerID)
    }
    /// A certified outcome takes effect, or loses it.
    public struct OutcomeChange: Sendable, Equatable {
        public let old: CertifiedOutcome?
        public let new: CertifiedOutcome?
    }
    /// Where an op stands and who wrote it.
    public struct Place {
        public let id: OpID
        public let key: LogKey
        public let position: LogPosition
        /// Beyond a proven fork.
        public let isRetracted: Bool
        /// Whether a position is in the op's causal past.
        let past: (LogPosition) -> Bool

        public init(
            id: OpID, key: LogKey, position: LogPosition, isRetracted: Bool = false,
            past: @escaping (LogPosition) -> Bool
        ) {
            self.id = id
            self.key = key
            self.position = position
            self.isRetracted = isRetracted
            self.past = past
        }
    }
    struct KnownCheckpoint: Sendable {
        let checkpoint: Checkpoint
        var carriers: [Carrier] = []
    }
    struct NamedLog: Sendable {
        let generation: UInt64
        let log: LogID
        var carriers: [Carrier]
    }
    struct Subject: Sendable {
        let kind: OpKind
        let author: PeerID
        let position: LogPosition
    }

    /// How often something was said about who may vote.
    public private(set) var voiceChanges = 0
    public let network: NetworkID
    private let signatures: SignatureMemory?
    /// Of the checkpoint that follows from the genesis.
    public let genesisDigest: Hash32
    public internal(set) var matters: [QuestionID: Matter] = [:]
    /// Asked and not decided, ascending, with when each expires.
    var open: [(id: QuestionID, expires: UInt64)] = []
    /// Certified, but by no op with effect any more: to be published again.
    var lost: Set<QuestionID> = []
    /// Questions that decide the same thing.
    var bySlot: [Hash32: [QuestionID]] = [:]
    var checkpoints: [Hash32: KnownCheckpoint] = [:]
    /// Account logs that certificates name, by owner, ascending by generation.
    var named: [PeerID: [NamedLog]] = [:]
    /// The account logs that electors begin with: asked for at every step, and each costs a hash.
    private var firstLogs: [PeerID: LogID] = [:]
    var subjects: [OpID: Subject] = [:]
    var effective: [QuestionID: CertifiedOutcome] = [:] { didSet { knownDigest = nil } }
    var convictions: [PeerID: [Carrier]] = [:] {
        didSet {
            voiceChanges += 1
            knownDigest = nil
        }
    }
    /// Since what it covers changed last: most ops certify nothing.
    var knownDigest: Hash32??
    // How many effective certificates say so.
    var admissions: [PeerID: Int] = [:] { didSet { voiceChanges += 1 } }
    var revocations: [Revocation: Int] = [:]
    var policies: [QuestionID: NetworkPolicy] = [:]
    var finals: [LogKey: [LogPlace]] = [:]
    /// Certified sums in force, by log, ascending by (after, through, question).
    var sums: [LogKey: [(id: QuestionID, sums: BlockSums)]] = [:]
    var outcomeChanges: [OutcomeChange] = []
    /// Two votes that exclude each other, seen and not yet published.
    var doubleVotes: [DoubleVote] = []
    public internal(set) var latest: Checkpoint {
        didSet {
            (latestDigest, nextCheckpointID) = Self.names(latest, in: network)
            nameLogs(of: latest)
        }
    }
    public private(set) var latestDigest: Hash32
    /// Of the question that the next checkpoint answers.
    public private(set) var nextCheckpointID: QuestionID

    /// - Parameter signatures: votes that need not be checked again.
    public init(genesis: Genesis, signatures: SignatureMemory? = nil) {
        network = genesis.networkID
        self.signatures = signatures
        latest = Checkpoint(genesis: genesis)
        (latestDigest, nextCheckpointID) = Self.names(latest, in: network)
        genesisDigest = latestDigest
        checkpoints[genesisDigest] = KnownCheckpoint(checkpoint: latest)
        nameLogs(of: latest)
        raiseNext(after: latest)
    }

    private mutating func nameLogs(of checkpoint: Checkpoint) {
        for member in checkpoint.electorate.members where firstLogs[member] == nil {
            firstLogs[member] = AccountLog.first(of: member, in: network)
        }
    }

    /// The account log of a peer before any is named. Costs a hash for who is no elector.
    func firstLog(of peer: PeerID) -> LogID { firstLogs[peer] ?? AccountLog.first(of: peer, in: network) }

    /// Each costs hashes over all electors, and both are asked for at every step.
    private static func names(_ checkpoint: Checkpoint, in network: NetworkID) -> (Hash32, QuestionID) {
        let question = checkpoint.nextQuestion(in: network)
        return (question.electorate, question.id(in: network))
    }

    // MARK: Folding

    /// Notes an op that questions may be about: a claim, a proposed pattern, an op of the ledger.
    public mutating func note(subject id: OpID, kind: OpKind, author: PeerID, at position: LogPosition) {
        subjects[id] = Subject(kind: kind, author: author, position: position)
    }

    /// Judges an op by its causal past and folds it in.
    ///
    /// - Parameter isTrusted: its signatures were checked before: it comes from the node's own store.
    /// - Throws: ``ConsensusError``: the op is void.
    public mutating func apply(
        _ op: ConsensusOp, at place: Place, isTrusted: Bool = false
    ) throws(ConsensusError) -> Change {
        switch op {
        case .question(let question): return try ask(question, place)
        case .measurement(let measurement): return try measure(measurement, place)
        case .proposal(let proposal): return try propose(proposal, place)
        case .vote(let vote): return try cast(vote, place, isTrusted)
        case .certificate(let certificate): return try certify(certificate, place, isTrusted)
        case .doubleVote(let proof):
            guard isTrusted || proof.isProof(in: network) else { throw .provesNothing }
            convictions[proof.author, default: []].append(
                Carrier(position: place.position, isRetracted: place.isRetracted))
            return .convicted(proof.author)
        }
    }

    private mutating func ask(_ question: Question, _ place: Place) throws(ConsensusError) -> Change {
        if let owner = question.owner {
            guard owner == place.key.author else { throw .notOwner(owner) }
        }
        guard let checkpoint = checkpoint(question.electorate, inPast: place.past) else {
            throw .unknownElectorate(question.electorate)
        }
        try Self.check(question, by: checkpoint.policy)
        try checkSubject(of: question, place)
        let id = question.id(in: network)
        if matters[id] == nil { add(Matter(id: id, question: question, checkpoint: checkpoint)) }
        matters[id]!.asks.append(Carrier(position: place.position, isRetracted: place.isRetracted))
        refresh(id)
        return .asked(id)
    }

    /// What the network had no rule for when it was asked says nothing, whoever knows one by now.
    private static func check(_ question: Question, by policy: NetworkPolicy) throws(ConsensusError) {
        guard question.kind != .sums || policy.hasSums else { throw .noRule(question.kind, policy.foldVersion) }
    }

    private func checkSubject(of question: Question, _ place: Place) throws(ConsensusError) {
        let wanted: OpKind
        switch question.kind {
        case .pattern: wanted = .patternPropose
        case .claim: wanted = .claim
        case .settlement: wanted = .bountySettle
        case .ledger:
            // One form, so that whoever asks about an escrow asks the very same.
            guard question.fields.isEmpty, question.subject == nil, question.expires == Question.Limits.never else {
                throw .invalidBody("a question about an escrow names it and nothing else")
            }
            guard let about = question.about, let subject = subjects[about], place.past(subject.position),
                subject.kind == .bountyPost || subject.kind == .auction
            else { throw .unknownSubject }
            return
        case .admission, .revocation, .accountLog, .finality, .policy, .sums:
            guard Proposition(question) != nil else { throw .invalidBody("the question says nothing") }
            return
        case .checkpoint: throw .invalidBody("nobody asks for a checkpoint: everybody knows the question")
        }
        // Whoever owns the question is no elector in it.
        guard let about = question.about, let subject = subjects[about], subject.kind == wanted,
            subject.author == place.key.author, question.subject == place.key.author, place.past(subject.position)
        else { throw .unknownSubject }
    }

    private func matter(_ id: QuestionID, inPast place: Place) throws(ConsensusError) -> Matter {
        guard let matter = matters[id] else { throw .unknownQuestion(id) }
        let isKnown =
            matter.question.kind == .checkpoint
            ? checkpoint(matter.question.electorate, inPast: place.past) != nil
            : matter.asks.contains { place.past($0.position) }
        guard isKnown else { throw .unknownQuestion(id) }
        return matter
    }

    private mutating func measure(_ measurement: Measurement, _ place: Place) throws(ConsensusError) -> Change {
        let id = measurement.question
        let author = place.key.author
        guard try matter(id, inPast: place).isElector(author) else { throw .notElector(author) }
        if !place.isRetracted {
            matters[id]!.measurements[place.id] = .init(
                op: place.id, author: author, numbers: measurement.numbers, position: place.position)
        }
        return .measured(id, place.id)
    }

    private mutating func propose(_ proposal: Proposal, _ place: Place) throws(ConsensusError) -> Change {
        let id = proposal.question
        let matter = try matter(id, inPast: place)
        let author = place.key.author
        switch matter.question.kind.nature {
        case .measured:
            guard matter.question.owner == author, proposal.round == 0 else {
                throw .notOwner(matter.question.owner ?? .zero)
            }
        case .agreed: guard matter.proposer(of: proposal.round) == author else { throw .notOwner(author) }
        case .affirmed: throw .invalidBody("the question says it all: there is nothing to propose")
        }
        if !place.isRetracted {
            matters[id]!.proposals[place.id] = .init(
                op: place.id, author: author, proposal: proposal, position: place.position)
        }
        return .proposed(id, place.id)
    }

    private mutating func cast(_ vote: Vote, _ place: Place, _ isTrusted: Bool) throws(ConsensusError) -> Change {
        let id = vote.ballot.question
        let author = place.key.author
        guard try matter(id, inPast: place).isElector(author) else { throw .notElector(author) }
        guard isTrusted || vote.ballot.isSigned(vote.signature, by: author, in: network, remembering: signatures) else {
            throw .forgedVote(author)
        }
        // What a signature says it says wherever it stands.
        noticeDoubleVote(vote, by: author, in: id)
        guard accountLog(of: author, inPast: place.past) == place.key.log else { throw .notAccountLog }
        if !place.isRetracted {
            matters[id]!.add(.init(author: author, vote: vote, position: place.position))
        }
        return .voted(id)
    }

    private mutating func noticeDoubleVote(_ vote: Vote, by author: PeerID, in id: QuestionID) {
        guard convictions[author] == nil, !doubleVotes.contains(where: { $0.author == author }) else { return }
        for other in matters[id]!.votes where other.author == author {
            guard let proof = DoubleVote(author: author, vote, other.vote) else { continue }
            return doubleVotes.append(proof)
        }
    }

    private mutating func certify(
        _ certificate: Certificate, _ place: Place, _ isTrusted: Bool
    ) throws(ConsensusError) -> Change {
        let question = certificate.question
        guard let checkpoint = checkpoint(question.electorate, inPast: place.past) else {
            throw .unknownElectorate(question.electorate)
        }
        try Self.check(question, by: checkpoint.policy)
        let id = question.id(in: network)
        let hash = certificate.value.hash
        let isKnown = matters[id]?.certificates[hash] != nil
        // A second copy of what is here needs no second look, but for the signatures that it brings itself.
        if !isTrusted { try certificate.check(by: checkpoint.electorate, in: network, remembering: signatures) }
        guard let outcome = CertifiedOutcome(certificate, electorate: checkpoint.electorate, in: network) else {
            throw .invalidBody("the certified value does not fit its question")
        }
        if matters[id] == nil { add(Matter(id: id, question: question, checkpoint: checkpoint)) }
        let carrier = Carrier(position: place.position, isRetracted: place.isRetracted)
        if isKnown {
            matters[id]!.certificates[hash]!.carriers.append(carrier)
        } else {
            matters[id]!.certificates[hash] = .init(certificate: certificate, outcome: outcome, carriers: [carrier])
        }
        learn(outcome, carrier)
        refresh(id)
        return .certified(id, hash)
    }
}
