internal import Identity
internal import Membership
internal import Peer
internal import Replication
internal import Wire

/// Invariant 2: a fold from scratch over the same ops, in another order that respects causes, gives the
/// same state and the same verdict on every op.
enum RefoldCheck {
    static func check(
        _ ops: [StoredOp], against state: Hash32, genesis: Genesis, random: inout Random, site: Int
    ) throws(Violation) {
        var shuffled = ops
        random.shuffle(&shuffled)
        var replica = Replica()
        var fold = StateFold(genesis: genesis)
        var verdicts: [OpID: StateFold.Verdict] = [:]
        for stored in shuffled {
            _ = replica.offer(stored.op, from: nil)
            if let body = stored.body { replica.supply(body, hash: stored.op.header.bodyHash) }
            while let ready = replica.take() {
                let position = replica.positionOfNext(ready.op)
                verdicts[ready.op.id] = fold.apply(
                    ready.op, body: ready.body, at: position, time: replica.time(of: ready.op.header),
                    past: replica.judge(ready.op))
                replica.apply(ready.op)
            }
        }
        for stored in ops {
            let verdict = stored.void.map(StateFold.Verdict.void) ?? .applies
            guard let found = verdicts[stored.op.id] else {
                throw Violation(.stateIsFold, "op \(stored.op.id.short) of site \(site) never becomes ready")
            }
            guard found == verdict else {
                throw Violation(
                    .stateIsFold, "op \(stored.op.id.short) was judged \(verdict) at site \(site), \(found) in a refold"
                )
            }
        }
        let refolded = fold.digest()
        guard refolded == state else {
            throw Violation(
                .stateIsFold, "site \(site) has state \(state.short); its \(ops.count) ops fold to \(refolded.short)")
        }
    }
}
