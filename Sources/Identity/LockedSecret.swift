internal import CSodium
public import Wire

/// A secret under a passphrase: Argon2id (RFC 9106) makes the key, XSalsa20-Poly1305 hides and seals.
///
/// What the derivation costs stands beside it, so that later versions may ask for more.
public struct LockedSecret: Sendable, Equatable {
    /// 16 random bytes.
    public let salt: Bytes
    /// Passes over the memory.
    public let passes: UInt64
    public let memoryBytes: Int
    /// 24 bytes of nonce, then the sealed secret, 16 bytes longer than it was.
    public let sealed: Bytes

    /// What a file may ask of whoever opens it.
    public static let maxPasses: UInt64 = 64
    public static let maxMemoryBytes = 1 << 30
    /// A quarter of a second, and 64 MiB, which a small machine has.
    static let (usualPasses, usualMemoryBytes) = (3 as UInt64, 64 << 20)
    private static let (saltBytes, nonceBytes, macBytes) = (16, 24, 16)

    /// Nil for numbers out of range or bytes that cannot be such a secret.
    public init?(salt: Bytes, passes: UInt64, memoryBytes: Int, sealed: Bytes) {
        guard salt.count == Self.saltBytes, (1...Self.maxPasses).contains(passes),
            (8_192...Self.maxMemoryBytes).contains(memoryBytes), sealed.count > Self.nonceBytes + Self.macBytes
        else { return nil }
        self.salt = salt
        self.passes = passes
        self.memoryBytes = memoryBytes
        self.sealed = sealed
    }

    /// Locks a secret.
    ///
    /// - Parameter passphrase: any bytes; nil comes back when there is not enough memory.
    public init?(locking secret: Bytes, passphrase: Bytes) {
        ensureSodium()
        salt = secureRandomBytes(Self.saltBytes)
        passes = Self.usualPasses
        memoryBytes = Self.usualMemoryBytes
        guard let key = Self.key(passphrase, salt, passes, memoryBytes) else { return nil }
        let nonce = secureRandomBytes(Self.nonceBytes)
        var box = Bytes(repeating: 0, count: secret.count + Self.macBytes)
        guard crypto_secretbox_easy(&box, secret, UInt64(secret.count), nonce, key) == 0 else { return nil }
        sealed = nonce + box
    }

    /// The secret; nil for another passphrase, or if a byte was changed.
    public func open(passphrase: Bytes) -> Bytes? {
        ensureSodium()
        guard let key = Self.key(passphrase, salt, passes, memoryBytes) else { return nil }
        let (nonce, box) = (Bytes(sealed.prefix(Self.nonceBytes)), Bytes(sealed.dropFirst(Self.nonceBytes)))
        var secret = Bytes(repeating: 0, count: box.count - Self.macBytes)
        return crypto_secretbox_open_easy(&secret, box, UInt64(box.count), nonce, key) == 0 ? secret : nil
    }

    private static func key(_ passphrase: Bytes, _ salt: Bytes, _ passes: UInt64, _ memory: Int) -> Bytes? {
        var key = Bytes(repeating: 0, count: 32)
        let phrase = passphrase.map { CChar(bitPattern: $0) }
        let done = crypto_pwhash(
            &key, 32, phrase, UInt64(phrase.count), salt, passes, memory, crypto_pwhash_alg_argon2id13())
        return done == 0 ? key : nil
    }
}
