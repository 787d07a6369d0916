internal import Consensus
internal import Identity
internal import Membership
internal import Replication
internal import Session
internal import Wire

/// Certified sums in place of bodies: when a node begins that holds no weight delta, since nobody need fetch those bodies; and
/// whenever later nobody has a body any more.
///
/// ```
/// idle ─▶ waiting ─▶ asking a member: checkpoints from the genesis on, then sums ─▶ fetching their parts by hash ─▶ pinning
///   ▲        └─ nobody can tell, it takes too long, or a founder signs before it has met anybody ─┐                   │
///   └─────────────────────────────────────────────────────────────────────────────────────────────┴───────────────────┘
/// ```
/// Everything is checked from the genesis alone (`CertificateAudit`); whoever sends what proves nothing is to blame. While a
/// node begins, nothing is applied: what was not added by itself need not be taken out again.
struct SumsFetch: Sendable {
    enum Limits {
        /// For one answer, and for all parts after the last one came.
        static let answerMs: UInt64 = 10_000
        /// Members that are asked before the node goes on without.
        static let attempts = 3
        /// Parts that are fetched at once, of at most 8 MiB each.
        static let partsAtOnce = 2
        /// From one time to the next; in vain, twice as long each time, up to an hour. Members answer once in a minute.
        static let againMs: UInt64 = 60_000
        static let againAtMostMs: UInt64 = 3_600_000
    }
    enum Action: Sendable, Equatable {
        case ask(PeerID, SumsWant)
        case keep(BlockSums, part: Int, Bytes)
        /// All parts are handed over; answered by ``SumsFetch/pinned(now:)``.
        case pin([BlockSums])
        case blame(PeerID, String)
    }
    private enum State: Sendable {
        case idle
        case waiting
        case asking(PeerID, SumsWant, Search, until: Instant)
        case fetching([Part], of: [BlockSums], until: Instant)
        /// What of them was added by itself is taken out, and the store makes it durable.
        case pinning
    }
    private struct Part: Sendable {
        let sums: BlockSums
        let index: Int
        var hash: Hash32 { sums.parts[index] }
        var length: Int { sums.length(of: index) }
    }
    /// What one member's answers come to so far.
    private struct Search: Sendable {
        var audit: CertificateAudit
        var height: UInt64 = 0
        var sums: [BlockSums] = []
    }

    private let genesis: Genesis
    private var state: State
    private var tried: Set<PeerID> = []
    /// Until the first time is over.
    private(set) var isBeginning: Bool
    private var nextTime = Instant(milliseconds: 0)
    private var pauseMs = Limits.againMs

    /// - Parameter begins: it holds no delta, and may begin with sums.
    init(genesis: Genesis, begins: Bool) {
        self.genesis = genesis
        isBeginning = begins
        state = begins ? .waiting : .idle
    }

    var isIdle: Bool {
        if case .idle = state { true } else { false }
    }

    /// Whether nothing may be applied.
    var holdsOps: Bool {
        if case .pinning = state { true } else { isBeginning }
    }

    var nextDeadline: Instant? {
        switch state {
        case .asking(_, _, _, let until), .fetching(_, _, let until): until
        case .idle, .waiting, .pinning: nil
        }
    }

    /// Nobody has a body that is needed: perhaps sums stand for it.
    mutating func lacksBody(now: Instant) {
        guard case .idle = state, nextTime <= now else { return }
        tried = []
        state = .waiting
    }

    private mutating func end(hasSums: Bool, now: Instant) {
        state = .idle
        nextTime = now + pauseMs
        // A network without certified sums says nothing about the time when there are some.
        pauseMs = hasSums || isBeginning ? Limits.againMs : min(pauseMs * 2, Limits.againAtMostMs)
        isBeginning = false
    }

    /// Somebody greeted, or went: asks whoever can tell, ascending.
    ///
    /// - Parameter tellers: connected members that understand the question.
    mutating func look(_ tellers: [PeerID], hasPeers: Bool, now: Instant) -> [Action] {
        switch state {
        // It may have turned this site away, which is not a member yet.
        case .asking(let peer, _, _, _) where !tellers.contains(peer):
            tried.remove(peer)
            state = .waiting
        case .idle, .waiting, .asking, .fetching, .pinning: break
        }
        guard case .waiting = state, hasPeers else { return [] }
        if tried.count < Limits.attempts, let peer = tellers.first(where: { !tried.contains($0) }) {
            tried.insert(peer)
            return ask(peer, .checkpoints(after: 0), Search(audit: CertificateAudit(genesis: genesis)), now: now)
        }
        // Nobody is left who could tell.
        end(hasSums: false, now: now)
        return []
    }

    /// A connection to a member took the place of another, on which a question or its answer may be lost.
    mutating func reconnected(to peer: PeerID) {
        guard case .asking(peer, _, _, _) = state else { return }
        tried.remove(peer)
        state = .waiting
    }

    private mutating func ask(_ peer: PeerID, _ want: SumsWant, _ search: Search, now: Instant) -> [Action] {
        state = .asking(peer, want, search, until: now + Limits.answerMs)
        return [.ask(peer, want)]
    }

    mutating func tick(now: Instant) {
        switch state {
        case .asking(_, _, _, let until) where until <= now:
            state = .waiting
        case .fetching(_, _, let until) where until <= now: end(hasSums: false, now: now)
        case .idle, .waiting, .asking, .fetching, .pinning: break
        }
    }

    // MARK: Answers

    /// - Parameter isWanted: whether the sums of a block are of use here.
    mutating func answered(
        _ answer: SumsAnswer, by peer: PeerID, now: Instant, isWanted: (LogBlock) -> Bool = { _ in true }
    ) -> [Action] {
        guard case .asking(peer, let want, var search, _) = state else { return [] }
        do throws(ConsensusError) {
            for bytes in answer.certificates { try read(bytes, want, &search) }
        } catch {
            state = .waiting
            return [.blame(peer, "\(error)")]
        }
        // An empty page that promises more would be asked for without end.
        let more = answer.more && !answer.certificates.isEmpty
        switch want {
        case .checkpoints:
            let next: SumsWant = more ? .checkpoints(after: search.height) : .sums(from: .first, after: 0)
            return ask(peer, next, search, now: now)
        case .sums:
            if more, let block = search.sums.last?.block {
                let from = LogBound(author: block.key.author, log: block.key.log)
                return ask(peer, .sums(from: from, after: block.through), search, now: now)
            }
            fetch(search.sums.filter { isWanted($0.block) }, now: now)
            return []
        }
    }

    private func read(_ bytes: Bytes, _ want: SumsWant, _ search: inout Search) throws(ConsensusError) {
        let certificate: Certificate
        do { certificate = try Certificate(decoding: bytes) } catch { throw .invalidBody("\(error)") }
        try search.audit.add(certificate)
        switch want {
        case .checkpoints:
            guard let checkpoint = try? Checkpoint(decoding: certificate.value.payload),
                certificate.question.kind == .checkpoint, checkpoint.height > search.height
            else { throw .invalidBody("no checkpoint after \(search.height)") }
            search.height = checkpoint.height
        case .sums:
            guard case .sums(let sums)? = Proposition(certificate.question) else {
                throw .invalidBody("no certificate of sums")
            }
            let block = sums.block
            if let last = search.sums.last?.block {
                guard (last.key, last.through) < (block.key, block.through),
                    last.key != block.key || last.through <= block.after
                else { throw .invalidBody("blocks that do not ascend") }
            }
            search.sums.append(sums)
        }
    }

    // MARK: Parts

    private mutating func fetch(_ sums: [BlockSums], now: Instant) {
        let parts = sums.flatMap { sums in sums.parts.indices.map { Part(sums: sums, index: $0) } }
        guard !parts.isEmpty else { return end(hasSums: false, now: now) }
        state = .fetching(parts, of: sums, until: now + Limits.answerMs)
    }

    /// Parts to fetch now, as bodies are.
    var wanted: [Replica.WantedBody] {
        guard case .fetching(let parts, _, _) = state else { return [] }
        return parts.prefix(Limits.partsAtOnce).map { part in
            let block = part.sums.block
            return .init(
                op: block.id, hash: part.hash, length: part.length, sender: nil, key: block.key, seq: block.through)
        }
    }

    /// A body came whose hash was checked.
    mutating func supply(_ body: Bytes, hash: Hash32, now: Instant) -> [Action] {
        guard case .fetching(var parts, let sums, _) = state else { return [] }
        let found = parts.filter { $0.hash == hash && $0.length == body.count }
        guard !found.isEmpty else { return [] }
        parts.removeAll { $0.hash == hash && $0.length == body.count }
        let kept = found.map { Action.keep($0.sums, part: $0.index, body) }
        guard parts.isEmpty else {
            state = .fetching(parts, of: sums, until: now + Limits.answerMs)
            return kept
        }
        state = .pinning
        return kept + [.pin(sums)]
    }

    /// A chunk of a part came: somebody is still at it.
    mutating func progressed(now: Instant) {
        if case .fetching(let parts, let sums, _) = state {
            state = .fetching(parts, of: sums, until: now + Limits.answerMs)
        }
    }

    mutating func pinned(now: Instant) { end(hasSums: true, now: now) }

    /// A founder that is alone has something to sign: there is nothing to begin with.
    mutating func giveUp(now: Instant) {
        if case .waiting = state { end(hasSums: false, now: now) }
    }
}
