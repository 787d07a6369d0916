public import Identity
public import Membership
public import Replication
public import Wire

/// What others ask of the table.
extension ConsensusTable {
    /// The checkpoint with this digest, if a certificate for it is in a causal past; nil if not. The first one follows
    /// from the genesis, which is in every past.
    public func checkpoint(_ digest: Hash32, inPast past: (LogPosition) -> Bool) -> Checkpoint? {
        guard let known = checkpoints[digest] else { return nil }
        return digest == genesisDigest || known.carriers.contains { past($0.position) } ? known.checkpoint : nil
    }

    /// The rules by which an op is folded that has this causal past: those of the latest checkpoint in it.
    public func policy(inPast past: (LogPosition) -> Bool) -> NetworkPolicy {
        checkpoints.values.filter { known in known.carriers.contains { past($0.position) } }
            .max { $0.checkpoint.height < $1.checkpoint.height }?.checkpoint.policy ?? first.policy
    }

    /// The log in which an author's votes and debits count, as a causal past has it.
    public func accountLog(of owner: PeerID, inPast past: (LogPosition) -> Bool) -> LogID {
        named[owner]?.last { $0.carriers.contains { past($0.position) } }?.log
            ?? firstLog(of: owner)
    }

    /// The same as far as everything with effect says.
    public func accountLog(of owner: PeerID) -> LogID {
        named[owner]?.last { $0.carriers.contains { !$0.isRetracted } }?.log
            ?? firstLog(of: owner)
    }

    /// How often an author's account log has been named anew.
    public func accountGeneration(of owner: PeerID) -> UInt64 {
        named[owner]?.last { $0.carriers.contains { !$0.isRetracted } }?.generation ?? 0
    }

    /// Asked, not decided and not expired, ascending.
    public var openQuestions: [QuestionID] {
        // The matter is looked at only where time is over: it costs more than the rest.
        open.filter { $0.expires > latest.seconds || !isExpired(matters[$0.id]!) }.map(\.id)
    }

    /// How many open questions belong to `owner`. O(open questions).
    public func openCount(of owner: PeerID) -> Int {
        open.count { matters[$0.id]!.question.owner == owner && !isExpired(matters[$0.id]!) }
    }

    /// Whether its time is over by the certified clock, and nothing was proposed: what was is voted on to the end, or its owner
    /// could not know whether to ask again.
    public func isExpired(_ matter: Matter) -> Bool {
        matter.question.expires <= latest.seconds && matter.proposals.isEmpty
    }

    /// When the next open question expires, in seconds since 1970; nil if none does.
    public var nextExpiry: UInt64? {
        open.lazy.filter { $0.expires > latest.seconds && $0.expires < Question.Limits.never }
            .filter { matters[$0.id]!.proposals.isEmpty }.map(\.expires).min()
    }

    /// Asked, and nobody decided in time; ascending.
    public var expiredQuestions: [QuestionID] { open.map(\.id).filter { isExpired(matters[$0]!) } }

    /// What the genesis says: the electors of the first questions.
    public var first: Checkpoint { checkpoints[genesisDigest]!.checkpoint }

    /// What proves a checkpoint; nil for the first one, and where it is not here.
    public func certificate(ofCheckpoint digest: Hash32) -> Certificate? {
        guard let known = checkpoints[digest], digest != genesisDigest else { return nil }
        let id = checkpoints[known.checkpoint.predecessor]?.checkpoint.nextQuestion(in: network).id(in: network)
        let payload = known.checkpoint.encode()
        return id.flatMap { matters[$0] }?.certificates.values.first { $0.certificate.value.payload == payload }?
            .certificate
    }

    /// Of the checkpoints up to the latest one, ascending from behind a height. Costs some hashes a checkpoint.
    public func checkpointCertificates(after height: UInt64) -> [Certificate] {
        var chain: [Certificate] = []
        var digest = latestDigest
        while let known = checkpoints[digest], known.checkpoint.height > height,
            let certificate = certificate(ofCheckpoint: digest)
        {
            chain.append(certificate)
            digest = known.checkpoint.predecessor
        }
        return chain.reversed()
    }

    /// Certified, but carried by no op with effect any more, ascending.
    public var lostQuestions: [QuestionID] { lost.sorted() }

    /// Whether `peer` has nothing to forget about a question: its log was never replaced, or somebody put the question who
    /// knew in which log it votes now. Who lost a log may have voted there on what is older.
    ///
    /// To say the same yes again contradicts nothing, so there one asker is enough; else nobody may have asked before.
    ///
    /// - Parameter includes: whether the second position is in the causal past of the first.
    public func isYounger(
        _ matter: Matter, thanAccountLogOf peer: PeerID, _ includes: (LogPosition, LogPosition) -> Bool
    ) -> Bool {
        guard let carriers = namings(of: peer) else { return true }
        let raised =
            matter.question.kind == .checkpoint
            ? checkpoints[matter.question.electorate]?.carriers ?? [] : matter.asks
        func isYounger(_ ask: Carrier) -> Bool { carriers.contains { includes(ask.position, $0.position) } }
        return matter.question.kind.nature == .affirmed
            ? raised.contains(where: isYounger) : !raised.isEmpty && raised.allSatisfy(isYounger)
    }

    /// Whether `peer`, which may have forgotten its votes on a question in rounds, can vote in one of them all the same:
    /// everything that is proposed there was proposed by others who knew in which log it votes now, so the log that it
    /// lost holds no vote of that round. What it may break is a lock that it has forgotten, as a liar would. The locks of
    /// the others must bear that, beside as many liars as the electorate bears anyway (decision 31).
    public func isYounger(
        round: UInt64, of matter: Matter, thanAccountLogOf peer: PeerID, _ includes: (LogPosition, LogPosition) -> Bool
    ) -> Bool {
        guard matter.question.kind.nature == .agreed, let carriers = namings(of: peer) else { return false }
        let electors = matter.electorate.members.filter(matter.isElector)
        let forgetful = electors.count { !isYounger(matter, thanAccountLogOf: $0, includes) }
        let liars = (electors.count - 1) / 3
        guard 2 * matter.quorum > electors.count + forgetful + liars else { return false }
        let proposals = matter.proposals.values.filter { $0.proposal.round == round }
        return !proposals.isEmpty
            && proposals.allSatisfy { proposed in
                proposed.author != peer && carriers.contains { includes(proposed.position, $0.position) }
            }
    }

    /// What names the log in which a peer votes now; nil if it is the first.
    private func namings(of peer: PeerID) -> [Carrier]? {
        named[peer]?.last { $0.carriers.contains { !$0.isRetracted } }?.carriers
    }

    /// What is certified, ascending by question.
    public var outcomes: [CertifiedOutcome] { effective.keys.sorted().map { effective[$0]! } }

    /// The outcome that a certificate has for a value, in force or not.
    public func certified(_ id: QuestionID, _ value: Hash32) -> CertifiedOutcome? {
        matters[id]?.certificates[value]?.outcome
    }

    public func outcome(_ id: QuestionID) -> CertifiedOutcome? { effective[id] }

    /// Questions that decide the same as `question`, itself included.
    public func rivals(of question: Question) -> [Matter] {
        (bySlot[question.slot] ?? []).sorted().compactMap { matters[$0] }
    }

    /// Questions about ops, by op, each op's by id. O(questions).
    public func mattersByOp() -> [OpID: [Matter]] {
        Dictionary(grouping: matters.values.filter { $0.question.about != nil }, by: { $0.question.about! })
            .mapValues { $0.sorted { $0.id < $1.id } }
    }

    /// Members that a certificate admits to vote, ascending; a checkpoint makes them electors.
    public var admitted: [PeerID] { admissions.keys.sorted() }
    public func isAdmitted(_ peer: PeerID) -> Bool { admissions[peer] != nil }

    /// What certificates revoke.
    public var revoked: Set<Revocation> { Set(revocations.keys) }
    /// Whether all that a member ever did is revoked: it does not belong any more.
    public func isRevoked(_ peer: PeerID) -> Bool { revocations[Revocation(peer: peer)] != nil }

    /// Who is proven to have voted twice, ascending.
    public var convictedPeers: [PeerID] {
        convictions.filter { $0.value.contains { !$0.isRetracted } }.keys.sorted()
    }
    public func isConvicted(_ peer: PeerID) -> Bool {
        convictions[peer]?.contains { !$0.isRetracted } ?? false
    }

    /// The numbers on which the electorate of a checkpoint has decided: the next one may bring them in.
    public func certifiedPolicies(askedOf checkpoint: Hash32) -> [NetworkPolicy] {
        policies.filter { matters[$0.key]!.question.electorate == checkpoint }.sorted { $0.key < $1.key }.map(\.value)
    }

    /// The last certified place of an account log.
    public func finality(of key: LogKey) -> LogPlace? { finals[key]?.last }

    /// What is certified of a log's deltas, ascending, no two with a place in common: of those that have one the first
    /// counts. Two can only come about by a third of liars, as an elector votes for one of them only.
    public func certifiedSums(of key: LogKey) -> [(id: QuestionID, sums: BlockSums)] {
        var chain: [(id: QuestionID, sums: BlockSums)] = []
        for entry in sums[key] ?? [] where entry.sums.block.after >= chain.last?.sums.block.through ?? 0 {
            chain.append(entry)
        }
        return chain
    }

    /// Blocks of a log whose sums were asked for, and are not certified. O(open questions).
    public func askedSums(of key: LogKey) -> [(matter: Matter, block: LogBlock)] {
        openQuestions.compactMap { id in
            let matter = matters[id]!
            guard matter.question.kind == .sums, matter.question.owner == key.author,
                case .sums(let sums)? = Proposition(matter.question), sums.block.key == key
            else { return nil }
            return (matter, sums.block)
        }
    }

    /// Logs with certified sums, ascending.
    public var summedLogs: [LogKey] { sums.keys.sorted() }

    /// The only clock that rules may use: seconds since 1970.
    public var seconds: UInt64 { latest.seconds }

    /// The question that the next checkpoint answers.
    public var nextCheckpoint: Matter { matters[nextCheckpointID]! }
}

extension Matter {
    /// Who proposes in a round of a question that belongs to nobody: each elector in turn, beginning elsewhere at
    /// each height.
    public func proposer(of round: UInt64) -> PeerID? {
        guard question.kind.nature == .agreed, !electorate.members.isEmpty else { return nil }
        let count = UInt64(electorate.members.count)
        return electorate.members[Int((checkpoint.height % count + round % count) % count)]
    }
}
