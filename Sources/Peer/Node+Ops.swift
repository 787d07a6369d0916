internal import Consensus
internal import Federation
internal import Gossip
internal import Identity
internal import Membership
internal import Replication
internal import Session
internal import Wire

/// Ops coming in, being judged and folded, made durable, and passed on.
extension Node {
    // MARK: From peers

    mutating func receivedOps(_ envelopes: [Bytes], from peer: PeerID, now: Instant, _ effects: inout [Effect]) {
        var received: [Op] = []
        let allowed = ops.pushesLeft(to: peer, now: now)
        var pushed = 0
        defer { ops.pushed(pushed, by: peer, now: now) }
        for envelope in envelopes {
            // Before the signature is checked, which costs a hundred times what reading does.
            if pushed == allowed, let form = try? Op(stored: envelope, network: network),
                !ops.wasAsked(peer, for: form.header.logKey, form.header.seq)
            {
                counters.refuse("too-many-pushes")
                continue
            }
            do {
                let op = try memory.op(verifying: envelope)
                if !ops.wasAsked(peer, for: op.header.logKey, op.header.seq) { pushed += 1 }
                received.append(op)
            } catch {
                counters.refuse(error.code)
                effects.append(.notice(.refused(nil, code: error.code, from: peer)))
                // A newer shoal may write what this one does not know yet.
                guard !error.isFromTheFuture else { continue }
                // Only a node that did not check would send this: the sender is to blame.
                return ban(peer, "it sent an op that is not valid: \(error)", now: now, &effects)
            }
        }
        offer(received, from: peer, now: now, &effects)
    }

    private mutating func offer(_ received: [Op], from peer: PeerID, now: Instant, _ effects: inout [Effect]) {
        var places: [(key: LogKey, seq: UInt64)] = []
        var known: [(key: LogKey, seq: UInt64)] = []
        // Beyond a fork only what is waited for is taken in, so each op must come before the one it builds on.
        let (beyond, before) = received.partitioned { replica.isRetracted($0.header.logKey, $0.header.seq) }
        for op in before + beyond.sorted(by: { $0.header.seq > $1.header.seq }) {
            let place = (key: op.header.logKey, seq: op.header.seq)
            ops.tree.arrived(op.id, of: place.key.author, from: peer)
            switch replica.offer(op, from: peer) {
            case .accepted: places.append(place)
            case .known:
                places.append(place)
                known.append(place)
            case .retracted: counters.refuse("forked")
            case .fork(let held, _):
                places.append(place)
                foundFork(held: held, offered: op, from: peer, &effects)
            case .brokenChain(let id):
                places.append(place)
                counters.refuse("broken-chain")
                effects.append(.notice(.refused(id, code: "broken-chain", from: peer)))
                searchFork(of: place.key, through: place.seq - 1, from: peer, now: now, &effects)
            case .poolFull(let id):
                counters.refuse("pool-full")
                effects.append(.notice(.refused(id, code: "pool-full", from: peer)))
            }
        }
        counters.headersReceived += received.count
        counters.headersKnown += known.count
        if !known.isEmpty {
            let all = received.map { (key: $0.header.logKey, seq: $0.header.seq) }
            exchange(ops.duplicates(from: peer, of: all, known: known), now: now, &effects)
        }
        exchange(decide { $0.receivedOps(from: peer, places, headersThrough: $1, now: now) }, now: now, &effects)
        fetchBodies(now: now, &effects)
        askForMissing(now: now, &effects)
    }

    // MARK: Bodies

    mutating func fetchBodies(now: Instant, _ effects: inout [Effect]) {
        let wanted = wantedBodies
        guard !wanted.isEmpty || bodies.outstanding > 0 else { return }
        let established = established
        let decisions = bodies.update(
            wanted: wanted, holders: { self.ops.holders(of: $0, seq: $1) }, connected: { established[$0] != nil },
            now: now)
        fetched(decisions, now: now, &effects)
    }

    mutating func fetched(_ decisions: [BodyExchange.Effect], now: Instant, _ effects: inout [Effect]) {
        for decision in decisions {
            switch decision {
            case .want(let peer, let want): send(.blobWant(want), to: peer, now: now, &effects)
            case .progress(let hash): sumsFetch.progressed(hash, now: now)
            case .complete(let hash, let body):
                counters.bodiesFetched += 1
                counters.bodyBytesUseful += body.count
                supply(body, hash: hash, now: now, &effects)
                fetchBodies(now: now, &effects)
            case .forged(let peer, let error):
                ban(peer, "\(error)", now: now, &effects)
            }
        }
    }

    // MARK: Staging

    /// Judges and folds what is ready, and sends it to the disk as one batch.
    mutating func stage(now: Instant, _ effects: inout [Effect]) {
        guard inFlight == nil, stopped == nil, recounting == nil, addingSums == nil else { return }
        // What is half done ends first.
        if openBatch == nil, retraction == nil {
            guard pinFetchedSums(now: now, &effects), mayApply(now: now, &effects) else { return }
        }
        var batch = openBatch ?? Batch()
        if openBatch == nil {
            // One at a time: what is half taken back must be neither told nor written.
            if let fork = retract(now: now, &effects) { batch.forks.append(fork) }
            guard retraction == nil else { return }
        }
        openBatch = nil
        var refused: [(Op, PeerID?)] = []
        while batch.ops.count < NodeLimits.opsPerBatch, batch.bytes < NodeLimits.bytesPerBatch {
            guard recount(batch, now: now, &effects) else {
                if stopped == nil { openBatch = batch }
                break
            }
            if let ready = replica.take() {
                if !fold(ready, into: &batch) { refused.append((ready.op, ready.sender)) }
            } else if let (submission, key) = nextSubmission(&batch, &effects) {
                sign(submission, in: key, &batch)
            } else {
                break
            }
            guard !isOutdated else {
                openBatch = batch
                return stop(Self.needsNewer(state.consensus.latest.policy.foldVersion), now: now, &effects)
            }
        }
        for (op, sender) in refused {
            counters.refuse("not-a-member")
            effects.append(.notice(.refused(op.id, code: "not-a-member", from: sender)))
        }
        // Without a change it would find the same, and at most events nothing is applied.
        if settledChanges != stateChanges {
            state.settle(with: replica)
            settledChanges = stateChanges
        }
        // The last op may have been the one that revokes.
        if openBatch == nil, stopped == nil, !recount(batch, now: now, &effects), stopped == nil { openBatch = batch }
        guard openBatch == nil, stopped == nil else { return }
        guard !batch.ops.isEmpty || !batch.forks.isEmpty else {
            for (ticket, result) in batch.results { effects.append(.submitted(ticket: ticket, result)) }
            return tellWhole(now: now, &effects)
        }
        lastBatch += 1
        let stored = StoreBatch(
            number: lastBatch, ops: batch.ops, forks: batch.forks, signed: batch.signed,
            ledger: withoutChange { $0.takeLedgerUpdate() }, patterns: withoutChange { $0.takePatternUpdate() })
        inFlight = InFlight(batch: stored, results: batch.results, senders: batch.senders)
        effects.append(.persist(stored))
    }

    /// A batch while it is put together.
    struct Batch {
        var ops: [StoredOp] = []
        var forks: [StoredFork] = []
        var signed: [StoredOp] = []
        var results: [(ticket: UInt64, result: SubmitResult)] = []
        var senders: [OpID: PeerID] = [:]
        var bytes = 0
    }

    /// Applies one op, the author's own like everybody's. False if its author did not belong.
    private mutating func fold(_ ready: Replica.Ready, into batch: inout Batch) -> Bool {
        let op = ready.op
        let verdict: StateFold.Verdict
        let position = replica.positionOfNext(op)
        do {
            let causes = StateFold.Causes(of: op, in: replica)
            verdict = state.apply(
                op, body: ready.body, at: position, time: replica.time(of: op.header), isRetracted: ready.isRetracted,
                causes: causes)
            #if DEBUG
                if PeerBugs.appliesTwice, ready.sender != nil, op.header.kind == .updateModelWeights {
                    _ = state.apply(
                        op, body: ready.body, at: position, time: replica.time(of: op.header),
                        isRetracted: ready.isRetracted, causes: causes)
                }
            #endif
        }
        let void: VoidReason?
        switch verdict {
        case .applies: void = nil
        case .void(let reason):
            void = reason
            counters.opsVoid += 1
            counters.refuse(reason.code)
        case .notMember:
            replica.refuse(op.id)
            return false
        }
        replica.apply(op)
        applyIndex += 1
        counters.opsApplied += 1
        let separate = op.header.inlineBody == nil && !ready.isRetracted && !replica.isWaived(op.header)
        let stored = StoredOp(op: op, body: separate ? ready.body : nil, void: void, applyIndex: applyIndex)
        if separate { recentBodies.insert(ready.body, hash: op.header.bodyHash) }
        batch.ops.append(stored)
        batch.senders[op.id] = ready.sender
        batch.bytes += op.envelope.count + (stored.body?.count ?? 0)
        return true
    }

    private mutating func sign(_ submission: Submission, in key: LogKey, _ batch: inout Batch) {
        guard let stored = append(submission.kind, body: submission.body, to: key, &batch) else {
            if let ticket = submission.ticket {
                batch.results.append((ticket, .refused(Self.notMember(identity.peerID))))
            }
            return
        }
        guard let ticket = submission.ticket else { return }
        let result: SubmitResult = stored.void.map { .void(stored.op.id, $0) } ?? .done(stored.op.id)
        batch.results.append((ticket, result))
    }

    mutating func append(_ kind: OpKind, body: Bytes, to key: LogKey, _ batch: inout Batch) -> StoredOp? {
        let head = replica.frontier[key]
        let deps = replica.dependencies(for: key)
        let op = Op(
            signing: kind, body: body, log: key.log, seq: (head?.seq ?? 0) + 1, prev: head?.id ?? .zero,
            lamport: replica.time(next: key, deps: deps), deps: deps, network: network, with: identity)
        // Nil when the op's past, which holds 64 heads at most, does not show yet that this node belongs.
        guard fold(Replica.Ready(op: op, body: body, sender: nil), into: &batch) else { return nil }
        batch.signed.append(batch.ops.last!)
        return batch.ops.last!
    }

    /// The open log of this node, opened now if it has to be; nil while that is undecided.
    mutating func logForNextOp(_ batch: inout Batch, _ effects: inout [Effect]) -> LogKey? {
        // Who has left may still sign what its vote takes; other kinds do not get here.
        guard maySign(.vote) else {
            refuseSubmissions(Self.notMember(identity.peerID), &effects)
            return nil
        }
        switch ownLog {
        case .open(let key): return key
        case .unconfirmed: return nil
        case .fresh(let reason):
            let known = LogKey(author: identity.peerID, log: configuration.freshLog)
            // A second one in the same process, after a fork.
            let key =
                replica.number(of: known) == nil
                ? known : LogKey(author: identity.peerID, log: LogID(rawValue: random.next()))
            guard append(.openLog, body: OpenLog.body, to: key, &batch) != nil else { return nil }
            ownLog = .open(key)
            effects.append(.notice(.openedLog(key.log, reason: reason)))
            return key
        }
    }

    mutating func refuseSubmissions(_ reason: String, _ effects: inout [Effect]) {
        for ticket in submissions.compactMap(\.ticket) {
            effects.append(.submitted(ticket: ticket, .refused(reason)))
        }
        submissions = []
    }

    static func notMember(_ peer: PeerID) -> String {
        "sign: this site is not a member of the network (as far as it has heard). "
            + "Ask a member to run: shoal peers add \(peer.hex)"
    }

    mutating func submit(_ submission: Submission, _ effects: inout [Effect]) {
        let refusal: String? =
            if let stopped {
                "sign: this node has stopped: \(stopped)"
            } else if submissions.count >= NodeLimits.submissions {
                "sign: \(submissions.count) ops wait for the disk already; try again later"
            } else if submission.kind == .openLog {
                "sign: a node opens its logs by itself"
            } else if submission.body.count > OpLimits.bodyBytes {
                "sign: the body has \(submission.body.count) bytes; at most \(OpLimits.bodyBytes)"
            } else {
                nil
            }
        if let refusal {
            if let ticket = submission.ticket { effects.append(.submitted(ticket: ticket, .refused(refusal))) }
        } else {
            submissions.append(submission)
        }
    }

    // MARK: Durable

    mutating func persisted(_ number: UInt64, now: Instant, _ effects: inout [Effect]) {
        guard let done = inFlight, done.batch.number == number else {
            // What the store had to do before this batch failed, and the batch did not.
            precondition(stopped != nil, "the store confirmed batch \(number), which is not on its way")
            return
        }
        inFlight = nil
        durableIndex = max(done.batch.ops.last?.applyIndex ?? 0, done.batch.forks.last?.applyIndex ?? 0)
        counters.batches += 1
        summary = currentSummary()
        for (ticket, result) in done.results { effects.append(.submitted(ticket: ticket, result)) }
        effects.append(
            .applied(
                done.batch.ops.map { stored in
                    AppliedOp(
                        id: stored.op.id, author: stored.op.header.author, seq: stored.op.header.seq,
                        kind: stored.op.header.kind, bodyLength: stored.op.header.bodyLength, void: stored.void,
                        from: done.senders[stored.op.id])
                }))
        sinceSnapshot += done.batch.ops.count
        // What stands beyond a fork goes only to those who ask for it.
        let effective = done.batch.ops.filter { !replica.isRetracted($0.op.header.logKey, $0.op.header.seq) }
        publishing = Dictionary(uniqueKeysWithValues: effective.map { ($0.op.id, $0.op) })
        let summary = summary
        publish(done.batch.forks, now: now, &effects)
        let new = effective.map { (id: $0.op.id, key: $0.op.header.logKey, seq: $0.op.header.seq) }
        let decisions = decide { $0.advanced(to: summary, new: new, headersThrough: $1, now: now) }
        exchange(decisions, now: now, &effects)
        publishing = [:]
        fetchBodies(now: now, &effects)
        writeSnapshot(&effects)
    }

    mutating func push(_ ids: [OpID], to peer: PeerID, now: Instant, _ effects: inout [Effect]) {
        let pushed = ids.compactMap { publishing[$0] }
        for message in Message.ops(batching: pushed.map(\.envelope)) {
            guard !send(message, to: peer, now: now, &effects) else { continue }
            ops.pushFailed(peer, pushed.map { ($0.header.logKey, $0.header.seq) })
            return
        }
    }

    private mutating func writeSnapshot(_ effects: inout [Effect]) {
        guard sinceSnapshot >= configuration.snapshotEveryOps, !snapshotInFlight else { return }
        sinceSnapshot = 0
        snapshotInFlight = true
        effects.append(
            .writeSnapshot(
                StateSnapshot(watermark: applyIndex, models: withoutChange { $0.takeChanges() })))
    }
}

extension Array {
    /// Those for which the question is true, and the others, each in order.
    fileprivate func partitioned(by isFirst: (Element) -> Bool) -> (first: [Element], others: [Element]) {
        (filter(isFirst), filter { !isFirst($0) })
    }
}
