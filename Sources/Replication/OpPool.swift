internal import Identity
internal import Wire

/// Ops that are verified but cannot be applied yet: their chain, their dependencies or their body
/// are missing. Bounded per sender and in all (protocol §3), bodies by ``Replica/wantedBodies``.
///
/// An op that is next in its log and whose dependencies are applied is always taken in: it may be the
/// one that all others wait for.
struct OpPool: Sendable {
    struct Waiting: Sendable {
        let op: Op
        let sender: PeerID?
        let arrival: UInt64
        var bytes: Int { op.envelope.count + (body?.count ?? 0) }
        var body: Bytes?
    }

    let maxPerSender: Int
    let maxBytes: Int
    private(set) var waiting: [OpID: Waiting] = [:]
    private var byPlace: [Place: OpID] = [:]
    private var perSender: [PeerID: Int] = [:]
    /// Of envelopes and of bodies.
    private(set) var bytes = 0
    private(set) var bodyBytes = 0
    private(set) var evictions = 0
    private var arrivals: UInt64 = 0

    struct Place: Hashable, Sendable {
        let key: LogKey
        let seq: UInt64
    }

    init(maxPerSender: Int, maxBytes: Int) {
        self.maxPerSender = maxPerSender
        self.maxBytes = maxBytes
    }

    var count: Int { waiting.count }
    subscript(id: OpID) -> Waiting? { waiting[id] }

    func at(_ key: LogKey, _ seq: UInt64) -> Waiting? {
        byPlace[Place(key: key, seq: seq)].flatMap { waiting[$0] }
    }

    private func isFull(for sender: PeerID, _ op: Op) -> Bool {
        perSender[sender, default: 0] >= maxPerSender || bytes - bodyBytes + op.envelope.count > maxBytes
    }

    /// Takes an op in.
    ///
    /// - Parameter isNext: nothing but its body is missing. Room is made for it.
    /// - Returns: false when its sender has used up its share.
    mutating func insert(_ op: Op, from sender: PeerID?, isNext: Bool) -> Bool {
        if let sender {
            if isFull(for: sender, op) {
                evictions += 1
                guard isNext else { return false }
                let newest = waiting.values.filter { $0.sender == sender }.max { $0.arrival < $1.arrival }
                if let newest { remove(newest.op.id) }
            }
            perSender[sender, default: 0] += 1
        }
        arrivals += 1
        waiting[op.id] = Waiting(op: op, sender: sender, arrival: arrivals, body: op.header.inlineBody)
        let place = Place(key: op.header.logKey, seq: op.header.seq)
        // On a forked log several ops may wait at one place.
        if byPlace[place] == nil { byPlace[place] = op.id }
        bytes += waiting[op.id]!.bytes
        return true
    }

    mutating func setBody(_ body: Bytes, for id: OpID) {
        guard waiting[id] != nil, waiting[id]!.body == nil else { return }
        waiting[id]!.body = body
        bytes += body.count
        bodyBytes += body.count
    }

    @discardableResult
    mutating func remove(_ id: OpID) -> Waiting? {
        guard let entry = waiting.removeValue(forKey: id) else { return nil }
        let place = Place(key: entry.op.header.logKey, seq: entry.op.header.seq)
        if byPlace[place] == id { byPlace[place] = nil }
        bytes -= entry.bytes
        if entry.op.header.inlineBody == nil { bodyBytes -= entry.body?.count ?? 0 }
        if let sender = entry.sender {
            perSender[sender]! -= 1
            if perSender[sender] == 0 { perSender[sender] = nil }
        }
        return entry
    }
}
