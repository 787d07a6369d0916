public import Consensus
internal import Federation
package import Identity
internal import Membership
package import Replication
package import Wire

/// What is certified together counts together (decision 28).
///
/// A proven fork at or before the end of a block, or a revocation or retraction that takes a part of it, takes out all of
/// its deltas. So whoever has the sums of a block and no bodies can undo it. Which blocks there are follows from the
/// certificates in force, as everything follows from the set of ops and proofs.
extension StateFold {
    /// Sums that stand in for deltas whose bodies this node does not have.
    package struct PinnedSums: Sendable, Equatable {
        package let sums: BlockSums
        /// The op at the end of the block is applied, hence all its deltas.
        var isReached = false
        /// The sums are in the accumulators.
        var counts = false
    }

    /// The block that a place of a log is in.
    func block(of key: LogKey, _ seq: UInt64) -> LogBlock? {
        guard let blocks = blocks[key] else { return nil }
        let at = blocks.partitioningIndex { $0.through >= seq }
        return at < blocks.count && blocks[at].contains(seq) ? blocks[at] : nil
    }

    /// Whether something takes a part of a block out, and so all of it.
    func isBroken(_ block: LogBlock) -> Bool {
        if let fork = forks[block.key], fork <= block.through { return true }
        let author = block.key.author
        func cuts(_ range: Revocation.Range) -> Bool {
            range.log == block.key.log && range.from <= block.through && range.through > block.after
        }
        if let revocations = revoked[author], revocations.contains(where: { $0.range.map(cuts) ?? true }) {
            return true
        }
        return retracted[author]?.values.contains(where: cuts) ?? false
    }

    /// Whether a delta is not to be in the sums, by itself or with its block.
    func isTakenOut(_ key: LogKey, _ seq: UInt64) -> Bool {
        isRevoked(key, seq) || (block(of: key, seq).map(isBroken) ?? false)
            || (replaced[key]?.contains { $0.contains(seq) } ?? false)
    }

    /// Certified sums of a log came into force, or lost it.
    mutating func sumsChanged(of key: LogKey) {
        let held = (pinned[key] ?? []).map(\.sums.block)
        let certified = consensus.certifiedSums(of: key).map(\.sums.block)
        let all = held + certified.filter { block in !held.contains { $0 == block || $0.overlaps(block) } }
        blocks[key] = all.isEmpty ? nil : all.sorted { $0.after < $1.after }
        recount(everythingOf: key.author)
    }

    /// Certified blocks of which a part is taken out, of members that belong: so is the rest.
    package var blocksTakenOut: Int {
        blocks.values.joined().count { isBroken($0) && !consensus.isRevoked($0.key.author) }
    }

    // MARK: Without bodies

    /// What of these blocks was added by itself has to go out of the sums (``nextRecount()``): then they can be pinned.
    package mutating func replace(_ blocks: [LogBlock]) {
        replaced = Dictionary(grouping: blocks, by: \.key)
        for author in Set(blocks.map(\.key.author)).sorted() { recount(everythingOf: author) }
    }

    /// From now on the sums stand for the deltas of a block, whose bodies are not here, or not any more.
    ///
    /// - Precondition: the block's deltas that are here are counted as certificates want it (``nextRecount()`` is nil): all
    ///   of them, or none since it is one of ``replace(_:)``. It has no place in common with one that is pinned.
    package mutating func pin(_ sums: BlockSums) {
        let block = sums.block
        precondition(!hasPinned(block), "blocks are apart")
        replaced[block.key]?.removeAll { $0 == block }
        if replaced[block.key]?.isEmpty == true { replaced[block.key] = nil }
        var new = PinnedSums(sums: sums)
        for (line, key) in trainedLines where key == block.key {
            for at in (changes[line] ?? []).indices where block.contains(changes[line]![at].seq) {
                guard case .model(.merged(let counts)) = changes[line]![at].what else { continue }
                new.counts = counts
                if changes[line]![at].seq == block.through { new.isReached = true }
                changes[line]![at] = Change(seq: changes[line]![at].seq, what: .model(.covered))
            }
        }
        pinned[block.key, default: []].append(new)
        pinned[block.key]!.sort { $0.sums.block.after < $1.sums.block.after }
        sumsChanged(of: block.key)
    }

    /// Whether sums stand for a place of the block.
    func hasPinned(_ block: LogBlock) -> Bool {
        pinned[block.key]?.contains { $0.sums.block.overlaps(block) } ?? false
    }

    /// Whether the sums of a block stand for this place: then nobody needs the body of a delta there.
    func isPinned(_ key: LogKey, _ seq: UInt64) -> Bool {
        pinned[key]?.contains { $0.sums.block.contains(seq) } ?? false
    }

    /// Notes a delta that pinned sums stand for; false for any other op.
    mutating func cover(_ op: Op, at position: LogPosition) -> Bool {
        let key = op.header.logKey
        guard op.header.kind == .updateModelWeights, let blocks = pinned[key],
            let at = blocks.firstIndex(where: { $0.sums.block.contains(op.header.seq) })
        else { return false }
        trainedLines[position.log] = key
        if op.id == blocks[at].sums.block.id {
            pinned[key]![at].isReached = true
            looksAtSums = true
        }
        return true
    }

    /// The next pinned sums that have to go into the accumulators, or out of them; nil when all is right.
    package mutating func nextSums() -> BlockSums? {
        guard looksAtSums else { return nil }
        for key in pinned.keys.sorted() {
            for held in pinned[key]! where held.counts != isWanted(held) { return held.sums }
        }
        looksAtSums = false
        return nil
    }

    private func isWanted(_ held: PinnedSums) -> Bool { held.isReached && !isBroken(held.sums.block) }

    /// Adds pinned sums, or subtracts them.
    ///
    /// - Parameter bytes: all parts, one after the other, whose hashes were checked.
    /// - Throws: ``FederationError`` for bytes that are no sums of models that are here.
    package mutating func recount(_ sums: BlockSums, bytes: Bytes) throws {
        let key = sums.block.key
        guard let at = pinned[key]?.firstIndex(where: { $0.sums == sums }) else { return }
        let isWanted = isWanted(pinned[key]![at])
        guard pinned[key]![at].counts != isWanted else { return }
        let models = self.models
        let decoded = try DeltaSums.decode(bytes) { models.spec(of: $0) }
        try self.models.merge(decoded, negated: !isWanted)
        pinned[key]![at].counts = isWanted
    }

    /// Accumulators were read back, with pinned sums in them as certificates so far want it.
    mutating func settleSums() {
        for key in pinned.keys {
            for at in pinned[key]!.indices { pinned[key]![at].counts = isWanted(pinned[key]![at]) }
        }
        looksAtSums = false
    }

    /// Whether the sums are those of the ops: no pinned block is half there, and each is certified by an op that has effect
    /// here. If not, others with the same frontier may have another state.
    package var isWhole: Bool {
        recounts.isEmpty && replaced.isEmpty
            && pinned.allSatisfy { key, blocks in
                let certified = consensus.certifiedSums(of: key)
                return blocks.allSatisfy { held in
                    let isBroken = isBroken(held.sums.block)
                    return held.counts == (held.isReached && !isBroken) && (held.isReached || isBroken)
                        && certified.contains { $0.sums == held.sums }
                }
            }
    }

    /// Blocks whose sums stand for their bodies, by log, ascending.
    public var pinnedSums: [BlockSums] { pinned.keys.sorted().flatMap { pinned[$0]!.map(\.sums) } }

    /// Places of deltas for which sums stand that are in the accumulators.
    func coveredDeltas(of key: LogKey) -> [UInt64] {
        let counted = (pinned[key] ?? []).filter(\.counts).map(\.sums.block)
        return trainedLines.filter { $0.value == key }.keys.flatMap { changes[$0] ?? [] }.compactMap { change in
            guard case .model(.covered) = change.what else { return nil }
            return counted.contains { $0.contains(change.seq) } ? change.seq : nil
        }
    }

    // MARK: Blocks to be certified

    /// The first `count` deltas of a log behind all certified blocks and behind `start`, from behind whatever is taken out;
    /// nil if there are not so many.
    package func nextBlock(of key: LogKey, behind start: UInt64 = 0, deltas count: Int, id: (UInt64) -> OpID?)
        -> LogBlock?
    {
        guard forks[key] == nil else { return nil }
        var after = max(blocks[key]?.last?.through ?? 0, start)
        while true {
            let next = deltas(of: key, after: after, most: count)
            guard next.count == count, let through = next.last, let id = id(through) else { return nil }
            let block = LogBlock(key: key, after: after, through: through, id: id)
            guard isBroken(block) else { return block }
            let ends =
                (retracted[key.author] ?? [:]).values.map { $0 }
                + (revoked[key.author] ?? []).compactMap(\.range)
            let cut = ends.filter { $0.log == key.log && $0.from <= through && $0.through > after }.map(\.through).max()
            // Without a range all of the member's is taken out.
            guard let cut else { return nil }
            after = cut
        }
    }

    /// Places of deltas whose bodies are here.
    private func deltas(of key: LogKey, after: UInt64, most: Int) -> [UInt64] {
        var places: [UInt64] = []
        for line in trainedLines.filter({ $0.value == key }).keys.sorted() {
            let changes = changes[line] ?? []
            var at = Self.firstIndex(in: changes, from: after + 1)
            while at < changes.count, places.count < most {
                if case .model(.merged) = changes[at].what { places.append(changes[at].seq) }
                at += 1
            }
        }
        return places
    }

    /// The valid deltas of a block, ascending; nil unless all of them and their bodies are here, and the last one ends it.
    func deltas(of block: LogBlock) -> [UInt64]? {
        var places: [UInt64] = []
        for line in trainedLines.filter({ $0.value == block.key }).keys.sorted() {
            let changes = changes[line] ?? []
            for change in changes[Self.firstIndex(in: changes, from: block.after + 1)...] {
                guard change.seq <= block.through else { break }
                switch change.what {
                case .model(.merged): places.append(change.seq)
                case .model(.covered): return nil
                case .member, .model, .consensus, .pattern, .retraction: continue
                }
            }
        }
        return places.last == block.through ? places : nil
    }
}
