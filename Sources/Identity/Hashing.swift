internal import CSodium
public import Wire

public enum PeerTag {}
public enum OpTag {}
public enum NetworkTag {}
public enum HashTag {}

/// A node's Ed25519 public key.
public typealias PeerID = ID32<PeerTag>
/// The hash of an op's Sig_structure (protocol §3).
public typealias OpID = ID32<OpTag>
/// A model is named by the op that created it.
public typealias ModelID = OpID
/// The hash of a network's genesis.
public typealias NetworkID = ID32<NetworkTag>
/// A BLAKE2b-256 digest of something else.
public typealias Hash32 = ID32<HashTag>

/// Makes libsodium ready; safe to call from any thread, any number of times.
@inline(__always) func ensureSodium() {
    _ = sodiumReady
}
private let sodiumReady: Bool = {
    precondition(sodium_init() >= 0, "libsodium cannot start")
    return true
}()

/// libsodium's state is opaque to Swift and wants 64-byte alignment.
private func newHashState() -> UnsafeMutableRawPointer {
    .allocate(byteCount: crypto_generichash_statebytes(), alignment: 64)
}

/// BLAKE2b with a 32-byte result, fed piece by piece.
public struct Hasher32: ~Copyable {
    private let state: UnsafeMutableRawPointer

    /// `domain` separates the uses of the hash: it goes in first, with its length.
    public init(domain: String) {
        ensureSodium()
        state = newHashState()
        crypto_generichash_init(OpaquePointer(state), nil, 0, 32)
        withUnsafeBytes(of: UInt32(domain.utf8.count).bigEndian) { update(raw: $0) }
        var domain = domain
        domain.withUTF8 { update(raw: UnsafeRawBufferPointer($0)) }
    }

    public mutating func update(_ bytes: Bytes) { bytes.withUnsafeBytes { update(raw: $0) } }

    public mutating func update(_ bytes: ArraySlice<UInt8>) { bytes.withUnsafeBytes { update(raw: $0) } }

    public mutating func update(raw buffer: UnsafeRawBufferPointer) {
        _ = crypto_generichash_update(
            OpaquePointer(state), buffer.baseAddress?.assumingMemoryBound(to: UInt8.self), UInt64(buffer.count))
    }

    @inlinable public consuming func finish<Tag>() -> ID32<Tag> {
        withUnsafeTemporaryAllocation(byteCount: 32, alignment: 8) { digest in
            finish(into: digest)
            return ID32(raw: UnsafeRawBufferPointer(digest))
        }
    }

    @usableFromInline func finish(into digest: UnsafeMutableRawBufferPointer) {
        crypto_generichash_final(
            OpaquePointer(state), digest.baseAddress!.assumingMemoryBound(to: UInt8.self), digest.count)
    }

    deinit { state.deallocate() }
}

/// BLAKE2b-256 over `domain` (length-prefixed) and the parts in order.
///
/// The parts are concatenated: a caller that needs their borders hashes lengths as well.
@inlinable public func blake2b256<Tag>(domain: String, _ parts: Bytes...) -> ID32<Tag> {
    var hasher = Hasher32(domain: domain)
    for part in parts { hasher.update(part) }
    return hasher.finish()
}

/// BLAKE2b-128 keyed with `key` (16-64 bytes) over the concatenated parts.
public func blake2b128(key: Bytes, _ parts: Bytes...) -> UInt128 {
    ensureSodium()
    precondition((16...64).contains(key.count), "a BLAKE2b key has 16 to 64 bytes")
    let message = parts.count == 1 ? parts[0] : Bytes(parts.joined())
    var digest = Bytes(repeating: 0, count: 16)
    crypto_generichash(&digest, 16, message, UInt64(message.count), key, key.count)
    return UInt128(bigEndianBytes: digest)!
}
