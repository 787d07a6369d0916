public import Identity
public import Wire

/// Body of a rotate-key op: `[1, successor, proof]`. Its author says that it goes on as the peer `successor`, and that
/// peer says so too.
///
/// ```
/// proof = Ed25519(successor, "shoal/rotate-key/1" || network_id || author || successor)
/// ```
/// Without the proof a member could make its vote and its name those of somebody who has not asked for them.
public struct KeyRotation: Sendable, Equatable {
    public let successor: PeerID
    public let proof: Bytes

    /// What the new key signs.
    private static func statement(_ author: PeerID, _ successor: PeerID, _ network: NetworkID) -> Bytes {
        Bytes("shoal/rotate-key/1".utf8) + network.bytes + author.bytes + successor.bytes
    }

    public init(of author: PeerID, to key: KeyPair, in network: NetworkID) {
        successor = key.peerID
        proof = key.sign(Self.statement(author, key.peerID, network))
    }

    public init(decoding bytes: Bytes) throws(MembershipError) {
        do {
            var decoder = CBORDecoder(bytes)
            try decoder.array(exactly: 3)
            guard try decoder.uint() == 1 else { throw CBORError.unexpected(at: 1, wanted: "version 1") }
            successor = try decoder.id()
            proof = try decoder.bytes(exactly: 64)
            try decoder.end()
        } catch {
            throw .invalidKeyRotation("\(error)")
        }
    }

    public func encode() -> Bytes {
        var encoder = CBOREncoder()
        encoder.array(3)
        encoder.uint(1)
        encoder.bytes(successor.bytes)
        encoder.bytes(proof)
        return encoder.bytes
    }

    /// Whether the new key agrees. Costs one signature check.
    public func isProven(by author: PeerID, in network: NetworkID) -> Bool {
        verify(proof, of: Self.statement(author, successor, network), by: successor)
    }
}
