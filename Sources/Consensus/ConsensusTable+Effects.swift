public import Identity
public import Membership
internal import Replication
public import Wire

/// What certificates bring about, and taking back what stood beyond a fork.
extension ConsensusTable {
    mutating func add(_ matter: Matter) {
        matters[matter.id] = matter
        bySlot[matter.question.slot, default: []].append(matter.id)
    }

    mutating func raiseNext(after checkpoint: Checkpoint) {
        let question = checkpoint.nextQuestion(in: network)
        let id = question.id(in: network)
        if matters[id] == nil { add(Matter(id: id, question: question, checkpoint: checkpoint)) }
        refresh(id)
    }

    /// What later ops are judged by: known from any certificate in their past, with effect or without.
    mutating func learn(_ outcome: CertifiedOutcome, _ carrier: Carrier) {
        switch outcome.meaning {
        case .checkpoint(let checkpoint):
            let digest = checkpoint.digest(in: network)
            checkpoints[digest, default: KnownCheckpoint(checkpoint: checkpoint)].carriers.append(carrier)
            raiseNext(after: checkpoint)
        case .accountLog(let owner, let generation, let log, _):
            var logs = named[owner] ?? []
            if let at = logs.firstIndex(where: { $0.generation == generation && $0.log == log }) {
                logs[at].carriers.append(carrier)
            } else {
                logs.append(NamedLog(generation: generation, log: log, carriers: [carrier]))
                logs.sort { ($0.generation, $1.log) < ($1.generation, $0.log) }
            }
            named[owner] = logs
        case .patternAccepted, .patternRejected, .patternUndecided, .trained, .settled, .settlementUndecided,
            .admitted, .revoked, .finality, .policy, .ledger, .sums:
            break
        }
    }

    /// Finds out what of a question is in force now, after something about it came or went.
    mutating func refresh(_ id: QuestionID) {
        guard let matter = matters[id] else { return }
        let new = matter.effective?.outcome
        let old = effective[id]
        setOpen(matter, matter.isAsked && new == nil)
        if matter.lostCertificate != nil { lost.insert(id) } else { lost.remove(id) }
        guard new != old else { return }
        effective[id] = new
        if let old { count(old, by: -1) }
        if let new { count(new, by: 1) }
        outcomeChanges.append(OutcomeChange(old: old, new: new))
    }

    private mutating func setOpen(_ matter: Matter, _ isOpen: Bool) {
        let at = open.partitioningIndex { $0.id >= matter.id }
        let wasOpen = at < open.count && open[at].id == matter.id
        guard isOpen != wasOpen else { return }
        if isOpen { open.insert((matter.id, matter.question.expires), at: at) } else { open.remove(at: at) }
    }

    private mutating func count(_ outcome: CertifiedOutcome, by sign: Int) {
        switch outcome.meaning {
        case .admitted(let peer): admissions[peer] = Self.sum(admissions[peer], sign)
        case .revoked(let revocation): revocations[revocation] = Self.sum(revocations[revocation], sign)
        case .policy(let policy): policies[outcome.id] = sign > 0 ? policy : nil
        case .finality(let owner, let place):
            let key = LogKey(author: owner, log: place.log)
            if sign > 0 {
                finals[key, default: []].append(place)
                finals[key]!.sort { ($0.seq, $0.id) < ($1.seq, $1.id) }
            } else if let at = finals[key]?.firstIndex(of: place) {
                finals[key]!.remove(at: at)
            }
        case .sums(let block):
            let key = block.block.key
            if sign > 0 {
                sums[key, default: []].append((outcome.id, block))
                sums[key]!.sort {
                    ($0.sums.block.after, $0.sums.block.through, $0.id) < (
                        $1.sums.block.after, $1.sums.block.through, $1.id
                    )
                }
            } else {
                sums[key]?.removeAll { $0.id == outcome.id }
                if sums[key]?.isEmpty == true { sums[key] = nil }
            }
        case .checkpoint:
            // The highest that is in force; of two at one height, which only liars can bring about, the same everywhere.
            let all = effective.values.compactMap { (outcome) -> Checkpoint? in
                if case .checkpoint(let checkpoint) = outcome.meaning { checkpoint } else { nil }
            }
            let first = checkpoints[genesisDigest]!.checkpoint
            let highest = all.map(\.height).max() ?? 0
            latest =
                all.filter { $0.height == highest }.min { $0.digest(in: network) < $1.digest(in: network) } ?? first
        case .patternAccepted, .patternRejected, .patternUndecided, .trained, .settled, .settlementUndecided,
            .accountLog, .ledger:
            break
        }
    }

    private static func sum(_ count: Int?, _ sign: Int) -> Int? {
        let sum = (count ?? 0) + sign
        return sum == 0 ? nil : sum
    }

    /// Takes back what an op did that stands beyond a fork. What it certified stays known to what builds on it.
    public mutating func undo(_ change: Change, at position: LogPosition) {
        switch change {
        case .asked(let id):
            Self.retract(&matters[id]!.asks, position)
            refresh(id)
        case .measured(let id, let op): matters[id]!.measurements[op] = nil
        case .proposed(let id, let op): matters[id]!.proposals[op] = nil
        case .voted(let id): matters[id]!.removeVotes(at: position)
        case .certified(let id, let hash):
            Self.retract(&matters[id]!.certificates[hash]!.carriers, position)
            switch matters[id]!.certificates[hash]!.outcome.meaning {
            case .checkpoint(let checkpoint):
                Self.retract(&checkpoints[checkpoint.digest(in: network)]!.carriers, position)
            case .accountLog(let owner, let generation, let log, _):
                let at = named[owner]!.firstIndex { $0.generation == generation && $0.log == log }!
                Self.retract(&named[owner]![at].carriers, position)
            case .patternAccepted, .patternRejected, .patternUndecided, .trained, .settled, .settlementUndecided,
                .admitted, .revoked, .finality, .policy, .ledger, .sums:
                break
            }
            refresh(id)
        case .convicted(let peer): Self.retract(&convictions[peer]!, position)
        }
    }

    private static func retract(_ carriers: inout [Carrier], _ position: LogPosition) {
        for at in carriers.indices where carriers[at].position == position { carriers[at].isRetracted = true }
    }

    /// What came into force or lost it since the last call, in order.
    public mutating func takeOutcomeChanges() -> [OutcomeChange] {
        defer { outcomeChanges = [] }
        return outcomeChanges
    }

    public var hasDoubleVotes: Bool { !doubleVotes.isEmpty }

    /// Proofs of double votes that somebody should publish.
    public mutating func takeDoubleVotes() -> [DoubleVote] {
        defer { doubleVotes = [] }
        return doubleVotes
    }

    /// Nil as long as nothing is certified and nobody convicted.
    ///
    /// ```
    /// H("shoal/consensus/1", for each certified question by id: id || value hash, then each convicted peer, ascending)
    /// ```
    /// Costs a hash over 64 bytes a question if something was certified since the last call.
    public mutating func digest() -> Hash32? {
        if let knownDigest { return knownDigest }
        let digest = makeDigest()
        knownDigest = .some(digest)
        return digest
    }

    private func makeDigest() -> Hash32? {
        let convicted = convictedPeers
        guard !effective.isEmpty || !convicted.isEmpty else { return nil }
        var hasher = Hasher32(domain: "shoal/consensus/1")
        for id in effective.keys.sorted() {
            hasher.update(id.bytes)
            hasher.update(effective[id]!.value.hash.bytes)
        }
        for peer in convicted { hasher.update(peer.bytes) }
        return hasher.finish()
    }
}
