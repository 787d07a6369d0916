internal import Synchronization
public import Wire

/// Signatures that were found good, so that none is checked twice: an op comes from many neighbours, and a vote once
/// more in the certificate that it brings about.
///
/// Only what the real check has found good is remembered, by a hash over key, signature and message; so a hit says
/// what that check would say again, whoever asks, and several nodes of one process may share a memory. A hit costs a
/// hash of the message, a hundredth of a check.
public final class SignatureMemory: Sendable {
    private let good: Mutex<RecentDigests>

    /// - Parameter limit: at least so many are remembered, and at most twice as many, at about 64 bytes each.
    public init(limit: Int) { good = Mutex(RecentDigests(limit: limit)) }

    /// Signatures that are remembered.
    public var count: Int { good.withLock { $0.count } }

    fileprivate func verify(_ signature: Bytes, of message: Bytes, by author: PeerID) -> Bool {
        // The others have a fixed length, so the borders are clear.
        guard signature.count == 64 else { return false }
        let digest: Hash32 = blake2b256(domain: "shoal/signed/1", author.bytes, signature, message)
        if good.withLock({ $0.contains(digest) }) { return true }
        guard Identity.verify(signature, of: message, by: author) else { return false }
        good.withLock { $0.insert(digest) }
        return true
    }
}

/// Checks a signature as ``verify(_:of:by:)`` does, unless a memory knows it to be good.
public func verify(
    _ signature: Bytes, of message: Bytes, by author: PeerID, remembering memory: SignatureMemory?
) -> Bool {
    memory?.verify(signature, of: message, by: author) ?? verify(signature, of: message, by: author)
}

/// The latest digests, first in first out; each is kept for at least `limit` and at most twice as many others.
struct RecentDigests: Sendable {
    let limit: Int
    private var young: Set<Hash32> = []
    private var old: Set<Hash32> = []

    init(limit: Int) { self.limit = limit }

    var count: Int { young.count + old.count }

    func contains(_ digest: Hash32) -> Bool { young.contains(digest) || old.contains(digest) }

    mutating func insert(_ digest: Hash32) {
        young.insert(digest)
        guard young.count >= limit else { return }
        old = young
        young = []
    }
}
