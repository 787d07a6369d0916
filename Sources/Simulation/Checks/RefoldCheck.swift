internal import Gossip
internal import Identity
internal import Membership
internal import Peer
internal import Replication
internal import Wire

/// Invariant 2: a fold from scratch over the same ops, in another order that respects causes, gives the
/// same state and the same verdict on every op. Forks are known from the beginning here: what a site applied
/// and took back again must leave no trace.
enum RefoldCheck {
    private struct Place: Hashable {
        let key: LogKey
        let seq: UInt64
    }

    static func check(
        _ ops: [StoredOp], forks: [StoredFork], against node: Node, genesis: Genesis, signatures: SignatureMemory,
        random: inout Random, site: Int,
        isUnjudged: (StoredOp) -> Bool = { _ in false }
    ) throws(Violation) {
        var shuffled = ops
        random.shuffle(&shuffled)
        var replica = Replica()
        var fold = StateFold(genesis: genesis, signatures: signatures)
        for fork in forks {
            replica.retract(fork.proof.key, from: fork.proof.seq)
            fold.forked(fork.proof.key, from: fork.proof.seq)
        }
        var verdicts: [OpID: StateFold.Verdict] = [:]
        let places = Dictionary(
            ops.map { (Place(key: $0.op.header.logKey, seq: $0.op.header.seq), $0) },
            uniquingKeysWith: { one, _ in one })
        while !shuffled.isEmpty {
            let before = verdicts.count
            var beyond: [StoredOp] = []
            for stored in shuffled {
                if case .retracted = replica.offer(stored.op, from: nil) {
                    beyond.append(stored)
                    continue
                }
                if let body = stored.body { replica.supply(body, hash: stored.op.header.bodyHash) }
                while let ready = replica.take() {
                    verdicts[ready.op.id] = Self.fold(ready, &replica, &fold)
                    try recount(&fold, places)
                }
            }
            // Beyond a fork an op is taken in when another waits for it.
            shuffled = beyond
            if verdicts.count == before, replica.missing.isEmpty { break }
        }
        try compare(
            ops, with: verdicts, isRetracted: { replica.isRetracted($0.logKey, $0.seq) }, isUnjudged: isUnjudged,
            site: site)
        fold.settle(with: replica)
        let refolded = fold.digest()
        let state = node.summary.stateDigest
        guard refolded == state else {
            var other = node.state
            let parts = zip(other.parts(), fold.parts()).filter { $0.digest != $1.digest }.map(\.0.name)
            throw Violation(
                .stateIsFold,
                "site \(site) has state \(state.short); its \(ops.count) ops fold to \(refolded.short)"
                    + " (\(parts.isEmpty ? "it has gone on since" : parts.joined(separator: ", ")))")
        }
    }

    private static func fold(
        _ ready: Replica.Ready, _ replica: inout Replica, _ fold: inout StateFold
    ) -> StateFold.Verdict {
        let position = replica.positionOfNext(ready.op)
        let verdict = fold.apply(
            ready.op, body: ready.body, at: position, time: replica.time(of: ready.op.header),
            isRetracted: ready.isRetracted, causes: .init(of: ready.op, in: replica))
        replica.apply(ready.op)
        return verdict
    }

    /// Takes out of the sums what the last op revokes, or puts it back in.
    private static func recount(_ fold: inout StateFold, _ places: [Place: StoredOp]) throws(Violation) {
        while let next = fold.nextRecount() {
            let delta = places[Place(key: next.key, seq: next.seq)]
            do {
                try fold.recount(next, body: delta?.body ?? delta?.op.header.inlineBody ?? [])
            } catch {
                throw Violation(
                    .stateIsFold, "op \(next.seq) of \(next.key.log) cannot be revoked in a refold: \(error)")
            }
        }
    }

    private static func compare(
        _ ops: [StoredOp], with verdicts: [OpID: StateFold.Verdict], isRetracted: (Op.Header) -> Bool,
        isUnjudged: (StoredOp) -> Bool, site: Int
    ) throws(Violation) {
        for stored in ops where !isRetracted(stored.op.header) {
            let verdict = stored.void.map(StateFold.Verdict.void) ?? .applies
            guard let found = verdicts[stored.op.id] else {
                throw Violation(.stateIsFold, "op \(stored.op.id.short) of site \(site) never becomes ready")
            }
            // Without its body nobody here has judged it.
            if stored.op.header.kind == .updateModelWeights, isUnjudged(stored) { continue }
            guard found == verdict else {
                throw Violation(
                    .stateIsFold, "op \(stored.op.id.short) was judged \(verdict) at site \(site), \(found) in a refold"
                )
            }
        }
    }
}
