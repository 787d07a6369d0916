public import Identity
public import Membership
public import Wire

/// What the network has agreed on at one time: the clock, who votes next, by which numbers.
///
/// ```
/// [1, height, predecessor, seconds, policy, [member …]]      members ascending
/// digest = H("shoal/checkpoint/1", network || these bytes)
/// ```
/// Checkpoint 0 follows from the genesis. Each later one is the payload of the value that the electorate of the one
/// before has certified, so whoever holds the genesis and the chain of certificates knows all of them.
public struct Checkpoint: Sendable, Equatable {
    public let height: UInt64
    /// The digest of the checkpoint before; zero for the first.
    public let predecessor: Hash32
    /// Certified time: seconds since 1970; never less than before.
    public let seconds: UInt64
    public let policy: NetworkPolicy
    public let electorate: Electorate

    public init(
        height: UInt64, predecessor: Hash32, seconds: UInt64, policy: NetworkPolicy, electorate: Electorate
    ) {
        self.height = height
        self.predecessor = predecessor
        self.seconds = seconds
        self.policy = policy
        self.electorate = electorate
    }

    public init(genesis: Genesis) {
        self.init(
            height: 0, predecessor: .zero, seconds: min(genesis.createdSeconds, 1 << 53), policy: genesis.policy,
            electorate: Electorate(genesis.founders))
    }

    public func encode() -> Bytes {
        var encoder = CBOREncoder(reserving: 128 + electorate.members.count * 34)
        encoder.array(6)
        encoder.uint(1)
        encoder.uint(height)
        encoder.bytes(predecessor)
        encoder.uint(seconds)
        policy.encode(into: &encoder)
        encoder.array(electorate.members.count)
        for member in electorate.members { encoder.bytes(member) }
        return encoder.bytes
    }

    public init(decoding bytes: Bytes) throws(CBORError) {
        var decoder = CBORDecoder(bytes)
        try decoder.array(exactly: 6)
        guard try decoder.uint() == 1 else { throw .unexpected(at: 1, wanted: "version 1") }
        height = try decoder.uint(max: 1 << 53)
        predecessor = try decoder.id()
        seconds = try decoder.uint(max: 1 << 53)
        policy = try NetworkPolicy(from: &decoder)
        var members: [PeerID] = []
        for _ in 0..<(try decoder.array(max: Electorate.Limits.members)) {
            let start = decoder.position
            let member: PeerID = try decoder.id()
            guard members.last.map({ $0 < member }) ?? true else { throw .notCanonical(at: start) }
            members.append(member)
        }
        electorate = Electorate(members)
        try decoder.end()
    }

    public func digest(in network: NetworkID) -> Hash32 {
        blake2b256(domain: "shoal/checkpoint/1", network.bytes, encode())
    }

    /// The question for the checkpoint behind this one. Everybody knows it; nobody need ask.
    public func nextQuestion(in network: NetworkID) -> Question {
        var encoder = CBOREncoder()
        encoder.array(2)
        encoder.uint(1)
        encoder.uint(height + 1)
        return Question(kind: .checkpoint, owner: nil, fields: encoder.bytes, electorate: digest(in: network))
    }
}
