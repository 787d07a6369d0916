public import Identity
public import Membership
public import Wire

/// Every log this node holds, in memory: who signed what after what.
///
/// A pure state machine over op *headers*; what ops mean is the caller's business. An op goes
/// through three stages:
///
/// ```
/// offer ──▶ waiting (pool) ──▶ ready ──▶ applied
///            chain, deps or     take()     apply()
///            body missing
/// ```
/// Ready ops come out in an order in which each op's causal past comes first.
public struct Replica: Sendable {
    /// What became of an op that came from outside.
    public enum Offer: Sendable, Equatable {
        /// It is in the pool, or ready.
        case accepted(OpID)
        /// It was already here.
        case known(OpID)
        /// Another op stands at its place in the log: two valid signatures prove the fork.
        case fork(held: OpID, offered: OpID)
        /// Its log does not continue at its place with its `prev`.
        case brokenChain(OpID)
        /// The sender has too many ops waiting.
        case poolFull(OpID)
    }

    /// An op whose causal past is applied and whose body is here.
    public struct Ready: Sendable, Equatable {
        public let op: Op
        public let body: Bytes
        /// Who sent it first; nil for the node's own.
        public let sender: PeerID?

        public init(op: Op, body: Bytes, sender: PeerID?) {
            self.op = op
            self.body = body
            self.sender = sender
        }
    }

    /// Where a missing body is wanted for.
    public struct WantedBody: Sendable, Equatable {
        public let op: OpID
        public let hash: Hash32
        public let length: Int
        public let sender: PeerID?
        public let key: LogKey
        public let seq: UInt64

        public init(op: OpID, hash: Hash32, length: Int, sender: PeerID?, key: LogKey, seq: UInt64) {
            self.op = op
            self.hash = hash
            self.length = length
            self.sender = sender
            self.key = key
            self.seq = seq
        }
    }

    private struct Log: Sendable {
        let key: LogKey
        var ids: [OpID] = []
        /// Of each op; see ``Replica/time(of:)``.
        var times: [UInt64] = []
        var head: OpID { ids.last ?? .zero }
        var seq: UInt64 { UInt64(ids.count) }
    }

    private var logs: [Log] = []
    private var numbers: [LogKey: Int] = [:]
    private var places: [OpID: LogPosition] = [:]
    private var causal = CausalIndex()
    private var pool: OpPool
    /// Which waiting ops a missing op would free.
    private var dependents: [OpID: [OpID]] = [:]
    private var readyQueue: [OpID] = []
    private var wanted: [OpID: WantedBody] = [:]
    public private(set) var frontier = Frontier()
    /// The latest time of an applied op.
    public private(set) var lamport: UInt64 = 0

    public init(maxWaitingPerSender: Int = 1_024, maxWaitingBytes: Int = 64 * 1_024 * 1_024) {
        pool = OpPool(maxPerSender: maxWaitingPerSender, maxBytes: maxWaitingBytes)
    }

    // MARK: Questions

    public func contains(_ id: OpID) -> Bool { places[id] != nil }
    public func isWaiting(_ id: OpID) -> Bool { pool[id] != nil }
    public func position(of id: OpID) -> LogPosition? { places[id] }
    public func key(of position: LogPosition) -> LogKey { logs[position.log].key }
    public var waitingCount: Int { pool.count }
    public var waitingBytes: Int { pool.bytes }
    public var evictions: Int { pool.evictions }
    public var hasReady: Bool { !readyQueue.isEmpty }

    /// The applied op at a place; nil beyond the head.
    public func id(_ key: LogKey, _ seq: UInt64) -> OpID? {
        guard let number = numbers[key], seq >= 1, seq <= logs[number].seq else { return nil }
        return logs[number].ids[Int(seq) - 1]
    }

    /// Whether `earlier` is in the causal past of `later`; both applied.
    public func past(of later: LogPosition, includes earlier: LogPosition) -> Bool {
        causal.past(of: later, includes: earlier)
    }

    /// Bodies to fetch now, most needed first: of ops that lack nothing else, then of the next few in
    /// each log while memory lasts. Bodies of ops that may never be applied cannot crowd out others.
    public var wantedBodies: [WantedBody] {
        let near = wanted.values.filter {
            pool[$0.op] != nil && $0.seq <= (frontier[$0.key]?.seq ?? 0) + Self.bodiesAhead
        }
        let sorted = near.map { (want: $0, isNext: isNext(pool[$0.op]!.op)) }.sorted { a, b in
            a.isNext != b.isNext ? a.isNext : (a.want.seq, a.want.op) < (b.want.seq, b.want.op)
        }
        var bytes = pool.bodyBytes
        var chosen: [WantedBody] = []
        for (want, isNext) in sorted {
            bytes += want.length
            if bytes <= pool.maxBytes || (isNext && chosen.count < Int(Self.bodiesAhead)) { chosen.append(want) }
        }
        return chosen
    }

    /// Bodies fetched ahead of the applied end of a log.
    private static let bodiesAhead: UInt64 = 8

    /// Whether nothing but its body keeps an op from being applied.
    private func isNext(_ op: Op) -> Bool {
        let head = frontier[op.header.logKey]
        return op.header.seq == (head?.seq ?? 0) + 1 && op.header.prev == (head?.id ?? .zero)
            && op.header.deps.allSatisfy { places[$0] != nil }
    }

    /// Up to where every op of a log is here, applied or waiting: what need not be asked for.
    public func headersThrough(_ key: LogKey) -> UInt64 {
        var seq = frontier[key]?.seq ?? 0
        while pool.at(key, seq + 1) != nil { seq += 1 }
        return seq
    }

    // MARK: Ops coming in

    /// Takes a verified op from outside (or, with no sender, from this node's own journal).
    public mutating func offer(_ op: Op, from sender: PeerID?) -> Offer {
        if places[op.id] != nil || pool[op.id] != nil { return .known(op.id) }
        let header = op.header
        let applied = frontier[header.logKey]?.seq ?? 0
        if header.seq <= applied {
            return .fork(held: id(header.logKey, header.seq)!, offered: op.id)
        }
        if let held = pool.at(header.logKey, header.seq) { return .fork(held: held.op.id, offered: op.id) }
        if header.seq == applied + 1, header.prev != (frontier[header.logKey]?.id ?? .zero) {
            return .brokenChain(op.id)
        }
        guard pool.insert(op, from: sender, isNext: isNext(op)) else { return .poolFull(op.id) }
        if wanted.count > pool.count { wanted = wanted.filter { pool[$0.key] != nil } }
        if header.inlineBody == nil {
            wanted[op.id] = WantedBody(
                op: op.id, hash: header.bodyHash, length: header.bodyLength, sender: sender, key: header.logKey,
                seq: header.seq)
        }
        advance(op.id)
        return .accepted(op.id)
    }

    /// A body arrived whose hash the caller has checked. Returns the ops it was for.
    @discardableResult
    public mutating func supply(_ body: Bytes, hash: Hash32) -> [OpID] {
        let filled = wanted.values.filter { pool[$0.op] != nil && $0.hash == hash && $0.length == body.count }
            .map(\.op).sorted()
        for id in filled {
            wanted[id] = nil
            pool.setBody(body, for: id)
            advance(id)
        }
        return filled
    }

    /// Queues the op if nothing is missing any more, or notes what it waits for.
    private mutating func advance(_ id: OpID) {
        guard let entry = pool[id], entry.body != nil else { return }
        let header = entry.op.header
        let needs = (header.seq > 1 ? [header.prev] : []) + header.deps
        if let missing = needs.first(where: { places[$0] == nil }) {
            dependents[missing, default: []].append(id)
            return
        }
        readyQueue.append(id)
    }

    /// The next op to apply, or nil. The caller applies or refuses it before it asks again.
    public mutating func take() -> Ready? {
        while let id = readyQueue.first {
            readyQueue.removeFirst()
            // It may have left the pool since, and even have come back without its body.
            guard let entry = pool[id], let body = entry.body else { continue }
            pool.remove(id)
            // Its place may have been filled while it waited: then its chain is broken.
            let header = entry.op.header
            guard (frontier[header.logKey]?.seq ?? 0) + 1 == header.seq,
                (frontier[header.logKey]?.id ?? .zero) == header.prev
            else {
                refuse(id)
                continue
            }
            return Ready(op: entry.op, body: body, sender: entry.sender)
        }
        return nil
    }

    /// Where `op` would stand and whether `earlier` is in its causal past, before it is applied.
    public func judge(_ op: Op) -> (LogPosition) -> Bool {
        let number = numbers[op.header.logKey]
        let heads =
            op.header.deps.compactMap { places[$0] }
            + (number.map { [LogPosition(log: $0, seq: op.header.seq - 1)] } ?? [])
        let causal = causal
        return { earlier in heads.contains { causal.past(of: $0, includes: earlier) } }
    }

    /// Where `op` will stand when it is applied next.
    public func positionOfNext(_ op: Op) -> LogPosition {
        LogPosition(log: numbers[op.header.logKey] ?? logs.count, seq: op.header.seq)
    }

    /// The time of an op that will stand next in its log: one more than the latest of what it builds
    /// on (Lamport 1978). What an op claims is compared with this and never believed: a claim of the
    /// last number there is would leave everybody else without a later one.
    public func time(of header: Op.Header) -> UInt64 { time(next: header.logKey, deps: header.deps) }

    /// The time of the next op of a log, if it builds on `deps`, all applied.
    public func time(next key: LogKey, deps: [OpID]) -> UInt64 {
        let prev = numbers[key].flatMap { logs[$0].times.last } ?? 0
        return 1 + deps.reduce(prev) { latest, dep in max(latest, places[dep].map(time(at:)) ?? 0) }
    }

    private func time(at position: LogPosition) -> UInt64 { logs[position.log].times[Int(position.seq) - 1] }

    /// Appends a ready op to its log. Its chain and dependencies must be applied.
    ///
    /// - Returns: where it stands.
    @discardableResult
    public mutating func apply(_ op: Op) -> LogPosition {
        let header = op.header
        let number = numbers[header.logKey] ?? addLog(header.logKey)
        precondition(logs[number].seq + 1 == header.seq && logs[number].head == header.prev, "ops apply in chain order")
        let position = LogPosition(log: number, seq: header.seq)
        let deps = header.deps.map { places[$0]! }
        let time = time(of: header)
        logs[number].ids.append(op.id)
        logs[number].times.append(time)
        places[op.id] = position
        causal.add(position, deps: deps)
        frontier[header.logKey] = Frontier.Head(seq: header.seq, id: op.id)
        lamport = max(lamport, time)
        for dependent in dependents.removeValue(forKey: op.id) ?? [] { advance(dependent) }
        return position
    }

    /// Forgets a ready op that was refused, and whatever waits for it.
    public mutating func refuse(_ id: OpID) {
        var refused = [id]
        while let next = refused.popLast() {
            pool.remove(next)
            wanted[next] = nil
            refused += dependents.removeValue(forKey: next) ?? []
        }
    }

    private mutating func addLog(_ key: LogKey) -> Int {
        logs.append(Log(key: key))
        causal.addLog()
        numbers[key] = logs.count - 1
        return logs.count - 1
    }

    // MARK: Ops going out

    /// The heads a new op of `key` builds on: those of other logs that its own past does not imply.
    /// At most 64; the rest follow with the next op.
    public func dependencies(for key: LogKey) -> [OpID] {
        let own = numbers[key].map { LogPosition(log: $0, seq: logs[$0].seq) }
        var news: [LogPosition] = []
        for (number, log) in logs.enumerated() where log.key != key && log.seq > 0 {
            let known = own.map { $0.seq == 0 ? 0 : causal.knows($0, of: number) } ?? 0
            if log.seq > known { news.append(LogPosition(log: number, seq: log.seq)) }
        }
        let needed = news.filter { candidate in
            !news.contains { $0 != candidate && causal.past(of: $0, includes: candidate) }
        }
        return needed.map { logs[$0.log].ids[Int($0.seq) - 1] }.sorted().prefix(OpLimits.dependencies).map { $0 }
    }

    /// Drops what a sender brought, when it is found out. What others brought stays, even if it builds on that:
    /// the same op may come from somebody else.
    public mutating func dropWaiting(from sender: PeerID) {
        for entry in pool.waiting.values where entry.sender == sender {
            pool.remove(entry.op.id)
            wanted[entry.op.id] = nil
        }
    }
}
