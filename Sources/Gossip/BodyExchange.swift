public import Identity
public import Replication
public import Session
public import Wire

/// Fetching of op bodies by hash: one outstanding source per body, any holder can serve, nothing
/// is ever pushed (protocol §4). That keeps the bytes received near the bytes needed.
public struct BodyExchange: Sendable {
    public enum Effect: Sendable, Equatable {
        case want(PeerID, BlobWant)
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
        /// Asked before and did not deliver; asked again only when nobody else is left.
        var tried: Set<PeerID> = []
        var deadline: Instant
    }

    private var fetches: [Hash32: Fetch] = [:]
    private var load: [PeerID: Int] = [:]

    public init() {}

    public var nextDeadline: Instant? {
        fetches.values.lazy.filter { $0.source != nil }.map(\.deadline).min()
    }
    public var outstanding: Int { fetches.count }

    /// Looks after every wanted body: asks for those nobody was asked for yet.
    ///
    /// - Parameter holders: who has the op, best first.
    public mutating func update(
        wanted: [Replica.WantedBody], holders: (LogKey, UInt64) -> [PeerID], connected: (PeerID) -> Bool, now: Instant
    ) -> [Effect] {
        let hashes = Set(wanted.map(\.hash))
        for hash in fetches.keys where !hashes.contains(hash) { drop(hash) }
        var effects: [Effect] = []
        for want in wanted where fetches[want.hash]?.source == nil {
            guard let assembler = fetches[want.hash]?.assembler ?? BodyAssembler(hash: want.hash, length: want.length)
            else { continue }
            var candidates = want.sender.map { [$0] } ?? []
            candidates += holders(want.key, want.seq).filter { $0 != want.sender }
            candidates = candidates.filter { connected($0) && load[$0, default: 0] < GossipLimits.bodiesPerNeighbour }
            let tried = fetches[want.hash]?.tried ?? []
            guard let source = candidates.first(where: { !tried.contains($0) }) ?? candidates.first else { continue }
            effects.append(ask(source, for: want, assembler: assembler, now: now))
        }
        return effects
    }

    private mutating func ask(
        _ source: PeerID, for want: Replica.WantedBody, assembler: BodyAssembler, now: Instant
    ) -> Effect {
        var fetch = fetches[want.hash] ?? Fetch(assembler: assembler, deadline: now)
        fetch.source = source
        fetch.tried.insert(source)
        fetches[want.hash] = fetch
        load[source, default: 0] += 1
        return request(want.hash, now: now)
    }

    private mutating func request(_ hash: Hash32, now: Instant) -> Effect {
        let chunks = Array(fetches[hash]!.assembler.missing.prefix(GossipLimits.chunksPerWant))
        fetches[hash]!.requested = Set(chunks)
        fetches[hash]!.deadline = now + GossipLimits.answerMs
        return .want(fetches[hash]!.source!, BlobWant(hash: hash, chunks: .some(chunks)))
    }

    private mutating func release(_ hash: Hash32) {
        guard let source = fetches[hash]?.source else { return }
        fetches[hash]!.source = nil
        load[source]! -= 1
        if load[source] == 0 { load[source] = nil }
    }

    private mutating func drop(_ hash: Hash32) {
        release(hash)
        fetches[hash] = nil
    }

    /// A chunk arrived. Late answers of a source that was given up on are as good as any.
    public mutating func received(_ blob: Blob, from peer: PeerID, now: Instant) -> [Effect] {
        guard fetches[blob.hash] != nil else { return [] }
        let outcome: BodyAssembler.Outcome
        do {
            outcome = try fetches[blob.hash]!.assembler.accept(blob)
        } catch {
            if fetches[blob.hash]!.source == peer { release(blob.hash) }
            return [.forged(peer, error)]
        }
        if case .complete(let body) = outcome {
            drop(blob.hash)
            return [.complete(hash: blob.hash, body: body)]
        }
        guard fetches[blob.hash]!.source == peer else { return [] }
        fetches[blob.hash]!.requested.remove(blob.chunk)
        fetches[blob.hash]!.deadline = now + GossipLimits.answerMs
        return fetches[blob.hash]!.requested.isEmpty ? [request(blob.hash, now: now)] : []
    }

    /// The source does not have the body after all.
    public mutating func none(_ hash: Hash32, from peer: PeerID) {
        if fetches[hash]?.source == peer { release(hash) }
    }

    public mutating func disconnected(_ peer: PeerID) {
        for (hash, fetch) in fetches where fetch.source == peer { release(hash) }
    }

    /// Gives up on sources that did not answer; the next ``update`` asks others.
    public mutating func tick(now: Instant) {
        for (hash, fetch) in fetches where fetch.source != nil && fetch.deadline <= now { release(hash) }
    }
}
