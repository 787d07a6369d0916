import Consensus
import Identity
import Membership
import Replication
import Wire

/// Members of a test network, and a table that hears what they say: one log each, everything in everybody's past
/// unless a test says otherwise.
struct Assembly {
    let keys: [KeyPair]
    let genesis: Genesis
    var table: ConsensusTable
    private var seqs: [Int: UInt64] = [:]
    private var ops: UInt64 = 0

    init(_ count: Int) {
        keys = (0..<count).map { KeyPair(seed: Bytes(repeating: UInt8($0 + 1), count: 32)) }
            .sorted { $0.peerID < $1.peerID }
        genesis = try! Genesis(
            name: "ward", createdSeconds: 1_000, salt: Bytes(repeating: 4, count: 16),
            vocabularyKey: Bytes(repeating: 9, count: 32), founders: keys.map(\.peerID))
        table = ConsensusTable(genesis: genesis)
    }

    var network: NetworkID { genesis.networkID }
    func peer(_ index: Int) -> PeerID { keys[index].peerID }
    func log(_ index: Int) -> LogKey { LogKey(author: peer(index), log: table.accountLog(of: peer(index))) }

    /// Where the next op of a member stands.
    mutating func place(
        _ author: Int, log: LogID? = nil, isRetracted: Bool = false,
        past: @escaping (LogPosition) -> Bool = { _ in true }
    ) -> ConsensusTable.Place {
        ops += 1
        seqs[author, default: 0] += 1
        return .init(
            id: opID(ops), key: LogKey(author: peer(author), log: log ?? self.log(author).log),
            position: LogPosition(log: author, seq: seqs[author]!), isRetracted: isRetracted, past: past)
    }

    func opID(_ number: UInt64) -> OpID { OpID(Bytes(repeating: 0, count: 24) + number.bigEndianBytes)! }

    @discardableResult
    mutating func say(_ author: Int, _ op: ConsensusOp) throws(ConsensusError) -> ConsensusTable.Change {
        try table.apply(op, at: place(author))
    }

    /// A claim by a member, noted, and the question about it.
    mutating func claim(_ owner: Int, kind: OpKind = .claim, question: QuestionKind = .claim, fields: Bytes = [])
        throws(ConsensusError) -> Question
    {
        let place = place(owner)
        table.note(subject: place.id, kind: kind, author: peer(owner), at: place.position)
        let question = Question(
            kind: question, owner: peer(owner), subject: peer(owner), about: place.id, fields: fields,
            electorate: table.latestDigest)
        try say(owner, .question(question))
        return question
    }

    /// Signatures of these members on a value.
    func certificate(
        _ question: Question, _ value: Value, by voters: [Int], round: UInt64 = 0, signedFor other: Value? = nil
    ) -> Certificate {
        let ballot = Ballot(
            question: question.id(in: network), round: round, phase: .commit, value: (other ?? value).hash)
        return Certificate(
            question: question, value: value, round: round,
            signatures: voters.map { .init(elector: $0, signature: ballot.sign(in: network, with: keys[$0])) })
    }

    func vote(
        _ voter: Int, _ question: Question, _ value: Value, round: UInt64 = 0, phase: Ballot.Phase = .commit
    ) -> Vote {
        Vote(
            Ballot(question: question.id(in: network), round: round, phase: phase, value: value.hash), in: network,
            with: keys[voter])
    }
}
