import Consensus
import Federation
import Identity
import Peer
import Replication
import Wire

extension Bench {
    /// What a shell does when a block is to be added up.
    mutating func addUp(_ block: LogBlock, at site: Int) -> BlockSums? {
        guard let work = nodes[site]?.work(of: block) else { return nil }
        var sums = work.sums
        for op in work.ops {
            let stored = stored[site].first { $0.op.id == op }!
            try! sums.add(body: stored.body ?? stored.op.header.inlineBody!)
        }
        let bytes = sums.encode()
        guard let found = BlockSums(block: block, of: bytes) else { return nil }
        for (index, hash) in found.parts.enumerated() { parts[site][hash] = BlockSums.part(index, of: bytes) }
        return found
    }

    /// What a store does when sums stand for bodies.
    mutating func dropBodies(_ sums: BlockSums, at site: Int) {
        pinned[site].append(sums)
        stored[site] = stored[site].map { stored in
            let header = stored.op.header
            guard header.kind == .updateModelWeights, header.logKey == sums.block.key, sums.block.contains(header.seq)
            else { return stored }
            return StoredOp(op: stored.op, body: nil, void: stored.void, applyIndex: stored.applyIndex)
        }
    }
}

extension Bench {
    /// A delta of 300 rows whose body does not fit inline.
    static func largeDelta(_ model: ModelID, seed: UInt64) -> Bytes {
        var random = Random(seed: seed)
        let values = (0..<300 * 16).map { _ in Int8(1 + random.below(120)) }
        let rows = RowBlock(
            indices: (0..<300).map { UInt32($0) }, shifts: Bytes(repeating: 8, count: 300), values: .int8(values))
        return Delta(model: model, round: seed, steps: 1, tokensSeen: 1, dense: .empty, rows: rows).body
    }
}
