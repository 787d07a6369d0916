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
///
/// A log is a line of ops until its author signs two for one place. From the proof on (``retract(_:from:)``) the
/// frontier ends before the fork. Ops beyond it are *retracted*: they have no effect and are taken in only when
/// some op with effect builds on them, since what is judged by its causal past needs that past. Each branch is a
/// line of its own, with a number of its own in ``LogPosition/log``.
public struct Replica: Sendable {
    /// A line of ops, each the `prev` of the next: a log, or a branch of one beyond its first fork.
    private struct Line: Sendable {
        let key: LogKey
        /// The seq of the first op: 1, or that at which the branch leaves another line.
        var first: UInt64 = 1
        var ids: [OpID] = []
        /// Of each op; see ``Replica/time(of:)``.
        var times: [UInt64] = []
        var head: OpID { ids.last ?? .zero }
        /// Of the last op.
        var seq: UInt64 { first + UInt64(ids.count) - 1 }
    }

    private var lines: [Line] = []
    /// The line that was here first; the only one with ops that have effect.
    private var numbers: [LogKey: Int] = [:]
    /// The smallest seq of each log at which a fork is proven.
    public private(set) var forks: [LogKey: UInt64] = [:]
    private var places: [OpID: LogPosition] = [:]
    private var causal = CausalIndex()
    private var pool: OpPool
    /// Which waiting ops a missing op would free.
    private var dependents: [OpID: [OpID]] = [:]
    private var readyQueue: [OpID] = []
    private var wanted: [OpID: WantedBody] = [:]
    /// Places of deltas that are applied without their bodies.
    private var waived: [LogKey: [ClosedRange<UInt64>]] = [:]
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
    public func key(of position: LogPosition) -> LogKey { lines[position.log].key }
    /// The op that waits under this id.
    public func waitingOp(_ id: OpID) -> Op? { pool[id]?.op }
    public var waitingCount: Int { pool.count }
    public var waitingBytes: Int { pool.bytes }
    public var evictions: Int { pool.evictions }
    public var hasReady: Bool { !readyQueue.isEmpty }

    /// The applied op at a place of the line that was here first; nil beyond its head.
    public func id(_ key: LogKey, _ seq: UInt64) -> OpID? {
        guard let number = numbers[key], seq >= 1, seq <= lines[number].seq else { return nil }
        return lines[number].ids[Int(seq) - 1]
    }

    /// The number under which ``LogPosition/log`` speaks of a log's first line; nil before its first op.
    public func number(of key: LogKey) -> Int? { numbers[key] }

    /// Whether a place of a log is beyond a proven fork.
    public func isRetracted(_ key: LogKey, _ seq: UInt64) -> Bool { forks[key].map { seq >= $0 } ?? false }

    /// Ops that others wait for and that neither are here nor come by comparing frontiers, with whoever brought
    /// what builds on them; ascending by id. Only the retracted ones of a network with forks stay on this list.
    public var missing: [(id: OpID, sender: PeerID?)] {
        dependents.compactMap { id, waiting in
            guard places[id] == nil, pool[id] == nil else { return nil }
            return waiting.lazy.compactMap { pool[$0] }.first.map { (id, $0.sender) }
        }
        .sorted { $0.id < $1.id }
    }

    /// Whether `earlier` is in the causal past of `later`; both applied.
    public func past(of later: LogPosition, includes earlier: LogPosition) -> Bool {
        causal.past(of: later, includes: earlier)
    }

    /// Whether some op with effect is this one or builds on it: then every node that has the same ops with effect
    /// has it too, beyond a fork or not. Costs a search for each log.
    public func isReferenced(_ position: LogPosition) -> Bool {
        numbers.contains { key, line in
            let seq = frontier[key]?.seq ?? 0
            return seq > 0 && causal.past(of: LogPosition(log: line, seq: seq), includes: position)
        }
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

    /// Whether an op of a log waits for its body.
    public func lacksBody(of key: LogKey) -> Bool {
        wanted.values.contains { $0.key == key && pool[$0.op] != nil }
    }

    /// Bodies fetched ahead of the applied end of a log.
    private static let bodiesAhead: UInt64 = 32

    /// Whether nothing but its body keeps an op from being applied.
    private func isNext(_ op: Op) -> Bool {
        let head = frontier[op.header.logKey]
        return op.header.seq == (head?.seq ?? 0) + 1 && op.header.prev == (head?.id ?? .zero)
            && op.header.deps.allSatisfy { places[$0] != nil }
    }

    /// Up to where every op of a log is here, applied or waiting: what need not be asked for.
    public func headersThrough(_ key: LogKey) -> UInt64 {
        var seq = frontier[key]?.seq ?? 0
        while pool.at(key, seq + 1) != nil, !isRetracted(key, seq + 1) { seq += 1 }
        return seq
    }

    /// The last op of a log up to which every one is here, applied or waiting; nil for an empty log.
    public func lastHere(of key: LogKey) -> (seq: UInt64, id: OpID)? {
        let seq = headersThrough(key)
        return (id(key, seq) ?? pool.at(key, seq)?.op.id).map { (seq, $0) }
    }

    // MARK: Ops coming in

    /// Takes a verified op from outside (or, with no sender, from this node's own journal).
    public mutating func offer(_ op: Op, from sender: PeerID?) -> Offer {
        if places[op.id] != nil || pool[op.id] != nil { return .known(op.id) }
        let header = op.header
        if isRetracted(header.logKey, header.seq) { return offerRetracted(op, from: sender) }
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
        if header.inlineBody == nil, !isWaived(header) {
            wanted[op.id] = WantedBody(
                op: op.id, hash: header.bodyHash, length: header.bodyLength, sender: sender, key: header.logKey,
                seq: header.seq)
        }
        advance(op.id)
        return .accepted(op.id)
    }

    /// What is beyond a fork is taken in only for an op that waits for it: who signs without end fills no pool.
    private mutating func offerRetracted(_ op: Op, from sender: PeerID?) -> Offer {
        guard dependents[op.id]?.contains(where: { pool[$0] != nil }) == true else { return .retracted(op.id) }
        guard pool.insert(op, from: sender, isNext: true) else { return .poolFull(op.id) }
        advance(op.id)
        return .accepted(op.id)
    }

    /// Something else stands for the deltas of these places: their bodies are neither fetched nor waited for.
    public mutating func waiveBodies(of key: LogKey, _ places: ClosedRange<UInt64>) {
        waived[key, default: []].append(places)
        for id in pool.waiting.values.filter({ $0.op.header.logKey == key && isWaived($0.op.header) }).map(\.op.id)
            .sorted()
        {
            guard wanted.removeValue(forKey: id) != nil else { continue }
            advance(id)
        }
    }

    /// Whether an op is applied without its body.
    public func isWaived(_ header: Op.Header) -> Bool {
        header.kind == .updateModelWeights && waived[header.logKey]?.contains { $0.contains(header.seq) } ?? false
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
        guard let entry = pool[id] else { return }
        let header = entry.op.header
        guard entry.body != nil || isRetracted(header.logKey, header.seq) || isWaived(header) else { return }
        let prev = header.seq > 1 && places[header.prev] == nil ? header.prev : nil
        if let missing = prev ?? header.deps.first(where: { places[$0] == nil }) {
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
            guard let entry = pool[id] else { continue }
            let header = entry.op.header
            if isRetracted(header.logKey, header.seq) {
                pool.remove(id)
                return Ready(op: entry.op, body: entry.body ?? [], sender: entry.sender, isRetracted: true)
            }
            guard let body = entry.body ?? (isWaived(header) ? [] : nil) else { continue }
            pool.remove(id)
            // Its place may have been filled while it waited: then its chain is broken.
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
        let heads = (op.header.deps + [op.header.prev]).compactMap { places[$0] }
        let causal = causal
        return { earlier in heads.contains { causal.past(of: $0, includes: earlier) } }
    }

    /// Where `op` will stand when it is applied next: behind its `prev`, on a line of its own if another op is
    /// there already.
    public func positionOfNext(_ op: Op) -> LogPosition {
        let header = op.header
        let line = header.seq == 1 ? (numbers[header.logKey] == nil ? nil : lines.count) : places[header.prev]?.log
        guard let line, line < lines.count, lines[line].head == header.prev else {
            return LogPosition(log: lines.count, seq: header.seq)
        }
        return LogPosition(log: line, seq: header.seq)
    }

    /// The time of an op that will stand next in its log: one more than the latest of what it builds
    /// on (Lamport 1978). What an op claims is compared with this and never believed: a claim of the
    /// last number there is would leave everybody else without a later one.
    public func time(of header: Op.Header) -> UInt64 { time(after: header.prev, header.deps) }

    /// The time of the next op of a log, if it builds on `deps`, all applied.
    public func time(next key: LogKey, deps: [OpID]) -> UInt64 {
        time(after: frontier[key]?.id ?? .zero, deps)
    }

    private func time(after prev: OpID, _ deps: [OpID]) -> UInt64 {
        1 + deps.reduce(time(at: prev)) { max($0, time(at: $1)) }
    }

    /// 0 for an op that is not applied.
    private func time(at op: OpID) -> UInt64 {
        guard let position = places[op] else { return 0 }
        return lines[position.log].times[Int(position.seq - lines[position.log].first)]
    }

    /// Appends a ready op to its log. Its chain and dependencies must be applied.
    ///
    /// - Returns: where it stands.
    @discardableResult
    public mutating func apply(_ op: Op) -> LogPosition {
        let header = op.header
        let isRetracted = isRetracted(header.logKey, header.seq)
        let position = positionOfNext(op)
        if position.log == lines.count { addLine(header) }
        precondition(
            isRetracted || (position.log == numbers[header.logKey] && lines[position.log].seq + 1 == header.seq),
            "ops apply in chain order")
        let time = time(of: header)
        lines[position.log].ids.append(op.id)
        lines[position.log].times.append(time)
        // What stands before it on its own line is implied.
        let prev = header.seq > 1 ? [places[header.prev]!].filter { $0.log != position.log } : []
        let builtOn = header.deps.map { places[$0]! } + prev
        places[op.id] = position
        causal.add(position, deps: builtOn)
        if !isRetracted {
            frontier[header.logKey] = Frontier.Head(seq: header.seq, id: op.id, forkSeq: forks[header.logKey])
        }
        lamport = max(lamport, time)
        for dependent in dependents.removeValue(forKey: op.id) ?? [] { advance(dependent) }
        return position
    }

    /// A fork of a log is proven: its ops from `seq` on have no effect any more. The caller takes back what they
    /// did. A proof for a later place than is known changes nothing.
    public mutating func retract(_ key: LogKey, from seq: UInt64) {
        guard seq < forks[key] ?? .max else { return }
        forks[key] = seq
        let kept = min(frontier[key]?.seq ?? 0, seq - 1)
        frontier[key] = Frontier.Head(seq: kept, id: id(key, kept) ?? .zero, forkSeq: seq)
        let beyond = pool.waiting.values.filter { $0.op.header.logKey == key && $0.op.header.seq >= seq }
        for id in beyond.map(\.op.id).sorted() {
            wanted[id] = nil
            if dependents[id]?.contains(where: { pool[$0] != nil }) == true {
                advance(id)
            } else {
                pool.remove(id)
            }
        }
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

    private mutating func addLine(_ header: Op.Header) {
        lines.append(Line(key: header.logKey, first: header.seq))
        causal.addLog()
        // A branch may be here before the line that has effect: that one begins at 1 and is not retracted.
        if numbers[header.logKey] == nil, !isRetracted(header.logKey, header.seq) {
            numbers[header.logKey] = lines.count - 1
        }
    }

    // MARK: Ops going out

    /// The heads a new op of `key` builds on: those of other logs that its own past does not imply.
    /// At most 64; the rest follow with the next op.
    public func dependencies(for key: LogKey) -> [OpID] {
        let own = numbers[key].map { LogPosition(log: $0, seq: frontier[key]?.seq ?? 0) }
        var news: [LogPosition] = []
        for (number, line) in lines.enumerated() where line.key != key && numbers[line.key] == number {
            let seq = frontier[line.key]?.seq ?? 0
            let known = own.map { $0.seq == 0 ? 0 : causal.knows($0, of: number) } ?? 0
            if seq > known { news.append(LogPosition(log: number, seq: seq)) }
        }
        let needed = news.filter { candidate in
            !news.contains { $0 != candidate && causal.past(of: $0, includes: candidate) }
        }
        return needed.map { lines[$0.log].ids[Int($0.seq) - 1] }.sorted().prefix(OpLimits.dependencies).map { $0 }
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
