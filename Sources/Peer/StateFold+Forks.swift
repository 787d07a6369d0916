internal import Federation
internal import Identity
internal import Membership
internal import Replication
internal import Rules
internal import Wire

/// Taking back what a forked log did, exactly: sums of integers lose nothing by a subtraction (protocol §6).
extension StateFold {
    /// What one op did.
    struct Change: Sendable {
        enum What: Sendable {
            case member(MemberChange)
            case model(ModelChange)
            case consensus(ConsensusChange)
            case pattern
            /// Of this author's deltas.
            case retraction(PeerID)
        }
        let seq: UInt64
        let what: What
    }

    /// Where the next thing to undo stands, and whether undoing it needs the op's body.
    struct Undo: Sendable, Equatable {
        let seq: UInt64
        let needsBody: Bool
    }

    /// The latest thing that a line did at `seq` or after; nil when all is undone.
    func lastChange(of line: Int, from seq: UInt64) -> Undo? {
        guard let last = changes[line]?.last, last.seq >= seq else { return nil }
        if case .model(.merged(counts: true)) = last.what { return Undo(seq: last.seq, needsBody: true) }
        return Undo(seq: last.seq, needsBody: false)
    }

    /// Undoes the latest thing that a line did.
    ///
    /// - Parameter body: of the op, where it needs one; nil when its delta is not in these accumulators.
    /// - Throws: ``FederationError`` for a body that is not the one that was merged.
    mutating func undoLast(of line: Int, key: LogKey, body: Bytes?) throws {
        guard let last = changes[line]?.popLast() else { return }
        switch last.what {
        case .member(let change): undo(change, at: LogPosition(log: line, seq: last.seq))
        case .model(let change): try undo(change, key: key, body: body)
        case .consensus(let change): undo(change, at: LogPosition(log: line, seq: last.seq))
        case .pattern: patterns.retract(at: LogPosition(log: line, seq: last.seq))
        case .retraction(let author): undoRetraction(by: author, at: LogPosition(log: line, seq: last.seq))
        }
    }
}

extension VoidReason {
    /// Of an op beyond a proven fork of its log.
    public static let forked = VoidReason(code: "forked", detail: "its log forks here or before")
}
