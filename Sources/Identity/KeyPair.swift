internal import CSodium
public import Wire

/// A node's identity: an Ed25519 key pair (RFC 8032) through libsodium.
public struct KeyPair: Sendable, Equatable {
    /// The 32 secret bytes from which everything follows.
    public let seed: Bytes
    public let peerID: PeerID
    private let secretKey: Bytes

    /// - Parameter seed: exactly 32 secret bytes.
    public init(seed: Bytes) {
        precondition(seed.count == 32, "an Ed25519 seed has 32 bytes")
        ensureSodium()
        var publicKey = Bytes(repeating: 0, count: 32)
        var secretKey = Bytes(repeating: 0, count: 64)
        crypto_sign_seed_keypair(&publicKey, &secretKey, seed)
        self.seed = seed
        self.secretKey = secretKey
        peerID = PeerID(publicKey)!
    }

    /// A new key from the system's random source.
    public static func generate() -> KeyPair { KeyPair(seed: secureRandomBytes(32)) }

    /// A detached 64-byte signature; the same message always gives the same one.
    public func sign(_ message: Bytes) -> Bytes {
        var signature = Bytes(repeating: 0, count: 64)
        crypto_sign_detached(&signature, nil, message, UInt64(message.count), secretKey)
        return signature
    }
}

/// The one verifier: libsodium's `crypto_sign_verify_detached`, which refuses small-order keys,
/// non-canonical R and S (vectors: Tests/IdentityTests). Costs about 0.1 ms.
public func verify(_ signature: Bytes, of message: Bytes, by author: PeerID) -> Bool {
    guard signature.count == 64 else { return false }
    ensureSodium()
    return crypto_sign_verify_detached(signature, message, UInt64(message.count), author.bytes) == 0
}

/// Bytes for keys, log names and secrets, from the operating system.
public func secureRandomBytes(_ count: Int) -> Bytes {
    ensureSodium()
    var bytes = Bytes(repeating: 0, count: count)
    randombytes_buf(&bytes, count)
    return bytes
}
