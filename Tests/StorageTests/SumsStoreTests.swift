import Consensus
import Identity
import Peer
import Replication
import Testing
import Wire

@testable import Storage

/// Certified sums, and the bodies for which they stand.
@Suite struct SumsStoreTests {
    private let bytes = Bytes("sums of a block".utf8)

    private func fresh() throws -> OpStore {
        try OpStore(try TestServer.connect(), schema: try TestServer.freshSchema().1, network: .zero)
    }

    /// Six deltas, the third and the sixth with a body of its own, and the sums of the first four.
    private func filled(watermark: UInt64? = 6) throws -> (OpStore, [StoredOp], BlockSums) {
        let store = try fresh()
        var log = OpLog()
        let ops = (1...6).map { log.next(applyIndex: $0, kind: .updateModelWeights) }
        try store.persist(StoreBatch(number: 1, ops: ops, signed: []))
        if let watermark { try store.write(StateSnapshot(watermark: watermark, models: [])) }
        let block = LogBlock(key: ops[0].op.header.logKey, after: 0, through: 4, id: ops[3].op.id)
        return (store, ops, try #require(BlockSums(block: block, of: bytes)))
    }

    @Test func `what was added up is served by its hash, and keeping it again changes nothing`() throws {
        let (store, _, sums) = try filled()
        #expect(try store.body(sums.parts[0]) == nil)
        try store.keep(sums, bytes: bytes)
        try store.keep(sums, bytes: bytes)
        #expect(try store.body(sums.parts[0]) == bytes)
        #expect(try store.summedBlocks() == [sums])
        #expect(try store.pinnedSums().isEmpty, "nothing is dropped yet")
    }

    @Test func `bodies of the block go, others stay, and a start is told what stands for them`() throws {
        let (store, ops, sums) = try filled()
        try store.keep(sums, bytes: bytes)
        #expect(try store.drop(sums) == ops[2].body!.count)
        #expect(try store.body(ops[2].op.header.bodyHash) == nil)
        #expect(try store.body(ops[5].op.header.bodyHash) == ops[5].body)
        #expect(try store.recover().sums == [sums])
        #expect(try store.missingBodies().isEmpty, "nobody misses them")
        let rebuilt = try store.recoverFromOps()
        #expect(rebuilt.parts == [sums.parts[0]: bytes] && rebuilt.snapshot == nil)
        let use = try store.diskUse()
        #expect(use.dropped == ops[2].body!.count && use.sums == bytes.count && use.bodies == ops[5].body!.count)
        #expect(try store.drop(sums) == 0, "again it drops nothing")
    }

    @Test(arguments: [nil, 3]) func `nothing goes that a start would have to fold again`(_ watermark: UInt64?) throws {
        let (store, ops, sums) = try filled(watermark: watermark)
        try store.keep(sums, bytes: bytes)
        #expect(try store.drop(sums) == nil)
        #expect(try store.body(ops[2].op.header.bodyHash) == ops[2].body)
        #expect(try store.pinnedSums().isEmpty)
    }

    @Test func `nothing goes without all parts of the sums`() throws {
        let (store, ops, sums) = try filled()
        #expect(storageError { _ = try store.drop(sums) }?.reason == .unexpectedData)
        #expect(
            storageError { try store.pin([sums], StateSnapshot(watermark: 0, models: [])) }?.reason == .unexpectedData)
        #expect(try store.body(ops[2].op.header.bodyHash) == ops[2].body)
        #expect(try store.pinnedSums().isEmpty && store.summedBlocks().isEmpty, "and nothing is half done")
        #expect(try store.recover().snapshot?.watermark == 6)
    }

    @Test func `fetched part by part, all sums stand for bodies at once, and what there is of these goes`() throws {
        let (store, ops, sums) = try filled()
        try store.keepPart(sums, 0, bytes)
        #expect(try store.pinnedSums().isEmpty)
        try store.pin([sums], StateSnapshot(watermark: 6, models: []))
        let recovered = try store.recover()
        #expect(recovered.sums == [sums] && recovered.snapshot?.watermark == 6)
        #expect(try store.body(ops[2].op.header.bodyHash) == nil && store.body(ops[5].op.header.bodyHash) != nil)
    }

    @Test func `parts that came again are not old, whatever else is cleared away`() throws {
        let (store, ops, sums) = try filled()
        try store.keepPart(sums, 0, bytes)
        try store.connection.query(
            "UPDATE \(store.schema).certified_sums SET found_at = now() - interval '2 days'")
        try store.keepPart(sums, 0, bytes)
        let block = LogBlock(key: sums.block.key, after: 4, through: 6, id: ops[5].op.id)
        let other = try #require(BlockSums(block: block, of: [1, 2, 3]))
        try store.keep(other, bytes: [1, 2, 3])
        try store.pin([sums], StateSnapshot(watermark: 6, models: []))
        #expect(try store.pinnedSums() == [sums])
    }

    @Test func `days count from when a certificate was first seen`() throws {
        let (store, _, sums) = try filled()
        try store.keep(sums, bytes: bytes)
        #expect(try store.droppable(afterDays: 0).isEmpty, "it is not certified")
        try store.noteCertified([sums])
        #expect(try store.droppable(afterDays: 0) == [sums] && store.droppable(afterDays: 1).isEmpty)
    }

    @Test(arguments: [nil, 3]) func `what a start would have to fold again is not due`(_ watermark: UInt64?) throws {
        let (store, _, sums) = try filled(watermark: watermark)
        try store.keep(sums, bytes: bytes)
        try store.noteCertified([sums])
        #expect(try store.droppable(afterDays: 0).isEmpty, "nobody asks for it in vain, again and again")
        try store.write(StateSnapshot(watermark: 4, models: []))
        #expect(try store.droppable(afterDays: 0) == [sums])
        _ = try store.drop(sums)
        #expect(try store.droppable(afterDays: 0).isEmpty)
    }
}
