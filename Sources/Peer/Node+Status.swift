internal import Gossip
public import Identity
internal import Membership
internal import Replication
internal import Session
public import Wire

extension Node {
    /// Whether every op that came in is applied and durable.
    public var isQuiet: Bool {
        inFlight == nil && !replica.hasReady && submissions.isEmpty && replica.waitingCount == 0
            && pendingProofs.isEmpty && retraction == nil && openBatch == nil && state.isWhole
    }

    /// See `Link.credits`; nil without such a connection.
    package func credits(_ number: ConnectionNumber) -> (outstanding: Int, held: Int)? {
        connections[number].map(\.link.credits)
    }

    /// What this node knows of another site.
    public struct PeerStatus: Sendable, Equatable {
        public let id: PeerID
        public let name: String
        public let address: String?
        public let isConnected: Bool
        public let isMember: Bool
        /// It has said that it leaves, or goes on under another key.
        public let hasLeft: Bool
        public let successor: PeerID?
        /// Why it is shut out, if it ever was in this process.
        public let banned: String?
        public let roundTripMs: Double?
        public let ops: UInt64
        /// Frames of the present connection, bytes with their heads, without TLS; 0 without one.
        public let bytesSent: UInt64
        public let bytesReceived: UInt64
        /// It reported this node's own state at this node's own frontier, as far as both have got now.
        public let isInStep: Bool
    }

    /// Members and contacts without this node, ascending by id.
    public var status: [PeerStatus] {
        var ops: [PeerID: UInt64] = [:]
        for (key, head) in summary.frontier.heads { ops[key.author, default: 0] += head.seq }
        let members = Dictionary(uniqueKeysWithValues: state.members.members.map { ($0.peer, $0.name) })
        let all = Set(members.keys).union(contacts.keys).union(state.members.left).subtracting([identity.peerID])
        return all.sorted().map { peer in
            let link = established[peer].flatMap { connections[$0]?.link }
            return PeerStatus(
                id: peer, name: contacts[peer]?.contact.name ?? members[peer] ?? state.members.name(of: peer),
                address: contacts[peer]?.contact.address, isConnected: link != nil, isMember: members[peer] != nil,
                hasLeft: state.members.hasLeft(peer), successor: state.members.successor(of: peer),
                banned: banned[peer] == nil ? nil : "it sent what no correct node sends; see the log",
                roundTripMs: link?.roundTrip.map { Double($0.meanMs) }, ops: ops[peer] ?? 0,
                bytesSent: link?.metrics.bytesWritten ?? 0, bytesReceived: link?.metrics.bytesReceived ?? 0,
                isInStep: self.ops.isInStep(peer))
        }
    }
}
