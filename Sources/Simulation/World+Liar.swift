internal import Consensus
internal import Federation
internal import Gossip
internal import Identity
internal import Ledger
internal import Membership
internal import Peer
internal import Replication
internal import Session
internal import Wire

/// Members that lie with votes, certificates and Koi. They see what a site sees, and write their logs by hand.
extension World {
    /// Ops that one liar signs at most: each site folds all of them.
    private static let maxLies = 120

    // MARK: Spending twice

    /// The whole grant to one, and again to another, in an account log that forks.
    mutating func spendTwice(_ index: Int) {
        let key = hostiles[index].key
        var log = HostileLog(
            key: key, network: genesis.networkID, log: AccountLog.first(of: key.peerID, in: genesis.networkID))
        log.append(.openLog, OpenLogBody.bytes)
        if random.chance(0.5) { pay(&log, to: random.below(sites.count), share: 10) }
        hostiles[index].ownOps = log.ops
        hostiles[index].branches = (0..<2).map { branch in
            var copy = log
            for _ in 0..<1 + random.below(3) {
                pay(&copy, to: (branch + random.below(2)) % sites.count, share: 55 + random.below(45))
            }
            return Array(copy.ops.dropFirst(log.ops.count))
        }
        for op in hostiles[index].ownOps + hostiles[index].branches.joined() { originCheck.allow(op) }
    }

    private mutating func pay(_ log: inout HostileLog, to site: Int, share percent: Int) {
        let to = AccountID.site(of: sites[site].identity.peerID)
        let amount = genesis.policy.grantNanoKoi / 100 * NanoKoi(percent)
        let body = LedgerBody.transfer(Transfer(from: "site", payments: [.init(to: to, amount: amount)]))
        log.append(.transfer, body.encode())
    }

    // MARK: Voting

    /// Votes for several answers, or only where its vote decides.
    mutating func misvote(_ index: Int, _ number: ConnectionNumber) {
        let me = hostiles[index].key.peerID
        guard let table = sites[hostiles[index].target].node?.state.consensus else { return }
        let open = (table.openQuestions + [table.nextCheckpoint.id]).compactMap { table.matters[$0] }
            .filter { $0.isElector(me) }
        if !open.isEmpty, random.chance(0.7) {
            let matter = open[random.below(open.count)]
            var values = matter.proposals.values.map { $0.proposal.value.hash }.sorted()
            values.append(random.chance(0.5) ? Value.yes.hash : Hash32(Bytes(repeating: 5, count: 32))!)
            let ballots = matter.votes.map(\.vote.ballot)
            let round = ballots.map(\.round).max() ?? 0
            let phase: Ballot.Phase = matter.question.kind.nature == .agreed && random.chance(0.5) ? .prepare : .commit
            if random.chance(0.5) {
                note("voted for everything")
                for value in values.prefix(3) { vote(index, matter, value, round, phase) }
            } else if let value = values.first(where: {
                (matter.tally(round: round, phase: phase)[$0]?.count ?? 0) == matter.quorum - 1
            }) {
                note("voted where it tips")
                vote(index, matter, value, round, phase)
            }
            if random.chance(0.3) {
                lie(index, ConsensusOp.measurement(Measurement(question: matter.id, numbers: [.max, .max])))
            }
        }
        show(index, number)
    }

    private mutating func vote(
        _ index: Int, _ matter: Matter, _ value: Hash32, _ round: UInt64, _ phase: Ballot.Phase
    ) {
        let ballot = Ballot(question: matter.id, round: round, phase: phase, value: value)
        lie(index, .vote(Vote(ballot, in: genesis.networkID, with: hostiles[index].key)))
    }

    // MARK: Forging

    mutating func forge(_ index: Int, _ number: ConnectionNumber) {
        guard let node = sites[hostiles[index].target].node else { return }
        for _ in 0..<1 + random.below(3) { forge(index, seenAt: node) }
        show(index, number)
    }

    private mutating func forge(_ index: Int, seenAt node: Node) {
        let table = node.state.consensus
        let key = hostiles[index].key
        let electorate = random.chance(0.5) ? table.latestDigest : table.genesisDigest
        let claims = node.state.ledger.listings(of: .claim)
        let claim = claims.first { $0.owner == key.peerID } ?? claims.first
        let minted = Question(
            kind: .claim, owner: key.peerID, subject: key.peerID, about: claim?.id ?? OpID(hash: random.next()),
            electorate: electorate)
        let gain = Value(verdict: .accepted, numbers: [.max])
        switch random.below(13) {
        case 0:
            note("forged a short certificate")
            let ballot = Ballot(
                question: minted.id(in: genesis.networkID), round: 0, phase: .commit, value: gain.hash)
            let place = table.latest.electorate.index(of: key.peerID) ?? 0
            let own = Certificate.Signature(elector: place, signature: ballot.sign(in: genesis.networkID, with: key))
            lie(index, .certificate(Certificate(question: minted, value: gain, round: 0, signatures: [own])))
        case 1:
            note("forged a mint")
            let signatures = table.latest.electorate.members.indices.map {
                Certificate.Signature(elector: $0, signature: Bytes(repeating: UInt8(random.below(256)), count: 64))
            }
            lie(index, .certificate(Certificate(question: minted, value: gain, round: 0, signatures: signatures)))
        case 2:
            note("carried a certificate that builds on nothing")
            let known = table.matters.values.filter { $0.question.electorate == table.genesisDigest }
                .compactMap { $0.certificate ?? $0.assemble() }
                .sorted { $0.encode().lexicographicallyPrecedes($1.encode()) }
            guard !known.isEmpty else { return }
            lie(index, .certificate(known[random.below(known.count)]), buildsOn: [])
        case 3:
            note("voted about itself")
            let ballot = Ballot(
                question: minted.id(in: genesis.networkID), round: 0, phase: .commit, value: gain.hash)
            lie(index, .vote(Vote(ballot, in: genesis.networkID, with: key)))
        case 4:
            note("passed another's vote off as its own")
            let votes = table.openQuestions.compactMap { table.matters[$0]?.votes.first?.vote }
            guard let vote = votes.first else { return }
            lie(index, .vote(vote))
        case 5:
            note("paid more than there is")
            let to = AccountID.site(of: key.peerID)
            let amounts: [NanoKoi] = random.chance(0.5) ? [.max, .max, 1] : [.max]
            lie(index, .transfer(Transfer(from: "site", payments: amounts.map { .init(to: to, amount: $0) })))
        case 6:
            note("claimed what was never escrowed")
            let bounty = OpID(hash: random.next())
            lie(index, .bountySettle(BountySettle(bounty: bounty, claim: bounty)))
        case 7:
            note("flooded questions")
            let subjects = claims.map(\.id) + node.state.ledger.listings(of: .bountyPost).map(\.id)
            for fields in 0..<12 as Range<UInt8> {
                let about = subjects.isEmpty ? nil : subjects[random.below(subjects.count)]
                let kinds: [QuestionKind] = [.ledger, .claim, .finality, .settlement]
                let kind = kinds[random.below(kinds.count)]
                lie(
                    index,
                    .question(
                        Question(
                            kind: kind, owner: kind.hasOwner ? key.peerID : nil, subject: key.peerID, about: about,
                            fields: random.chance(0.5) ? [] : [0x81, fields], electorate: electorate)))
            }
        case 8:
            note("repeated another's payment")
            guard let other = node.state.ledger.listings(of: .transfer).first(where: { $0.owner != key.peerID }) else {
                return
            }
            lie(index, other.body)
        case 9:
            note("offered what overflows")
            guard let model = node.state.models.ids.first else { return }
            let attested = node.state.ledger.listings(of: .attestation).first { $0.owner == key.peerID }
            guard let attested else {
                return lie(index, .attestation(Attestation(agent: "site", subject: model, claimType: "weights")))
            }
            lie(
                index,
                .auction(
                    Auction(
                        agent: "site", attestation: attested.id, start: .max, floor: 0, step: .max - 1,
                        interval: random.chance(0.5) ? 1 : LedgerBody.Limits.u53)))
        default: poison(index, seenAt: node)
        }
    }

    /// Trains to harm, within every cap, and asks to be paid for it, with numbers of its own.
    private mutating func poison(_ index: Int, seenAt node: Node) {
        guard let model = node.state.models.ids.first, let log = hostiles[index].account else {
            return prepare(index)
        }
        note("poisoned")
        let rows = node.state.models[model]?.owners.rows(of: .init(author: log.key.peerID, log: log.log)) ?? []
        if rows.isEmpty {
            let tokens = (0..<6).map { TokenID(rawValue: UInt128($0) << 64 | 7) }
            guard let announcement = try? RowAnnouncement(model: model, tokens: tokens) else { return }
            lie(index, .announceRows, announcement.body)
        }
        lie(index, .updateModelWeights, harm(model))
        guard let head = hostiles[index].account?.ops.last else { return }
        let seq = head.header.seq
        lie(
            index,
            .claim(
                TrainingClaim(
                    agent: "site",
                    span: OpSpan(model: model, log: log.log, from: seq, through: seq, head: head.id))))
        guard let claim = hostiles[index].account?.ops.last else { return }
        let table = node.state.consensus
        let question = Question(
            kind: .claim, owner: log.key.peerID, subject: log.key.peerID, about: claim.id,
            electorate: table.latestDigest)
        lie(index, .question(question))
        let value = Value(verdict: .accepted, numbers: [1_000_000], used: [0])
        let id = question.id(in: genesis.networkID)
        lie(index, .proposal(Proposal(question: id, round: 0, value: value, measurements: [])))
        // What was measured of its earlier claims it reports rightly: nothing else would be voted on.
        for id in table.openQuestions {
            guard let matter = table.matters[id], matter.question.owner == log.key.peerID, matter.proposals.isEmpty,
                let value = ValueRule.value(
                    of: matter.question, evidence: matter.evidence,
                    electors: matter.electorate.count(without: log.key.peerID), policy: matter.checkpoint.policy)
            else { continue }
            lie(
                index,
                .proposal(
                    Proposal(question: id, round: 0, value: value, measurements: matter.evidence.map(\.op))))
        }
    }

    // MARK: Signing

    private mutating func prepare(_ index: Int) {
        guard hostiles[index].account == nil else { return }
        let key = hostiles[index].key
        var log = HostileLog(
            key: key, network: genesis.networkID, log: AccountLog.first(of: key.peerID, in: genesis.networkID))
        log.append(.openLog, OpenLogBody.bytes)
        originCheck.allow(log.ops[0])
        hostiles[index].account = log
    }

    private mutating func lie(_ index: Int, _ op: ConsensusOp, buildsOn deps: [OpID]? = nil) {
        lie(index, op.op.kind, op.op.body, buildsOn: deps)
    }

    private mutating func lie(_ index: Int, _ body: LedgerBody) { lie(index, body.kind, body.encode()) }

    /// Signs an op that builds on all that the site shows, so that whatever it names is in its past.
    private mutating func lie(_ index: Int, _ kind: OpKind, _ body: Bytes, buildsOn deps: [OpID]? = nil) {
        prepare(index)
        guard let node = sites[hostiles[index].target].node, var log = hostiles[index].account,
            log.ops.count < Self.maxLies
        else { return }
        let me = hostiles[index].key.peerID
        let heads = node.summary.frontier.sorted.filter { $0.key.author != me && $0.head.seq > 0 }.map(\.head.id)
        let deps = deps ?? Array(heads.sorted().prefix(64))
        let nowhere = LogKey(author: me, log: LogID(rawValue: 0xFA15E))
        log.append(kind, body, deps: deps, time: node.replica.time(next: nowhere, deps: deps))
        originCheck.allow(log.ops.last!)
        hostiles[index].account = log
    }

    /// Shows what it has signed; its bodies are short.
    private mutating func show(_ index: Int, _ number: ConnectionNumber) {
        guard let ops = hostiles[index].account?.ops, !ops.isEmpty else { return }
        say(.ops(ops.map(\.envelope)), index, number)
    }
}

extension OpID {
    /// Some op that nobody has.
    fileprivate init(hash seed: UInt64) { self = blake2b256(domain: "simulated", seed.bigEndianBytes) }
}
