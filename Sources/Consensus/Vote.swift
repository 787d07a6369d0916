public import Identity
public import Wire

/// What one signature of an elector says. A vote travels as an op, and in certificates as the signature alone.
///
/// ```
/// signed = "shoal/vote/1" || network || question || u64 round || u8 phase || value hash
/// ```
public struct Ballot: Hashable, Sendable {
    /// What is prepared may be locked; what is committed by a quorum is decided.
    public enum Phase: UInt8, Sendable {
        case prepare = 1
        case commit = 2
    }

    public let question: QuestionID
    /// 0 for questions with an owner.
    public let round: UInt64
    public let phase: Phase
    /// Of the value's bytes.
    public let value: Hash32

    public init(question: QuestionID, round: UInt64, phase: Phase, value: Hash32) {
        self.question = question
        self.round = round
        self.phase = phase
        self.value = value
    }

    public func signedBytes(in network: NetworkID) -> Bytes {
        var bytes = Bytes("shoal/vote/1".utf8)
        bytes.reserveCapacity(128)
        network.append(to: &bytes)
        question.append(to: &bytes)
        round.append(to: &bytes)
        bytes.append(phase.rawValue)
        value.append(to: &bytes)
        return bytes
    }

    public func sign(in network: NetworkID, with key: KeyPair) -> Bytes { key.sign(signedBytes(in: network)) }

    public func isSigned(
        _ signature: Bytes, by peer: PeerID, in network: NetworkID, remembering memory: SignatureMemory? = nil
    ) -> Bool {
        verify(signature, of: signedBytes(in: network), by: peer, remembering: memory)
    }
}

/// Body of a vote op: `[1, question, round, phase, value hash, signature]`.
public struct Vote: Hashable, Sendable {
    /// Rounds that a vote can name: each takes longer than the one before.
    public static let rounds: UInt64 = 1 << 20

    public let ballot: Ballot
    /// 64 bytes.
    public let signature: Bytes

    public init(_ ballot: Ballot, in network: NetworkID, with key: KeyPair) {
        self.ballot = ballot
        signature = ballot.sign(in: network, with: key)
    }

    public init(decoding bytes: Bytes) throws(CBORError) {
        var decoder = CBORDecoder(bytes)
        try decoder.array(exactly: 6)
        guard try decoder.uint() == 1 else { throw .unexpected(at: 1, wanted: "version 1") }
        ballot = try Ballot(&decoder)
        signature = try decoder.bytes(exactly: 64)
        try decoder.end()
    }

    public func encode() -> Bytes {
        var encoder = CBOREncoder(reserving: 160)
        encoder.array(6)
        encoder.uint(1)
        ballot.encode(into: &encoder)
        encoder.bytes(signature)
        return encoder.bytes
    }
}

extension Ballot {
    func encode(into encoder: inout CBOREncoder) {
        encoder.bytes(question)
        encoder.uint(round)
        encoder.uint(UInt64(phase.rawValue))
        encoder.bytes(value)
    }

    init(_ decoder: inout CBORDecoder) throws(CBORError) {
        question = try decoder.id()
        round = try decoder.uint(max: Vote.rounds)
        let start = decoder.position
        guard let phase = Phase(rawValue: UInt8(try decoder.uint(max: 255))) else {
            throw .outOfRange(at: start, what: "no phase")
        }
        self.phase = phase
        value = try decoder.id()
    }
}

/// Body of an equivocation op: two votes of one elector that exclude each other, which proves by itself that it lies.
///
/// ```
/// [1, author, question, round, phase, value, signature, other value, signature]      value < other value
/// ```
public struct DoubleVote: Hashable, Sendable {
    public let author: PeerID
    public let first: Vote
    public let second: Vote

    /// Nil unless the two exclude each other.
    public init?(author: PeerID, _ one: Vote, _ other: Vote) {
        let (a, b) = (one.ballot, other.ballot)
        guard a.question == b.question, a.round == b.round, a.phase == b.phase, a.value != b.value else { return nil }
        self.author = author
        (first, second) = a.value < b.value ? (one, other) : (other, one)
    }

    public func isProof(in network: NetworkID) -> Bool {
        first.ballot.isSigned(first.signature, by: author, in: network)
            && second.ballot.isSigned(second.signature, by: author, in: network)
    }

    public init(decoding bytes: Bytes) throws(CBORError) {
        var decoder = CBORDecoder(bytes)
        try decoder.array(exactly: 9)
        guard try decoder.uint() == 1 else { throw .unexpected(at: 1, wanted: "version 1") }
        author = try decoder.id()
        let ballot = try Ballot(&decoder)
        first = Vote(ballot: ballot, signature: try decoder.bytes(exactly: 64))
        let start = decoder.position
        let value: Hash32 = try decoder.id()
        guard ballot.value < value else { throw .outOfRange(at: start, what: "values in the wrong order") }
        second = Vote(
            ballot: Ballot(question: ballot.question, round: ballot.round, phase: ballot.phase, value: value),
            signature: try decoder.bytes(exactly: 64))
        try decoder.end()
    }

    public func encode() -> Bytes {
        var encoder = CBOREncoder(reserving: 320)
        encoder.array(9)
        encoder.uint(1)
        encoder.bytes(author.bytes)
        first.ballot.encode(into: &encoder)
        encoder.bytes(first.signature)
        encoder.bytes(second.ballot.value)
        encoder.bytes(second.signature)
        return encoder.bytes
    }
}

extension Vote {
    public init(ballot: Ballot, signature: Bytes) {
        self.ballot = ballot
        self.signature = signature
    }
}
