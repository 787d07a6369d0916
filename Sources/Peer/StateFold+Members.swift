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

    mutating func undo(_ change: MemberChange, at position: LogPosition) {
        switch change {
        case .admitted(let peer): members.retract(peer, at: position)
        case .left(let peer): members.retractLeave(of: peer, at: position)
        }
    }
}
