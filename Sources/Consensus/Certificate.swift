public import Identity
public import Wire

/// Proof that a quorum decided a question: about 66 bytes a vote, and one signature check a vote to believe it.
///
/// ```
/// [1, question, value, round, [[elector, signature] …]]      electors ascending by place
/// ```
/// Body of certificate ops and, for revocations, of member-revoke ops.
public struct Certificate: Hashable, Sendable {
    public struct Signature: Hashable, Sendable {
        /// The elector's place in the electorate.
        public let elector: Int
        /// 64 bytes.
        public let signature: Bytes

        public init(elector: Int, signature: Bytes) {
            self.elector = elector
            self.signature = signature
        }
    }

    public let question: Question
    public let value: Value
    public let round: UInt64
    public let signatures: [Signature]

    public init(question: Question, value: Value, round: UInt64, signatures: [Signature]) {
        self.question = question
        self.value = value
        self.round = round
        self.signatures = signatures.sorted { $0.elector < $1.elector }
    }

    public init(decoding bytes: Bytes) throws(CBORError) {
        var decoder = CBORDecoder(bytes)
        try decoder.array(exactly: 5)
        guard try decoder.uint() == 1 else { throw .unexpected(at: 1, wanted: "version 1") }
        question = try Question(decoding: try decoder.bytes(max: Question.Limits.bytes))
        value = try Value(decoding: try decoder.bytes(max: Value.Limits.bytes))
        round = try decoder.uint(max: Vote.rounds)
        var signatures: [Signature] = []
        for _ in 0..<(try decoder.array(max: Electorate.Limits.members)) {
            let start = decoder.position
            try decoder.array(exactly: 2)
            let elector = try decoder.count(max: Electorate.Limits.members - 1)
            guard signatures.last.map({ $0.elector < elector }) ?? true else { throw .notCanonical(at: start) }
            signatures.append(Signature(elector: elector, signature: try decoder.bytes(exactly: 64)))
        }
        self.signatures = signatures
        try decoder.end()
    }

    public func encode() -> Bytes {
        var encoder = CBOREncoder(reserving: 512 + value.payload.count + signatures.count * 70)
        encoder.array(5)
        encoder.uint(1)
        encoder.bytes(question.encode())
        encoder.bytes(value.encode())
        encoder.uint(round)
        encoder.array(signatures.count)
        for entry in signatures {
            encoder.array(2)
            encoder.uint(UInt64(entry.elector))
            encoder.bytes(entry.signature)
        }
        return encoder.bytes
    }

    /// Checks it against the electorate that the question names. Costs a signature check (about 0.1 ms) for each vote
    /// that `memory` does not know.
    ///
    /// - Throws: why it proves nothing.
    public func check(
        by electorate: Electorate, in network: NetworkID, remembering memory: SignatureMemory? = nil
    ) throws(ConsensusError) {
        let quorum = electorate.quorum(without: question.subject)
        guard signatures.count >= quorum else { throw .shortCertificate(found: signatures.count, needed: quorum) }
        let signed = Ballot(question: question.id(in: network), round: round, phase: .commit, value: value.hash)
            .signedBytes(in: network)
        for entry in signatures {
            guard entry.elector < electorate.members.count else { throw .notAnElector(entry.elector) }
            let elector = electorate.members[entry.elector]
            guard elector != question.subject else { throw .notAnElector(entry.elector) }
            guard verify(entry.signature, of: signed, by: elector, remembering: memory) else {
                throw .forgedVote(elector)
            }
        }
    }
}
