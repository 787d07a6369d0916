internal import Identity
internal import Membership
internal import Replication
internal import Wire

/// Who belongs.
extension StateFold {
    /// What an op changed about members.
    enum MemberChange: Sendable {
        case admitted(PeerID)
    }

    mutating func foldMember(
        _ op: Op, _ body: Bytes, at position: LogPosition, isRetracted: Bool = false
    ) throws(Invalid) -> MemberChange {
        let add = try decoded { () throws(MembershipError) in try MemberAdd(decoding: body) }
        members.apply(add, by: op.header.author, at: position, isRetracted: isRetracted)
        return .admitted(add.peer)
    }

    mutating func undo(_ change: MemberChange, at position: LogPosition) {
        switch change {
        case .admitted(let peer): members.retract(peer, at: position)
        }
    }
}
