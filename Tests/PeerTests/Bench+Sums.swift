import Consensus
import Federation
import Identity
import Replication
import Testing
import Wire

@testable import Peer

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

    /// Site 0 publishes a certificate of the sums of all that site 2 has trained, as it holds it.
    mutating func certifyDeltas() throws -> BlockSums {
        let key = try #require(nodes[2]!.ownLogKey)
        let last = try #require(nodes[0]!.countedDeltas(of: key).last)
        let id = try #require(nodes[0]!.replica.id(key, last))
        let found = addUp(LogBlock(key: key, after: 0, through: last, id: id), at: 0)
        let sums = try #require(found)
        let words = ConsensusOp.certificate(certificate(sums)).op
        guard case .done? = submit(words.kind, words.body, at: 0) else {
            preconditionFailure("the certificate has effect")
        }
        return sums
    }

    /// Site 2 takes back the last delta of a block.
    mutating func takeBack(_ sums: BlockSums) {
        let block = sums.block
        let range = Revocation.Range(log: block.key.log, from: block.through, through: block.through, id: block.id)
        guard case .done? = submit(.retraction, Retraction(range).encode(), at: 2) else {
            preconditionFailure("a site takes back what it trained")
        }
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
