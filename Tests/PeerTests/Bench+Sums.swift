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
}
