internal import Consensus
internal import Identity
internal import Membership
internal import Replication
internal import Wire

/// Who belongs.
extension StateFold {
    /// What an op changed about members.
    enum MemberChange: Sendable {
        case admitted(PeerID)
        case left(PeerID)
        case rotated(PeerID)
    }

    mutating func foldMember(
        _ op: Op, _ body: Bytes, at position: LogPosition, isRetracted: Bool = false
    ) throws(Invalid) -> MemberChange {
        let add = try decoded { () throws(MembershipError) in try MemberAdd(decoding: body) }
        members.apply(add, by: op.header.author, at: position, isRetracted: isRetracted)
        return .admitted(add.peer)
    }

    /// A site leaves by its own word; nobody is asked. What it did keeps its effect, and its vote lasts until a checkpoint
    /// is without it, so that its network can agree on that checkpoint.
    mutating func foldLeave(
        _ op: Op, _ body: Bytes, at position: LogPosition, isRetracted: Bool = false
    ) throws(Invalid) -> MemberChange {
        guard body == MemberLeave.body else { throw Invalid("invalid-body", "a member-leave has the body [1]") }
        members.leave(op.header.author, at: position, isRetracted: isRetracted)
        return .left(op.header.author)
    }

    /// A site goes on under another key. It says so in its account log, so that no log of it says otherwise: what follows
    /// there has this in its past, and pays nothing any more.
    mutating func foldRotation(
        _ op: Op, _ body: Bytes, at position: LogPosition, past: (LogPosition) -> Bool, isRetracted: Bool = false
    ) throws(Invalid) -> MemberChange {
        let author = op.header.author
        let rotation = try decoded { () throws(MembershipError) in try KeyRotation(decoding: body) }
        guard isRestoring || rotation.isProven(by: author, in: consensus.network) else {
            throw Invalid("forged-proof", "its successor has not signed that it is one")
        }
        guard consensus.accountLog(of: author, inPast: past) == op.header.log else {
            throw Invalid("not-account-log", "a key is passed on in its author's account log alone")
        }
        // One that belongs already may take the place of another: it has said so.
        guard rotation.successor != author, !members.hasLeft(rotation.successor, inPast: past) else {
            throw Invalid("has-left", "its successor has left the network, or is its author itself")
        }
        members.rotate(author, to: rotation.successor, by: op.id, at: position, isRetracted: isRetracted)
        return .rotated(author)
    }

    mutating func undo(_ change: MemberChange, at position: LogPosition) {
        switch change {
        case .admitted(let peer): members.retract(peer, at: position)
        case .left(let peer): members.retractLeave(of: peer, at: position)
        case .rotated(let peer): members.retractRotation(of: peer, at: position)
        }
    }
}
