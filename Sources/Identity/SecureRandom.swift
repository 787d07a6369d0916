internal import CSodium
public import Wire

/// The keystream of ChaCha20: for numbers that nobody may guess from others of the same generator.
///
/// The same seed gives the same numbers on every machine. Privacy noise comes from here: whoever knows some of the
/// values it was added to sees the noise, and from ``Wire/Random`` could compute the rest.
public struct SecureRandom: RandomNumberGenerator, Sendable {
    public static let seedBytes = 32
    private static let blockBytes = 4_096

    private let key: Bytes
    private var block = Bytes(repeating: 0, count: blockBytes)
    private var at = blockBytes
    private var nonce: UInt64 = 0

    /// - Parameter seed: 32 bytes, used once: from the system's generator, or fixed in tests.
    public init(seed: Bytes) {
        ensureSodium()
        precondition(seed.count == SecureRandom.seedBytes, "a seed has 32 bytes")
        key = seed
    }

    public mutating func next() -> UInt64 {
        if at == block.count {
            crypto_stream_chacha20(&block, UInt64(block.count), nonce.bigEndianBytes, key)
            nonce += 1
            at = 0
        }
        let value = block.withUnsafeBytes {
            UInt64(littleEndian: $0.loadUnaligned(fromByteOffset: at, as: UInt64.self))
        }
        at += 8
        return value
    }
}
