import Consensus
import Identity
import Testing
import Wire

@Suite struct CertificateTests {
    @Test(arguments: [(1, 1), (2, 2), (3, 3), (4, 3), (7, 5), (10, 7), (64, 43), (100, 67)])
    func `a quorum is more than two thirds`(count: Int, quorum: Int) {
        #expect(Electorate.quorum(of: count) == quorum)
        // Two quorums share more than what may lie.
        #expect(2 * quorum - count > (count - 1) / 3)
    }

    @Test func `in a network of three the other two decide about a member, and alone nobody does`() {
        let three = Assembly(3)
        #expect(three.table.latest.electorate.quorum(without: three.peer(0)) == 2)
        let two = Assembly(2)
        #expect(two.table.latest.electorate.quorum(without: two.peer(0)) == 1)
        let one = Assembly(1)
        #expect(one.table.latest.electorate.count(without: one.peer(0)) == 0)
        #expect(one.table.latest.electorate.quorum(without: one.peer(0)) == 1)
    }

    @Test func `five of six votes prove, four do not`() throws {
        var assembly = Assembly(7)
        let question = try assembly.claim(0)
        let value = Value(verdict: .accepted, numbers: [5])
        let electorate = assembly.table.latest.electorate
        try assembly.certificate(question, value, by: [1, 2, 3, 4, 5]).check(by: electorate, in: assembly.network)
        #expect(throws: ConsensusError.shortCertificate(found: 4, needed: 5)) {
            try assembly.certificate(question, value, by: [1, 2, 3, 4]).check(by: electorate, in: assembly.network)
        }
    }

    @Test func `votes for another value, round, question or network prove nothing`() throws {
        var assembly = Assembly(4)
        let question = try assembly.claim(0)
        let other = try assembly.claim(0)
        let value = Value(verdict: .accepted, numbers: [5])
        let electorate = assembly.table.latest.electorate
        func check(_ certificate: Certificate) throws { try certificate.check(by: electorate, in: assembly.network) }
        let good = assembly.certificate(question, value, by: [1, 2, 3])
        try check(good)
        #expect(throws: ConsensusError.forgedVote(assembly.peer(1))) {
            try check(assembly.certificate(question, value, by: [1, 2, 3], signedFor: .yes))
        }
        #expect(throws: ConsensusError.forgedVote(assembly.peer(1))) {
            try check(Certificate(question: other, value: value, round: 0, signatures: good.signatures))
        }
        #expect(throws: ConsensusError.forgedVote(assembly.peer(1))) {
            try check(Certificate(question: question, value: value, round: 1, signatures: good.signatures))
        }
        #expect(throws: ConsensusError.self) { try good.check(by: electorate, in: Assembly(5).network) }
    }

    @Test func `the subject and strangers are no electors`() throws {
        var assembly = Assembly(4)
        let question = try assembly.claim(0)
        let electorate = assembly.table.latest.electorate
        let withSubject = assembly.certificate(question, .yes, by: [0, 1, 2])
        #expect(throws: ConsensusError.notAnElector(0)) {
            try withSubject.check(by: electorate, in: assembly.network)
        }
        let good = assembly.certificate(question, .yes, by: [1, 2, 3])
        let stranger = Certificate(
            question: question, value: .yes, round: 0,
            signatures: good.signatures.dropLast() + [.init(elector: 9, signature: good.signatures[0].signature)])
        #expect(throws: ConsensusError.notAnElector(9)) { try stranger.check(by: electorate, in: assembly.network) }
    }

    @Test func `a vote counted twice is not canonical`() throws {
        var assembly = Assembly(4)
        let question = try assembly.claim(0)
        let good = assembly.certificate(question, .yes, by: [1, 2, 3])
        let twice = Certificate(
            question: question, value: .yes, round: 0,
            signatures: [good.signatures[0], good.signatures[0], good.signatures[1]])
        #expect(throws: CBORError.self) { try Certificate(decoding: twice.encode()) }
        #expect(try Certificate(decoding: good.encode()) == good)
        #expect(good.encode().count < 66 * 3 + 20 + question.encode().count + Value.yes.encode().count)
    }

    @Test func `bodies round-trip, and nothing shorter or longer is read`() throws {
        var assembly = Assembly(4)
        let question = try assembly.claim(0)
        let value = Value(
            verdict: .rejected, numbers: [-3, .max, .min], used: [0, 2], basis: Value.basis(of: [assembly.opID(1)]),
            payload: [1, 2])
        let vote = assembly.vote(1, question, value)
        let ops: [ConsensusOp] = [
            .question(question), .measurement(.init(question: vote.ballot.question, numbers: nil)),
            .measurement(.init(question: vote.ballot.question, numbers: [-1, 7])),
            .proposal(
                .init(
                    question: vote.ballot.question, round: 3, value: value,
                    measurements: [assembly.opID(2), assembly.opID(1)])),
            .vote(vote), .certificate(assembly.certificate(question, value, by: [1, 2, 3])),
            .doubleVote(DoubleVote(author: assembly.peer(1), vote, assembly.vote(1, question, .yes))!),
        ]
        for op in ops {
            let (kind, body) = op.op
            #expect(try ConsensusOp(kind: kind, body: body) == op)
            #expect(throws: ConsensusError.self) { try ConsensusOp(kind: kind, body: body + [0]) }
            for length in stride(from: 0, to: body.count, by: 3) {
                #expect(throws: ConsensusError.self) { try ConsensusOp(kind: kind, body: Bytes(body.prefix(length))) }
            }
        }
    }

    @Test func `two hundred electors certify like four, and one vote less is short`() throws {
        let assembly = Assembly(200)
        let question = Question(
            kind: .claim, owner: assembly.peer(0), subject: assembly.peer(0), about: assembly.opID(1),
            electorate: assembly.table.latestDigest)
        // floor(2 · 199 / 3) + 1
        let whole = assembly.certificate(question, .yes, by: Array(1...133))
        try whole.check(by: assembly.table.latest.electorate, in: assembly.network)
        let short = assembly.certificate(question, .yes, by: Array(1...132))
        #expect(throws: ConsensusError.shortCertificate(found: 132, needed: 133)) {
            try short.check(by: assembly.table.latest.electorate, in: assembly.network)
        }
        #expect(try Certificate(decoding: whole.encode()) == whole)
    }

    @Test func `an audit finds two certified answers that contradict each other`() throws {
        var assembly = Assembly(4)
        let question = try assembly.claim(0)
        var audit = CertificateAudit(genesis: assembly.genesis)
        let values = [Value(verdict: .accepted, numbers: [1], payload: [1]), Value(verdict: .rejected)]
        try audit.add(assembly.certificate(question, values[1], by: [1, 2, 3]))
        #expect(throws: ConsensusError.self) {
            try audit.add(assembly.certificate(question, values[0], by: [1, 2, 3]))
        }
        #expect(throws: ConsensusError.shortCertificate(found: 2, needed: 3)) {
            try audit.add(assembly.certificate(question, values[1], by: [1, 2]))
        }
        #expect(audit.count == 1)
    }
}
