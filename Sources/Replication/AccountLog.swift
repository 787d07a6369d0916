public import Identity
public import Wire

/// The log in which an author's votes and debits count.
///
/// Two logs with votes would allow a double spend without a fork, so there is one, and everybody knows which: the
/// first is derived from the author, each later one is named by a certificate.
public enum AccountLog {
    /// `first 8 bytes of H("shoal/account-log/1", network || peer || u64 0)`
    public static func first(of peer: PeerID, in network: NetworkID) -> LogID {
        let hash: Hash32 = blake2b256(
            domain: "shoal/account-log/1", network.bytes, peer.bytes, UInt64(0).bigEndianBytes)
        return LogID(hash.bytes.prefix(8))!
    }
}
