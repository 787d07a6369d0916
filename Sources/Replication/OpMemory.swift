public import Identity
internal import Synchronization
public import Wire

/// The latest ops that were read and found good, by the bytes they came in: an op comes from many neighbours, and who
/// has read it once knows it by a comparison.
///
/// Only what ``Op/init(verifying:network:remembering:)`` has found good is remembered, so a hit says what that would say
/// again, whoever asks, and several nodes of one process may share a memory.
public final class OpMemory: Sendable {
    /// By which signatures are recognised where an op itself is not.
    public let signatures: SignatureMemory
    private let network: NetworkID
    private let limit: Int
    private let good = Mutex(Generations())

    private struct Generations {
        var young: [Envelope: Op] = [:]
        var old: [Envelope: Op] = [:]
    }

    private struct Envelope: Hashable {
        let bytes: Bytes

        func hash(into hasher: inout Hasher) {
            bytes.withUnsafeBytes { hasher.combine(bytes: $0) }
        }
    }

    /// - Parameter limit: at least so many ops are remembered, and at most twice as many; each costs at most what its
    ///   envelope and its body in it take, 11 KiB.
    public init(network: NetworkID, signatures: SignatureMemory, limit: Int) {
        self.network = network
        self.signatures = signatures
        self.limit = limit
    }

    /// Reads an op that comes from outside, see ``Op/init(verifying:network:remembering:)``.
    public func op(verifying envelope: Bytes) throws(OpError) -> Op {
        let name = Envelope(bytes: envelope)
        if let known = good.withLock({ $0.young[name] ?? $0.old[name] }) { return known }
        let op = try Op(verifying: envelope, network: network, remembering: signatures)
        good.withLock { good in
            good.young[name] = op
            guard good.young.count >= limit else { return }
            good.old = good.young
            good.young = [:]
        }
        return op
    }
}
