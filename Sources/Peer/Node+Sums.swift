public import Consensus
public import Federation
internal import Gossip
public import Identity
internal import Membership
internal import Replication
public import Wire

/// Adding up the deltas of a block for a question about them. Nothing here changes state.
extension Node {
    /// What a shell needs to add up a block on a thread of its own.
    public struct BlockWork: Sendable {
        public let block: LogBlock
        /// The deltas, in the order of their log: their bodies are to be read.
        public let ops: [OpID]
        /// Knows the models and rows; nothing is added yet.
        public let sums: DeltaSums
    }

    /// Nil when a body of the block is not here any more, or the block is not.
    public func work(of block: LogBlock) -> BlockWork? {
        guard replica.id(block.key, block.through) == block.id, let places = state.deltas(of: block) else { return nil }
        let log = OwnerTable.LogName(author: block.key.author, log: block.key.log)
        return BlockWork(
            block: block, ops: places.compactMap { replica.id(block.key, $0) },
            sums: DeltaSums(grounds: state.models.grounds(of: log)))
    }

    /// Certified sums that could stand for their bodies, which are here: whole blocks of others' logs of which nothing is
    /// taken out. A node keeps the bodies of its own logs.
    public var droppable: [BlockSums] {
        state.consensus.summedLogs.filter { $0.author != identity.peerID }.flatMap { key in
            state.consensus.certifiedSums(of: key).map(\.sums).filter(isDroppable)
        }
    }

    /// All certified sums in force.
    public var certifiedSums: [BlockSums] {
        state.consensus.summedLogs.flatMap { state.consensus.certifiedSums(of: $0).map(\.sums) }
    }

    private func isDroppable(_ sums: BlockSums) -> Bool {
        let block = sums.block
        return block.key.author != identity.peerID && replica.id(block.key, block.through) == block.id
            && state.deltas(of: block) != nil && !state.isBroken(block)
    }

    /// Lets sums stand for bodies, if that is still so; the store may find it too early, which changes nothing.
    mutating func drop(_ sums: BlockSums, _ effects: inout [Effect]) {
        // The store found it too early before.
        if state.pinnedSums.contains(sums) { return effects.append(.drop(sums)) }
        let isCertified = state.consensus.certifiedSums(of: sums.block.key).contains { $0.sums == sums }
        guard isCertified, isDroppable(sums), stopped == nil, inFlight == nil, retraction == nil, openBatch == nil,
            recounting == nil, addingSums == nil, state.isWhole
        else { return }
        pin(sums)
        effects.append(.drop(sums))
    }
}

/// Pinned sums go into the accumulators, or out of them, as deltas do: nothing else is applied meanwhile, and the batch that
/// brought it about waits.
extension Node {
    /// Goes on with what is due.
    ///
    /// - Returns: false while a part is being read.
    mutating func addSums(now: Instant, _ effects: inout [Effect]) -> Bool {
        guard addingSums == nil else { return false }
        guard state.looksAtSums, let sums = state.nextSums() else { return true }
        addingSums = (sums, [])
        readPart(0, of: sums, &effects)
        return false
    }

    private mutating func readPart(_ part: Int, of sums: BlockSums, _ effects: inout [Effect]) {
        lastLoad += 1
        loads[lastLoad] = .sumsPart
        effects.append(.loadBody(request: lastLoad, sums.parts[part]))
    }

    mutating func sumsPartLoaded(_ part: Bytes?, now: Instant, _ effects: inout [Effect]) {
        guard var adding = addingSums else { return }
        let index = adding.bytes.count / BlockSums.Limits.partBytes
        guard let part, part.count == adding.sums.length(of: index) else {
            addingSums = nil
            return stop("certified sums are missing: restore the database", now: now, &effects)
        }
        adding.bytes += part
        guard UInt64(adding.bytes.count) == adding.sums.byteCount else {
            addingSums = adding
            return readPart(index + 1, of: adding.sums, &effects)
        }
        addingSums = nil
        do {
            try state.recount(adding.sums, bytes: adding.bytes)
        } catch {
            stop("certified sums cannot be added: \(error)", now: now, &effects)
        }
    }

    /// At a start: with the parts that the store has given.
    mutating func replaySums() throws(RecoveryError) {
        while let sums = state.nextSums() {
            let parts = sums.parts.compactMap { recoveredParts[$0] }
            guard parts.count == sums.parts.count else { return }
            do {
                try state.recount(sums, bytes: Bytes(parts.joined()))
            } catch {
                throw .invalidStoredOp(sums.block.id, VoidReason(code: "invalid-sums", detail: "\(error)"))
            }
        }
    }

    /// What may be told of the frontier and the state. While the sums are not those of the ops, nobody may compare the two:
    /// the digest is one that no other node has, nor this one with other sums.
    mutating func currentSummary() -> Summary {
        isSummaryWhole = state.isWhole
        let stateDigest = withoutChange { $0.digest() }
        let frontier = replica.frontier
        let digest: Hash32? =
            isSummaryWhole
            ? nil
            : blake2b256(
                domain: "shoal/partial/1", identity.peerID.bytes, frontier.digest().bytes, stateDigest.bytes)
        return Summary(frontier: frontier, stateDigest: stateDigest, frontierDigest: digest)
    }

    /// The sums have become right without an op.
    mutating func tellWhole(now: Instant, _ effects: inout [Effect]) {
        guard !isSummaryWhole, state.isWhole, inFlight == nil else { return }
        tellSummary(now: now, &effects)
    }

    /// What the ops come to has changed without one.
    mutating func tellSummary(now: Instant, _ effects: inout [Effect]) {
        let summary = currentSummary()
        self.summary = summary
        exchange(decide { $0.advanced(to: summary, new: [], headersThrough: $1, now: now) }, now: now, &effects)
    }
}
