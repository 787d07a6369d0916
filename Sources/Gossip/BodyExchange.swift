public import Identity
public import Replication
public import Session
public import Wire

/// Fetching of op bodies by hash: one outstanding source per body, any holder can serve, nothing
/// is ever pushed (protocol §4). That keeps the bytes received near the bytes needed.
public struct BodyExchange: Sendable {
    public enum Effect: Sendable, Equatable {
        case want(PeerID, BlobWant)
        /// A chunk of the body came that fits.
        case progress(hash: Hash32)
        /// The body is whole and has the right hash.
        case complete(hash: Hash32, body: Bytes)
        /// A chunk that does not belong to the body it claims: the sender alone is to blame.
        case forged(PeerID, LinkError)
    }

    private struct Fetch: Sendable {
        var assembler: BodyAssembler
        var source: PeerID?
        /// Chunks asked of the source that have not come.
        var requested: Set<Int> = []
        /// Asked before and did not deliver; asked again after a pause, when nobody else is left.
        var tried: Set<PeerID> = []
        /// When to give up on the source, or, without one, when to ask everybody again.
        var deadline: Instant
        /// Everybody was asked who could be, and nobody delivered; until somebody is asked again.
        var isMissing = false
    }

    /// A header may claim a hash with a length that is not the body's: such a claim must not spoil
    /// the fetch of the real one.
    private struct Key: Hashable {
        let hash: Hash32
        let length: Int
        var chunks: Int { BodyHash.chunkCount(length: length) }
        /// Of them, those that are asked for at once.
        var chunksAtOnce: Int { min(chunks, GossipLimits.chunksPerWant) }
    }

    private var fetches: [Key: Fetch] = [:]
    /// Chunks each neighbour is busy with. A body keeps what it took at first until its source is given up.
    private var load: [PeerID: Int] = [:]
    /// Bodies that were asked of somebody else, because whoever was asked before did not deliver.
    public private(set) var secondSources = 0

    public init() {}

    public var nextDeadline: Instant? { fetches.values.lazy.map(\.deadline).min() }
    public var outstanding: Int { fetches.count }

    /// Whether nobody who was asked for a body has it.
    public func isMissing(_ hash: Hash32, length: Int) -> Bool {
        fetches[Key(hash: hash, length: length)]?.isMissing ?? false
    }

    /// Looks after every wanted body: asks for those nobody was asked for yet.
    ///
    /// - Parameter holders: who has the op, best first.
    public mutating func update(
        wanted: [Replica.WantedBody], holders: (LogKey, UInt64) -> [PeerID], connected: (PeerID) -> Bool, now: Instant
    ) -> [Effect] {
        let keys = Set(wanted.map { Key(hash: $0.hash, length: $0.length) })
        for key in fetches.keys where !keys.contains(key) { drop(key) }
        var effects: [Effect] = []
        for want in wanted {
            let key = Key(hash: want.hash, length: want.length)
            guard fetches[key]?.source == nil,
                let assembler = fetches[key]?.assembler ?? BodyAssembler(hash: want.hash, length: want.length)
            else { continue }
            var candidates = want.sender.map { [$0] } ?? []
            candidates += holders(want.key, want.seq).filter { $0 != want.sender }
            candidates = candidates.filter {
                connected($0) && load[$0, default: 0] + key.chunksAtOnce <= GossipLimits.chunksPerNeighbour
            }
            let tried = fetches[key]?.tried ?? []
            guard let source = candidates.first(where: { !tried.contains($0) }) else { continue }
            effects.append(ask(source, key, assembler, now: now))
        }
        return effects
    }

    private mutating func ask(_ source: PeerID, _ key: Key, _ assembler: BodyAssembler, now: Instant) -> Effect {
        var fetch = fetches[key] ?? Fetch(assembler: assembler, deadline: now)
        fetch.source = source
        fetch.isMissing = false
        if !fetch.tried.isEmpty { secondSources += 1 }
        fetch.tried.insert(source)
        fetches[key] = fetch
        load[source, default: 0] += key.chunksAtOnce
        return request(key, now: now)
    }

    private mutating func request(_ key: Key, now: Instant) -> Effect {
        let chunks = Array(fetches[key]!.assembler.missing.prefix(GossipLimits.chunksPerWant))
        fetches[key]!.requested = Set(chunks)
        fetches[key]!.deadline = now + GossipLimits.answerMs
        return .want(fetches[key]!.source!, BlobWant(hash: key.hash, chunks: .some(chunks)))
    }

    private mutating func release(_ key: Key) {
        guard let source = fetches[key]?.source else { return }
        fetches[key]!.source = nil
        load[source]! -= key.chunksAtOnce
        if load[source] == 0 { load[source] = nil }
    }

    private mutating func drop(_ key: Key) {
        release(key)
        fetches[key] = nil
    }

    /// A chunk arrived. Late answers of a source that was given up on are as good as any.
    public mutating func received(_ blob: Blob, from peer: PeerID, now: Instant) -> [Effect] {
        // Bodies of equally many chunks and one hash differ in length: at most one of them exists.
        let keys = fetches.keys.filter { $0.hash == blob.hash && $0.chunks == blob.chunks }
            .sorted { $0.length < $1.length }
        var effects: [Effect] = []
        for key in keys {
            let hasNone = fetches[key]!.assembler.missing.count == key.chunks
            let outcome: BodyAssembler.Outcome
            do {
                outcome = try fetches[key]!.assembler.accept(blob)
            } catch {
                if fetches[key]!.source == peer { release(key) }
                // Until a chunk fits, the length in the op's header may be the lie.
                if !hasNone { effects.append(.forged(peer, error)) }
                continue
            }
            if case .complete(let body) = outcome {
                drop(key)
                effects.append(.complete(hash: key.hash, body: body))
                continue
            }
            effects.append(.progress(hash: key.hash))
            guard fetches[key]!.source == peer else { continue }
            fetches[key]!.requested.remove(blob.chunk)
            fetches[key]!.deadline = now + GossipLimits.answerMs
            if fetches[key]!.requested.isEmpty { effects.append(request(key, now: now)) }
        }
        return effects
    }

    /// The source does not have the body after all.
    public mutating func none(_ hash: Hash32, from peer: PeerID) {
        for (key, fetch) in fetches where key.hash == hash && fetch.source == peer { release(key) }
    }

    public mutating func disconnected(_ peer: PeerID) {
        for key in fetches.keys {
            if fetches[key]!.source == peer { release(key) }
            // It may come back.
            fetches[key]!.tried.remove(peer)
        }
    }

    /// Gives up on sources that did not answer; the next ``update`` asks others.
    public mutating func tick(now: Instant) {
        for (key, fetch) in fetches where fetch.deadline <= now {
            if fetch.source == nil {
                fetches[key]!.isMissing = !fetch.tried.isEmpty
                fetches[key]!.tried = []
            }
            release(key)
            fetches[key]!.deadline = now + GossipLimits.answerMs
        }
    }
}
