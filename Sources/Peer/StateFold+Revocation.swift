internal import Consensus
internal import Identity
internal import Membership
internal import Replication
internal import Wire

/// Subtracting deltas without a fork: their ops keep their places, and their effect is taken out of the sums.
extension StateFold {
    /// What is revoked came into force, or lost it.
    mutating func revocationChanged(_ revocation: Revocation) {
        members.setRevoked(revocation.peer, consensus.isRevoked(revocation.peer))
    }
}
