internal import Consensus

/// What a node that keeps no bodies for ever does about each certified block when it looks. No I/O: the caller adds up,
/// drops and warns.
struct RetentionLook {
    enum Action: Equatable {
        /// It was no elector in it, or has forgotten: from now on the days of the block count.
        case addUp(BlockSums)
        /// Add it up once more; drop its bodies if that comes to the same.
        case examine(BlockSums)
        /// The node does without these bodies already; the store has them still.
        case drop(BlockSums)
        /// A quorum certified other sums than the bodies here have.
        case warn(BlockSums)
    }
    /// An alarm is told once.
    private var warned: Set<LogBlock> = []

    /// - Parameters:
    ///   - droppable: certified sums in force whose bodies are here.
    ///   - pinned: sums that stand for bodies.
    ///   - own: what this node found when it added up.
    ///   - due: what the store can drop by now, because it was certified long enough.
    mutating func actions(
        droppable: [BlockSums], pinned: [BlockSums], own: [LogBlock: BlockSums], due: [BlockSums]
    ) -> [Action] {
        var actions: [Action] = []
        for sums in droppable {
            guard let found = own[sums.block] else {
                actions.append(.addUp(sums))
                continue
            }
            if found != sums { actions += warn(sums) }
        }
        for sums in due {
            if pinned.contains(sums) {
                actions.append(.drop(sums))
            } else if droppable.contains(sums) {
                actions.append(.examine(sums))
            }
        }
        return actions
    }

    /// What was added up for an action.
    mutating func found(_ found: BlockSums?, for sums: BlockSums, isDue: Bool) -> [Action] {
        // A body that is not here yet is no alarm.
        guard let found else { return [] }
        guard found == sums else { return warn(sums) }
        return isDue ? [.drop(sums)] : []
    }

    private mutating func warn(_ sums: BlockSums) -> [Action] {
        warned.insert(sums.block).inserted ? [.warn(sums)] : []
    }
}
