internal import Consensus
internal import Federation
internal import Identity
internal import Peer
internal import Replication
internal import Wire

/// Adding up blocks, as a site's shell does.
extension World {
    mutating func addUp(_ block: LogBlock, at site: Int) -> BlockSums? {
        let database = sites[site].disk.database
        guard let work = sites[site].node?.work(of: block) else { return nil }
        var sums = work.sums
        do {
            for op in work.ops {
                guard let stored = database.op(op), let body = stored.body ?? stored.op.header.inlineBody else {
                    return nil
                }
                try sums.add(body: body)
            }
        } catch {
            preconditionFailure("what was merged can be added up: \(error)")
        }
        let bytes = sums.encode()
        guard let found = BlockSums(block: block, of: bytes) else { return nil }
        note("blocks added up")
        sites[site].disk.keep(found, bytes: bytes)
        return found
    }
}
