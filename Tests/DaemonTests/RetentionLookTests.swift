import Consensus
import Identity
import Replication
import Testing
import Wire

@testable import Daemon

/// Which bodies a node drops, and when it warns.
@Suite struct RetentionLookTests {
    /// Certified sums of the first block of a log, and other sums of the same block.
    private func sums(log: UInt8 = 1, bytes: Bytes = [1]) -> BlockSums {
        let key = LogKey(
            author: PeerID(Bytes(repeating: log, count: 32))!, log: LogID(rawValue: UInt64(log)))
        let block = LogBlock(key: key, after: 0, through: 4, id: OpID(Bytes(repeating: log, count: 32))!)
        return BlockSums(block: block, of: bytes)!
    }

    @Test func `a block that was never added up here is, and nothing else happens to it`() {
        var look = RetentionLook()
        let sums = sums()
        #expect(look.actions(droppable: [sums], pinned: [], own: [:], due: []) == [.addUp(sums)])
        #expect(look.found(sums, for: sums, isDue: false) == [])
        #expect(look.actions(droppable: [sums], pinned: [], own: [sums.block: sums], due: []) == [])
    }

    @Test func `a block that is due is added up again, and dropped if that comes to the same`() {
        var look = RetentionLook()
        let sums = sums()
        let actions = look.actions(droppable: [sums], pinned: [], own: [sums.block: sums], due: [sums])
        #expect(actions == [.examine(sums)])
        #expect(look.found(nil, for: sums, isDue: true) == [], "a body is not here yet")
        #expect(look.found(sums, for: sums, isDue: true) == [.drop(sums)])
    }

    @Test func `other sums than its own are an alarm, told once, and the bodies stay`() {
        let (certified, mine) = (sums(), sums(bytes: [2]))
        var look = RetentionLook()
        #expect(look.found(mine, for: certified, isDue: true) == [.warn(certified)])
        #expect(look.found(mine, for: certified, isDue: true) == [])
        // It is seen though nothing is due: the store counts the days of its own sums alone.
        look = RetentionLook()
        let own = [certified.block: mine]
        #expect(look.actions(droppable: [certified], pinned: [], own: own, due: []) == [.warn(certified)])
        #expect(look.actions(droppable: [certified], pinned: [], own: own, due: []) == [])
    }

    @Test func `what the node does without is dropped when the store can, and what it lost sight of is left alone`() {
        var look = RetentionLook()
        let (held, gone) = (sums(log: 1), sums(log: 2))
        let actions = look.actions(droppable: [], pinned: [held], own: [:], due: [held, gone])
        #expect(actions == [.drop(held)])
        #expect(look.actions(droppable: [], pinned: [held], own: [:], due: []) == [], "not again")
    }
}
