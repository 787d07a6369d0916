internal import Consensus
internal import Identity
internal import Replication
internal import Wire

/// A certificate takes deltas out of the sums: their bodies are read back one by one. The batch that brings it waits
/// until that is done, and nothing else is applied, so no state in between is ever told or written.
extension Node {
    /// Goes on with what is due.
    ///
    /// - Returns: false while a body is being read.
    mutating func recount(_ batch: Batch, now: Instant, _ effects: inout [Effect]) -> Bool {
        while state.mayRecount, let recount = state.nextRecount() {
            guard let id = replica.id(recount.key, recount.seq) else {
                stop("an op that is to be taken out is not in its log", now: now, &effects)
                return false
            }
            let staged = batch.ops.last { $0.op.id == id }
            guard let body = staged.flatMap({ $0.body ?? $0.op.header.inlineBody }) else {
                lastLoad += 1
                loads[lastLoad] = .recounted
                recounting = recount
                effects.append(
                    .loadOps(
                        request: lastLoad, [OpRange(key: recount.key, from: recount.seq, through: recount.seq)]))
                return false
            }
            carryOut(recount, body, now: now, &effects)
            guard stopped == nil else { return false }
        }
        return addSums(now: now, &effects)
    }

    /// The op was read; its body may stand elsewhere.
    mutating func recountedLoaded(_ envelopes: [Bytes], now: Instant, _ effects: inout [Effect]) {
        guard let recount = recounting else { return }
        let id = replica.id(recount.key, recount.seq)
        let op = envelopes.compactMap { try? Op(stored: $0, network: network) }.first { $0.id == id }
        guard let op else { return recountedBodyLoaded(nil, now: now, &effects) }
        if let body = op.header.inlineBody ?? recentBodies[op.header.bodyHash] {
            return recountedBodyLoaded(body, now: now, &effects)
        }
        lastLoad += 1
        loads[lastLoad] = .recountedBody
        effects.append(.loadBody(request: lastLoad, op.header.bodyHash))
    }

    mutating func recountedBodyLoaded(_ body: Bytes?, now: Instant, _ effects: inout [Effect]) {
        guard let recount = recounting else { return }
        recounting = nil
        guard let body else {
            return stop(
                "the body of an op that is to be taken out is missing: restore the database", now: now, &effects)
        }
        carryOut(recount, body, now: now, &effects)
    }

    private mutating func carryOut(
        _ recount: StateFold.Recount, _ body: Bytes, now: Instant, _ effects: inout [Effect]
    ) {
        do {
            try state.recount(recount, body: body)
        } catch {
            stop("an op cannot be taken out: \(error)", now: now, &effects)
        }
    }

    /// At a start nothing is told yet, and the store has given the bodies that it thought would be needed. What it did not
    /// give is read when the node runs: till then it is not whole (``Node/currentSummary()``).
    mutating func replayRecounts(_ bodies: [OpID: Bytes]) throws(RecoveryError) {
        while let recount = state.nextRecount() {
            guard let id = replica.id(recount.key, recount.seq) else { return }
            guard let body = bodies[id] else { return }
            do {
                try state.recount(recount, body: body)
            } catch {
                throw .invalidStoredOp(id, VoidReason(code: "invalid-body", detail: "\(error)"))
            }
        }
        try replaySums()
    }
}
