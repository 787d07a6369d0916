import Consensus
import Identity
import Membership
import Replication
import Testing
import Wire

@Suite struct ConsensusTableTests {
    @Test func `a certified claim is an outcome with the median, once`() throws {
        var assembly = Assembly(4)
        let question = try assembly.claim(0)
        let id = question.id(in: assembly.network)
        #expect(assembly.table.openQuestions.contains(id))
        let value = Value(verdict: .accepted, numbers: [42], used: [1, 2])
        let certificate = assembly.certificate(question, value, by: [1, 2, 3])
        try assembly.say(2, .certificate(certificate))
        try assembly.say(0, .certificate(certificate))
        let changes = assembly.table.takeOutcomeChanges()
        #expect(changes.count == 1)
        #expect(changes[0].new?.meaning == .trained(claim: question.about!, gain: 42))
        #expect(!assembly.table.openQuestions.contains(id))
    }

    @Test func `only a third of two lies could decide twice, and then everybody takes the same`() throws {
        let values = [Value(verdict: .accepted, numbers: [1]), Value(verdict: .accepted, numbers: [2])]
        let smaller = values.min { $0.hash < $1.hash }!
        var digests: Set<Hash32> = []
        for order in [[0, 1], [1, 0]] {
            var assembly = Assembly(4)
            let question = try assembly.claim(0)
            for at in order {
                try assembly.say(1, .certificate(assembly.certificate(question, values[at], by: [1, 2, 3])))
            }
            #expect(assembly.table.outcome(question.id(in: assembly.network))?.value == smaller)
            digests.insert(assembly.table.digest()!)
        }
        #expect(digests.count == 1)
    }

    @Test func `attacks with certificates are void`() throws {
        var assembly = Assembly(4)
        let question = try assembly.claim(0)
        #expect(throws: ConsensusError.shortCertificate(found: 2, needed: 3)) {
            try assembly.say(1, .certificate(assembly.certificate(question, .yes, by: [1, 2])))
        }
        #expect(throws: ConsensusError.notAnElector(0)) {
            try assembly.say(1, .certificate(assembly.certificate(question, .yes, by: [0, 1, 2])))
        }
        #expect(throws: ConsensusError.forgedVote(assembly.peer(1))) {
            try assembly.say(
                1,
                .certificate(assembly.certificate(question, .yes, by: [1, 2, 3], signedFor: Value(verdict: .rejected))))
        }
        var foreign = question
        foreign = Question(
            kind: .claim, owner: question.owner, subject: question.subject, about: question.about,
            electorate: .zero)
        #expect(throws: ConsensusError.unknownElectorate(.zero)) {
            try assembly.say(1, .certificate(assembly.certificate(foreign, .yes, by: [1, 2, 3])))
        }
        #expect(assembly.table.digest() == nil)
    }

    @Test func `a vote counts by an elector, signed by it, in its account log`() throws {
        var assembly = Assembly(4)
        let question = try assembly.claim(0)
        #expect(throws: ConsensusError.notElector(assembly.peer(0))) {
            try assembly.say(0, .vote(assembly.vote(0, question, .yes)))
        }
        #expect(throws: ConsensusError.forgedVote(assembly.peer(1))) {
            try assembly.say(1, .vote(assembly.vote(2, question, .yes)))
        }
        let elsewhere = assembly.place(1, log: LogID(rawValue: 9))
        #expect(throws: ConsensusError.notAccountLog) {
            try assembly.table.apply(.vote(assembly.vote(1, question, .yes)), at: elsewhere)
        }
        for voter in 1...3 { try assembly.say(voter, .vote(assembly.vote(voter, question, .yes))) }
        let matter = assembly.table.matters[question.id(in: assembly.network)]!
        #expect(matter.votes.count == 3)
        let certificate = matter.assemble()
        #expect(certificate == nil, "the value is not known before it is proposed")
        try assembly.say(
            0,
            .proposal(
                Proposal(question: question.id(in: assembly.network), round: 0, value: .yes, measurements: [])))
        let found = assembly.table.matters[question.id(in: assembly.network)]!.assemble()!
        try found.check(by: assembly.table.latest.electorate, in: assembly.network)
    }

    @Test func `who is no elector has no vote: a member without one, a stranger`() throws {
        var assembly = Assembly(4)
        let next = Checkpoint(
            height: 1, predecessor: assembly.table.latestDigest, seconds: 2_000, policy: .standard,
            electorate: Electorate([assembly.peer(1), assembly.peer(2), assembly.peer(3)]))
        let checkpoint = assembly.table.latest.nextQuestion(in: assembly.network)
        let value = Value(verdict: .accepted, numbers: [2_000], payload: next.encode())
        try assembly.say(1, .certificate(assembly.certificate(checkpoint, value, by: [0, 1, 2])))
        let question = try assembly.claim(1)
        #expect(throws: ConsensusError.notElector(assembly.peer(0)), "it belongs, and the checkpoint does not name it")
        {
            try assembly.say(0, .vote(assembly.vote(0, question, .yes)))
        }
        let stranger = KeyPair(seed: Bytes(repeating: 200, count: 32))
        let key = LogKey(author: stranger.peerID, log: AccountLog.first(of: stranger.peerID, in: assembly.network))
        let place = ConsensusTable.Place(
            id: assembly.opID(999), key: key, position: LogPosition(log: 9, seq: 2), past: { _ in true })
        let ballot = Ballot(
            question: question.id(in: assembly.network), round: 0, phase: .commit, value: Value.yes.hash)
        #expect(throws: ConsensusError.notElector(stranger.peerID)) {
            try assembly.table.apply(.vote(Vote(ballot, in: assembly.network, with: stranger)), at: place)
        }
        #expect(assembly.table.matters[question.id(in: assembly.network)]!.votes.isEmpty)
    }

    @Test func `two votes that exclude each other convict, in whatever logs they stand`() throws {
        var assembly = Assembly(4)
        let question = try assembly.claim(0)
        try assembly.say(1, .vote(assembly.vote(1, question, .yes)))
        let other = assembly.vote(1, question, Value(verdict: .rejected))
        let elsewhere = assembly.place(1, log: LogID(rawValue: 9))
        #expect(throws: ConsensusError.notAccountLog) { try assembly.table.apply(.vote(other), at: elsewhere) }
        let proof = try #require(assembly.table.takeDoubleVotes().first)
        #expect(proof.author == assembly.peer(1))
        #expect(!assembly.table.isConvicted(assembly.peer(1)), "the proof counts as an op")
        try assembly.say(3, .doubleVote(proof))
        #expect(assembly.table.isConvicted(assembly.peer(1)))
    }

    @Test func `nobody is convicted by what others sign, nor by the same vote twice`() throws {
        var assembly = Assembly(4)
        let question = try assembly.claim(0)
        let vote = assembly.vote(1, question, .yes)
        try assembly.say(1, .vote(vote))
        try assembly.say(1, .vote(vote))
        #expect(assembly.table.takeDoubleVotes().isEmpty)
        let other = assembly.vote(2, question, Value(verdict: .rejected))
        let framed = DoubleVote(author: assembly.peer(1), vote, other)!
        #expect(throws: ConsensusError.provesNothing) { try assembly.say(3, .doubleVote(framed)) }
        #expect(DoubleVote(author: assembly.peer(1), vote, assembly.vote(1, question, .yes, round: 1)) == nil)
    }

    @Test func `a question is asked by its owner, about its own op`() throws {
        var assembly = Assembly(4)
        let question = try assembly.claim(0)
        #expect(throws: ConsensusError.notOwner(assembly.peer(0))) { try assembly.say(1, .question(question)) }
        let stolen = Question(
            kind: .claim, owner: assembly.peer(1), subject: assembly.peer(1), about: question.about,
            electorate: question.electorate)
        #expect(throws: ConsensusError.unknownSubject) { try assembly.say(1, .question(stolen)) }
        let asElector = Question(
            kind: .claim, owner: assembly.peer(0), subject: assembly.peer(1), about: question.about,
            electorate: question.electorate)
        #expect(throws: ConsensusError.unknownSubject, "who owns a claim is no elector in it") {
            try assembly.say(0, .question(asElector))
        }
    }

    @Test func `an op is judged by its past: what stands elsewhere is unknown`() throws {
        var assembly = Assembly(4)
        let question = try assembly.claim(0)
        let id = question.id(in: assembly.network)
        let ignorant = assembly.place(1, past: { _ in false })
        #expect(throws: ConsensusError.unknownQuestion(id)) {
            try assembly.table.apply(.measurement(Measurement(question: id, numbers: [1])), at: ignorant)
        }
    }

    @Test func `what a fork takes back is out of force and out of the digest, and known to what builds on it`() throws {
        var assembly = Assembly(4)
        let question = assembly.table.latest.nextQuestion(in: assembly.network)
        let next = Checkpoint(
            height: 1, predecessor: assembly.table.latestDigest, seconds: 2_000, policy: .standard,
            electorate: Electorate([assembly.peer(1), assembly.peer(2), assembly.peer(3)]))
        let value = Value(verdict: .accepted, numbers: [2_000], payload: next.encode())
        let certificate = assembly.certificate(question, value, by: [0, 1, 2])
        let place = assembly.place(3)
        let change = try assembly.table.apply(.certificate(certificate), at: place)
        #expect(assembly.table.latest == next && assembly.table.seconds == 2_000)
        let digest = next.digest(in: assembly.network)
        assembly.table.undo(change, at: place.position)
        #expect(assembly.table.latest.height == 0 && assembly.table.digest() == nil)
        #expect(assembly.table.checkpoint(digest) { $0 == place.position } == next)
        #expect(assembly.table.checkpoint(digest) { _ in false } == nil)
        #expect(assembly.table.lostQuestions == [question.id(in: assembly.network)], "to be published again")
        try assembly.say(1, .certificate(certificate))
        #expect(assembly.table.latest == next && assembly.table.lostQuestions.isEmpty)
    }

    @Test func `the electors of a checkpoint decide about the next one, and nobody else`() throws {
        var assembly = Assembly(4)
        let first = assembly.table.latest.nextQuestion(in: assembly.network)
        let next = Checkpoint(
            height: 1, predecessor: assembly.table.latestDigest, seconds: 2_000, policy: .standard,
            electorate: Electorate([assembly.peer(1)]))
        let value = Value(verdict: .accepted, numbers: [2_000], payload: next.encode())
        try assembly.say(1, .certificate(assembly.certificate(first, value, by: [0, 1, 2])))
        let second = next.nextQuestion(in: assembly.network)
        let after = Checkpoint(
            height: 2, predecessor: next.digest(in: assembly.network), seconds: 3_000, policy: .standard,
            electorate: next.electorate)
        let later = Value(verdict: .accepted, numbers: [3_000], payload: after.encode())
        #expect(throws: ConsensusError.self) {
            try assembly.say(1, .certificate(assembly.certificate(second, later, by: [1, 2, 3])))
        }
        let ballot = Ballot(
            question: second.id(in: assembly.network), round: 0, phase: .commit, value: later.hash)
        let alone = Certificate(
            question: second, value: later, round: 0,
            signatures: [.init(elector: 0, signature: ballot.sign(in: assembly.network, with: assembly.keys[1]))])
        try assembly.say(1, .certificate(alone))
        #expect(assembly.table.latest == after)
    }

    @Test func `an account log is named by the electors, generation by generation`() throws {
        var assembly = Assembly(4)
        let owner = assembly.peer(0)
        let first = AccountLog.first(of: owner, in: assembly.network)
        #expect(assembly.table.accountLog(of: owner) == first)
        let proposition = Proposition.accountLog(owner: owner, generation: 1, log: LogID(rawValue: 5), end: nil)
        let question = proposition.question(by: owner, electorate: assembly.table.latestDigest)
        #expect(Proposition(question) == proposition)
        let place = assembly.place(2)
        let change = try assembly.table.apply(
            .certificate(assembly.certificate(question, .yes, by: [1, 2, 3])), at: place)
        #expect(assembly.table.accountLog(of: owner) == LogID(rawValue: 5))
        #expect(assembly.table.accountLog(of: owner) { _ in false } == first)
        assembly.table.undo(change, at: place.position)
        #expect(assembly.table.accountLog(of: owner) == first)
    }

    @Test func `questions that decide the same share a slot`() {
        let assembly = Assembly(4)
        let owner = assembly.peer(0)
        func slot(_ proposition: Proposition, expires: UInt64 = 5) -> Hash32 {
            proposition.question(by: owner, electorate: .zero, expires: expires).slot
        }
        let place = LogPlace(log: LogID(rawValue: 1), seq: 7, id: assembly.opID(1))
        let other = LogPlace(log: LogID(rawValue: 1), seq: 7, id: assembly.opID(2))
        #expect(slot(.finality(owner: owner, place)) == slot(.finality(owner: owner, other), expires: 6))
        #expect(
            slot(.accountLog(owner: owner, generation: 1, log: LogID(rawValue: 1), end: place))
                == slot(.accountLog(owner: owner, generation: 1, log: LogID(rawValue: 2), end: nil)))
        #expect(
            slot(.accountLog(owner: owner, generation: 1, log: LogID(rawValue: 1), end: nil))
                != slot(.accountLog(owner: owner, generation: 2, log: LogID(rawValue: 1), end: nil)))
        #expect(slot(.admission(owner)) != slot(.revocation(Revocation(peer: owner))))
    }
}
