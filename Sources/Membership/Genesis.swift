public import Identity
public import Wire

/// The founding document of a network: what every member agrees on before the first op.
///
/// ```
/// [2, name, created_s, salt: 16 B, vocabulary_commitment: 32 B, policy, founders: [peer ids, ascending]]
/// ```
/// The network id is the hash of these bytes, so two networks never share an id by accident and
/// nobody can change a founder afterwards.
public struct Genesis: Sendable, Equatable {
    /// Bounds of what is accepted, all inclusive.
    public enum Limits {
        public static let nameBytes = 64
        public static let founders = 256
    }

    /// 2; 1 for networks that were founded before there were votes.
    public let version: UInt64
    public let name: String
    /// Seconds since 1970, as the founder's clock said; informative.
    public let createdSeconds: UInt64
    public let salt: Bytes
    /// Hash of the secret vocabulary key: a member can tell that it was given the right one.
    public let vocabularyCommitment: Hash32
    public let policy: NetworkPolicy
    /// In ascending order, without repetition.
    public let founders: [PeerID]

    public init(
        name: String, createdSeconds: UInt64, salt: Bytes, vocabularyKey: Bytes, founders: [PeerID],
        policy: NetworkPolicy = .standard
    ) throws(MembershipError) {
        let sorted = Array(Set(founders)).sorted()
        try Self.check(name: name, founders: sorted)
        guard salt.count == 16 else { throw .invalidGenesis("the salt has \(salt.count) bytes, not 16") }
        version = 2
        self.name = name
        self.createdSeconds = createdSeconds
        self.salt = salt
        vocabularyCommitment = Self.commitment(to: vocabularyKey)
        self.policy = policy
        self.founders = sorted
    }

    public static func commitment(to vocabularyKey: Bytes) -> Hash32 {
        blake2b256(domain: "shoal/vocabulary-key/1", vocabularyKey)
    }

    private static func check(name: String, founders: [PeerID]) throws(MembershipError) {
        guard (1...Limits.nameBytes).contains(name.utf8.count), !name.utf8.contains(where: { $0 < 0x21 || $0 == 0x7F })
        else {
            throw .invalidGenesis("a network name has 1 to \(Limits.nameBytes) bytes without spaces")
        }
        guard (1...Limits.founders).contains(founders.count) else {
            throw .invalidGenesis("a network has 1 to \(Limits.founders) founders, not \(founders.count)")
        }
    }

    public func encode() -> Bytes {
        var encoder = CBOREncoder()
        encoder.array(7)
        encoder.uint(version)
        encoder.text(name)
        encoder.uint(createdSeconds)
        encoder.bytes(salt)
        encoder.bytes(vocabularyCommitment.bytes)
        if version == 1 {
            encoder.array(1)
            encoder.uint(policy.foldVersion)
        } else {
            policy.encode(into: &encoder)
        }
        encoder.array(founders.count)
        for founder in founders { encoder.bytes(founder.bytes) }
        return encoder.bytes
    }

    /// Reads the canonical form and nothing else.
    public init(decoding bytes: Bytes) throws(MembershipError) {
        do {
            var decoder = CBORDecoder(bytes)
            try decoder.array(exactly: 7)
            version = try decoder.uint()
            guard (1...2).contains(version) else { throw MembershipError.invalidGenesis("unknown version") }
            name = try decoder.text(max: Limits.nameBytes)
            createdSeconds = try decoder.uint()
            salt = try decoder.bytes(exactly: 16)
            vocabularyCommitment = try decoder.id()
            policy = try Self.policy(version, &decoder)
            let count = try decoder.array(max: Limits.founders)
            var founders: [PeerID] = []
            for _ in 0..<count {
                let founder: PeerID = try decoder.id()
                guard founders.last.map({ $0 < founder }) ?? true else {
                    throw MembershipError.invalidGenesis("founders are not in ascending order")
                }
                founders.append(founder)
            }
            self.founders = founders
            try decoder.end()
        } catch let error as MembershipError {
            throw error
        } catch {
            throw .invalidGenesis("\(error)")
        }
        guard version == 1 ? policy.foldVersion == 1 : (2...NetworkPolicy.latestFold).contains(policy.foldVersion)
        else {
            throw .invalidGenesis("fold version \(policy.foldVersion) needs a newer shoal")
        }
        try Self.check(name: name, founders: founders)
    }

    private static func policy(_ version: UInt64, _ decoder: inout CBORDecoder) throws -> NetworkPolicy {
        guard version == 1 else { return try NetworkPolicy(from: &decoder) }
        try decoder.array(exactly: 1)
        var policy = NetworkPolicy.first
        policy.foldVersion = try decoder.uint()
        return policy
    }

    public var networkID: NetworkID { blake2b256(domain: "shoal/network/1", encode()) }
}

/// Why something about membership is refused.
public enum MembershipError: Error, Equatable, Sendable, CustomStringConvertible {
    case invalidGenesis(String)
    case invalidMemberAdd(String)
    case invalidKeyRotation(String)

    public var description: String {
        switch self {
        case .invalidGenesis(let why): "the network's genesis is not valid: \(why)"
        case .invalidMemberAdd(let why): "the member-add is not valid: \(why)"
        case .invalidKeyRotation(let why): "the rotate-key is not valid: \(why)"
        }
    }
}
