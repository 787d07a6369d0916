internal import Consensus
public import Identity
internal import Membership
internal import Replication
internal import Session
public import Wire

/// Leaving: a member says so in its own log, and stays until the others have heard and can do without its vote.
///
/// With three voting members a quorum is all three, so a site that went at once would take every later checkpoint with
/// it. It therefore goes on voting until a checkpoint has an electorate without it; nothing else is taken from it.
extension Node {
    /// How far this site has got with leaving.
    public struct Farewell: Sendable, Equatable {
        /// It has said that it leaves.
        public let hasLeft: Bool
        /// The network agrees on the next checkpoint with its vote.
        public let votes: Bool
        /// Others that have heard of it, durably, and need nothing more of it.
        public let releasedBy: Int
        /// The process may end, and need not run again.
        public let isDone: Bool
    }

    public var farewell: Farewell {
        let hasLeft = state.members.hasLeft(identity.peerID)
        let successors = state.members.successor(of: identity.peerID).map { state.members.contains($0) ? 1 : 0 } ?? 0
        let isAlone = state.members.count == successors
        return Farewell(
            hasLeft: hasLeft, votes: hasLeft && isElector(identity.peerID) && releasedBy.isEmpty,
            releasedBy: releasedBy.count,
            // If all others leave as well, nobody is there to say it; one that is alone with its next key needs its seat.
            isDone: hasLeft
                && (!releasedBy.isEmpty || (isAlone && (successors == 0 || !isElector(identity.peerID)))))
    }

    /// Who turned this site away, and with which words, ascending: it left, was revoked, or never belonged there.
    public var turnedAway: [(peer: PeerID, words: String)] {
        refusedBy.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    /// Whether a member votes on what is asked now.
    func isElector(_ peer: PeerID) -> Bool {
        state.hasVotes && state.consensus.latest.electorate.index(of: peer) != nil
    }

    /// Whether a peer is talked to. A listed contact may be a member that this node has not heard of yet: it is asked for
    /// its ops. Who has left is talked to for as long as its vote is needed: what is learned later is not for it.
    package func isWelcome(_ peer: PeerID) -> Bool {
        if state.members.hasLeft(peer) { return isElector(peer) }
        return state.members.contains(peer) || isListed(peer)
    }

    /// Whether a contact is dialled. One that has left is, for some time: it may be unable to dial, and wait for somebody to
    /// say that it can go.
    func isDialled(_ peer: PeerID) -> Bool {
        if isWelcome(peer) { return true }
        let isReplaced = state.members.successor(of: peer).map { established[$0] != nil } ?? false
        return state.members.hasLeft(peer) && !isReplaced && contacts[peer]!.farewells < NodeLimits.farewells
    }

    /// Whether this node may sign an op of a kind.
    func maySign(_ kind: OpKind) -> Bool {
        if state.members.contains(identity.peerID) { return true }
        return state.members.hasLeft(identity.peerID) && isElector(identity.peerID) && kind.mayFollowLeaving
    }

    /// Parts from members that have left, once what they were needed for is done.
    mutating func partFromThoseWhoLeft(now: Instant, _ effects: inout [Effect]) {
        // To be let go is to be told that it is durable.
        guard inFlight == nil, openBatch == nil else { return }
        for peer in state.members.left where !isWelcome(peer) {
            guard let number = established[peer] else { continue }
            end(number, .unknownMember, Self.youHaveLeft, now: now, &effects)
        }
    }

    static let youHaveLeft = "you have left this network"

    /// A peer ended a connection with a word about membership.
    mutating func turnedAway(by peer: PeerID, _ words: String) {
        if state.members.hasLeft(identity.peerID) { releasedBy.insert(peer) }
        if isListed(peer) || state.members.contains(peer) { refusedBy[peer] = words }
    }

    /// What is no business of a site that has left is not signed any more.
    mutating func refuseAfterLeaving(_ effects: inout [Effect]) {
        guard state.members.hasLeft(identity.peerID) else { return }
        let refused = submissions.filter { !maySign($0.kind) }
        guard !refused.isEmpty else { return }
        submissions = submissions.filter { maySign($0.kind) }
        for ticket in refused.compactMap(\.ticket) {
            effects.append(.submitted(ticket: ticket, .refused("sign: this site has left the network")))
        }
    }
}
