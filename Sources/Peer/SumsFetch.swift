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
///   ▲      ▲  │              └─ it does not answer, or has nothing of use ─┘             │ none of them came           │
///   └──────┼──┴─ nobody is left who could tell, or a founder signs that has met nobody   │                             │
///   └──────┴─────────────────────────────────────────────────────────────────────────────┴─────────────────────────────┘
/// ```
/// Everything is checked from the genesis alone (`CertificateAudit`); whoever sends what proves nothing is to blame. While a
/// node begins, nothing is applied: what was not added by itself need not be taken out again.
struct SumsFetch: Sendable {
    enum Limits {
        /// For one answer, and for all of one member.
        static let answerMs: UInt64 = 10_000
        static let memberMs: UInt64 = 120_000
        /// From one part to the next.
        static let partMs: UInt64 = 10_000
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
        /// All parts of these are handed over; answered by ``SumsFetch/pinned(now:)``.
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
    /// A part to fetch, and who has said that it exists.
    private struct Part: Sendable {
        let sums: BlockSums
        let index: Int
        let teller: PeerID
        /// It was found missing once.
        var isPostponed = false
        var hash: Hash32 { sums.parts[index] }
        var length: Int { sums.length(of: index) }
    }
    /// What one member's answers come to so far.
    private struct Search: Sendable {
        let since: Instant
        var audit: CertificateAudit
        var height: UInt64 = 0
        var sums: [BlockSums] = []
    }

    private let genesis: Genesis
    private let signatures: SignatureMemory?
    private var state: State
    /// Members that were asked; they are asked again when all were.
    private var asked: Set<PeerID> = []
    private var attempts = 0
    /// Logs with a delta whose body nobody has: later their blocks alone are of use.
    private var starved: Set<LogKey> = []
    /// Until the first time is over.
    private(set) var isBeginning: Bool
    private var nextTime = Instant(milliseconds: 0)
    private var pauseMs = Limits.againMs

    /// - Parameters:
    ///   - signatures: votes that need not be checked again.
    ///   - begins: it holds no delta, and may begin with sums.
    init(genesis: Genesis, signatures: SignatureMemory? = nil, begins: Bool) {
        self.genesis = genesis
        self.signatures = signatures
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

    /// Whether it is time to ask about a body that nobody has.
    func mayBegin(now: Instant) -> Bool { isIdle && nextTime <= now }

    /// Nobody has bodies of these logs that are needed: perhaps sums stand for them.
    mutating func lacksBodies(of logs: Set<LogKey>, now: Instant) {
        guard mayBegin(now: now), !logs.isEmpty else { return }
        starved = logs
        attempts = 0
        state = .waiting
    }

    private mutating func end(hasSums: Bool, now: Instant) {
        state = .idle
        nextTime = now + pauseMs
        // A network without certified sums says nothing about the time when there are some.
        pauseMs = hasSums || isBeginning ? Limits.againMs : min(pauseMs * 2, Limits.againAtMostMs)
        isBeginning = false
    }

    /// Somebody greeted, or went: asks whoever can tell, ascending, those first who were not asked.
    ///
    /// - Parameter tellers: connected members that understand the question.
    mutating func look(_ tellers: [PeerID], hasPeers: Bool, now: Instant) -> [Action] {
        // It may have turned this site away, which is not a member yet.
        if case .asking(let peer, _, _, _) = state, !tellers.contains(peer) { askAgain(peer) }
        guard case .waiting = state, hasPeers else { return [] }
        guard attempts < min(Limits.attempts, tellers.count) else {
            // Nobody is left who could tell.
            end(hasSums: false, now: now)
            return []
        }
        if asked.isSuperset(of: tellers) { asked = [] }
        let peer = tellers.first { !asked.contains($0) }!
        asked.insert(peer)
        attempts += 1
        let search = Search(since: now, audit: CertificateAudit(genesis: genesis, signatures: signatures))
        return ask(peer, .checkpoints(after: 0), search, now: now)
    }

    /// A connection to a member took the place of another, on which a question or its answer may be lost.
    mutating func reconnected(to peer: PeerID) {
        if case .asking(peer, _, _, _) = state { askAgain(peer) }
    }

    private mutating func askAgain(_ peer: PeerID) {
        asked.remove(peer)
        attempts -= 1
        state = .waiting
    }

    private mutating func ask(_ peer: PeerID, _ want: SumsWant, _ search: Search, now: Instant) -> [Action] {
        state = .asking(peer, want, search, until: min(now + Limits.answerMs, search.since + Limits.memberMs))
        return [.ask(peer, want)]
    }

    mutating func tick(now: Instant) -> [Action] {
        switch state {
        case .asking(_, _, _, let until) where until <= now: state = .waiting
        case .fetching(let missing, let sums, let until) where until <= now:
            let whole = sums.filter { sums in !missing.contains { $0.sums == sums } }
            guard whole.isEmpty else { return pin(whole) }
            end(hasSums: false, now: now)
        case .idle, .waiting, .asking, .fetching, .pinning: break
        }
        return []
    }

    // MARK: Answers

    /// - Parameter isOfUse: whether a part of a block is not here yet.
    mutating func answered(
        _ answer: SumsAnswer, by peer: PeerID, now: Instant, isOfUse: (LogBlock) -> Bool = { _ in true }
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
            let useful = search.sums.filter {
                (isBeginning || starved.contains($0.block.key)) && isOfUse($0.block)
            }
            fetch(useful, toldBy: peer, now: now)
            return []
        }
    }

    private func read(_ bytes: Bytes, _ want: SumsWant, _ search: inout Search) throws(ConsensusError) {
        let certificate: Certificate
        do { certificate = try Certificate(decoding: bytes) } catch { throw .invalidBody("\(error)") }
        switch want {
        case .checkpoints:
            try search.audit.add(certificate)
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
            do throws(ConsensusError) {
                try search.audit.add(certificate)
            } catch .unknownElectorate {
                // A checkpoint came into force between two pages: the next time knows it.
                return
            }
            search.sums.append(sums)
        }
    }

    // MARK: Parts

    private mutating func fetch(_ sums: [BlockSums], toldBy teller: PeerID, now: Instant) {
        let parts = sums.flatMap { sums in
            sums.parts.indices.map { Part(sums: sums, index: $0, teller: teller) }
        }
        // Somebody else may know more.
        state = parts.isEmpty ? .waiting : .fetching(parts, of: sums, until: now + Limits.partMs)
    }

    /// Parts to fetch now, as bodies are; those last that were found missing.
    var wanted: [Replica.WantedBody] {
        guard case .fetching(let parts, _, _) = state else { return [] }
        let inOrder = parts.filter { !$0.isPostponed } + parts.filter(\.isPostponed)
        return inOrder.prefix(Limits.partsAtOnce).map { part in
            let block = part.sums.block
            return .init(
                op: block.id, hash: part.hash, length: part.length, sender: part.teller, key: block.key,
                seq: block.through)
        }
    }

    /// Nobody who was asked has this part: others come first. Each is waited for once.
    mutating func postpone(_ hash: Hash32, now: Instant) {
        guard case .fetching(var parts, let sums, _) = state else { return }
        let found = parts.indices.filter { parts[$0].hash == hash && !parts[$0].isPostponed }
        guard !found.isEmpty else { return }
        for at in found { parts[at].isPostponed = true }
        state = .fetching(parts, of: sums, until: now + Limits.partMs)
    }

    /// A body came whose hash was checked.
    mutating func supply(_ body: Bytes, hash: Hash32, now: Instant) -> [Action] {
        guard case .fetching(var parts, let sums, _) = state else { return [] }
        let found = parts.filter { $0.hash == hash && $0.length == body.count }
        guard !found.isEmpty else { return [] }
        parts.removeAll { $0.hash == hash && $0.length == body.count }
        let kept = found.map { Action.keep($0.sums, part: $0.index, body) }
        guard parts.isEmpty else {
            state = .fetching(parts, of: sums, until: now + Limits.partMs)
            return kept
        }
        return kept + pin(sums)
    }

    private mutating func pin(_ sums: [BlockSums]) -> [Action] {
        state = .pinning
        return [.pin(sums)]
    }

    /// A chunk of a part came: somebody is still at it.
    mutating func progressed(_ hash: Hash32, now: Instant) {
        guard case .fetching(let parts, let sums, _) = state, parts.contains(where: { $0.hash == hash }) else { return }
        state = .fetching(parts, of: sums, until: now + Limits.partMs)
    }

    mutating func pinned(now: Instant) { end(hasSums: true, now: now) }

    /// A founder that is alone has something to sign: there is nothing to begin with.
    mutating func giveUp(now: Instant) {
        if case .waiting = state { end(hasSums: false, now: now) }
    }
}
