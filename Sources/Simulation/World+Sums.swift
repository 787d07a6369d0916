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

    /// A site looks for bodies to drop, as often as it likes: a day is nothing here.
    mutating func retain() throws(Violation) {
        if !isHealed { queue.schedule(.retain, at: now + 500 + UInt64(random.below(3_000))) }
        guard options.absentee == nil else {
            // Who was away for long is to find nothing.
            for site in sites.indices { try drop(sites[site].node?.droppable ?? [], at: site) }
            return
        }
        let site = random.below(sites.count)
        guard let droppable = sites[site].node?.droppable, !droppable.isEmpty else { return }
        try drop([droppable[random.below(droppable.count)]], at: site)
    }

    private mutating func drop(_ certified: [BlockSums], at site: Int) throws(Violation) {
        for sums in certified {
            // What a quorum certified is what the site finds itself: an honest elector is in every quorum.
            guard let found = addUp(sums.block, at: site) else { continue }
            guard found == sums else {
                throw Violation(
                    .stateIsFold, "site \(site) finds other sums than were certified, up to \(sums.block.through)")
            }
            try perform(.drop(sums), at: site)
        }
    }

    /// The body of an op, wherever one is kept.
    func body(of stored: StoredOp) -> Bytes? {
        if let body = stored.body ?? stored.op.header.inlineBody { return body }
        return sites.lazy.compactMap { $0.disk.database.body(stored.op.header.bodyHash) }.first
    }

    /// Folds a site's ops from scratch, with bodies of others where it has dropped its own.
    mutating func refold(_ site: Int, through durable: UInt64) throws(Violation) {
        let disk = sites[site].disk
        var ops: [StoredOp] = []
        for stored in disk.ops where stored.applyIndex <= durable {
            let isDelta = stored.op.header.kind == .updateModelWeights && stored.void != .forked
            guard let body = body(of: stored) else {
                if isDelta, disk.lacksBody(stored) { return note("bodies are nowhere any more") }
                ops.append(stored)
                continue
            }
            let separate = stored.op.header.inlineBody == nil && (stored.body != nil || disk.lacksBody(stored))
            ops.append(
                StoredOp(op: stored.op, body: separate ? body : nil, void: stored.void, applyIndex: stored.applyIndex))
        }
        try RefoldCheck.check(
            ops, forks: disk.forks.filter { $0.applyIndex <= durable }, against: sites[site].node!,
            genesis: genesis, signatures: memory.signatures, random: &random, site: site,
            isUnjudged: { disk.lacksBody($0) })
        note(disk.pinned.isEmpty ? "refolded" : "refolded without sums")
    }
}
