import Consensus
import Federation
import Gossip
import Identity
import Learning
import Membership
import Peer
import Replication
import Session
import Wire

/// Nodes on one table: what they ask for is done at once and in order, and everything is kept to look at.
///
/// Site `i` has the key of seed byte `i + 1`. The first `members` sites are founders.
struct Bench {
    let keys: [KeyPair]
    let genesis: Genesis
    var now = Instant(milliseconds: 1_000)
    var nodes: [Node?]
    /// What each site has made durable.
    var stored: [[StoredOp]]
    var forks: [[StoredFork]]
    var journals: [[JournalEntry]]
    /// The merged accumulators of each site.
    var snapshots: [StateSnapshot?]
    var snapshotEveryOps = 256
    /// Nobody asks for sums unless a test wants it.
    var sumsEveryDeltas = Int.max
    var beginsWithSums = true
    /// Parts of sums that each site keeps.
    var parts: [[Hash32: Bytes]]
    /// Sums that stand for bodies that a site does not have.
    var pinned: [[BlockSums]]
    var notices: [[Notice]]
    var results: [[UInt64: SubmitResult]]
    /// Sites whose writes stay on their way until ``finishWrites(of:)``.
    var slowDisks: Set<Int> = []
    var waiting: [Int: [StoreBatch]] = [:]
    /// Sites whose stores answer nothing until ``finishLoads(of:)``.
    var slowLoads: Set<Int> = []
    private var loads: [Int: [Event]] = [:]
    /// Both ends of each connection, the initiator first; `nil` is a ``Guest``.
    var wires: [ConnectionNumber: (Int?, Int?)] = [:]
    /// Tickets that somebody tried to redeem.
    var joins: [(number: ConnectionNumber, peer: PeerID, request: JoinRequest)] = []
    /// What was written to guests.
    var toGuests: [ConnectionNumber: [Bytes]] = [:]
    var closed: Set<ConnectionNumber> = []
    /// What has happened and is not told yet, in order.
    private var pending: [(site: Int, event: Event)] = []
    private var isRunning = false
    var lastWire: ConnectionNumber = 0
    var lastTicket: UInt64 = 0
    /// Names a new log for every start.
    private var starts: UInt64 = 1

    init(members: Int, outsiders: Int = 0) {
        keys = (0..<members + outsiders).map { KeyPair(seed: Bytes(repeating: UInt8($0 + 1), count: 32)) }
        genesis = try! Genesis(
            name: "bench", createdSeconds: 0, salt: Bytes(repeating: 1, count: 16),
            vocabularyKey: Bytes(repeating: 2, count: 32), founders: keys.prefix(members).map(\.peerID))
        nodes = Array(repeating: nil, count: keys.count)
        stored = Array(repeating: [], count: keys.count)
        forks = Array(repeating: [], count: keys.count)
        journals = Array(repeating: [], count: keys.count)
        snapshots = Array(repeating: nil, count: keys.count)
        notices = Array(repeating: [], count: keys.count)
        parts = Array(repeating: [:], count: keys.count)
        pinned = Array(repeating: [], count: keys.count)
        results = Array(repeating: [:], count: keys.count)
        for site in keys.indices { start(site) }
    }

    var network: NetworkID { genesis.networkID }
    func peer(_ site: Int) -> PeerID { keys[site].peerID }

    // MARK: Starting

    /// Starts a site from what is stored, or from something else.
    mutating func start(_ site: Int, from recovered: Recovered? = nil, contacts: [Contact] = []) {
        var configuration = NodeConfiguration(
            genesis: genesis, contacts: contacts, listenAddresses: [],
            freshLog: LogID(rawValue: starts))
        starts += 1
        configuration.snapshotEveryOps = snapshotEveryOps
        configuration.sumsEveryDeltas = sumsEveryDeltas
        configuration.beginsWithSums = beginsWithSums
        // AddressTests is about that.
        configuration.discovers = false
        nodes[site] = try! Node(
            configuration: configuration, identity: keys[site],
            recovered: recovered
                ?? Recovered(
                    ops: stored[site], forks: forks[site], snapshot: snapshots[site], journal: journals[site],
                    sums: pinned[site]),
            seed: UInt64(site), now: now, wallSeconds: now.milliseconds / 1_000)
    }

    mutating func stop(_ site: Int) {
        nodes[site] = nil
        for number in wires.keys.sorted() where wires[number]!.0 == site || wires[number]!.1 == site {
            cut(number, by: site)
        }
    }

    // MARK: Events

    /// Gives a node an event and nothing of what it asks for.
    mutating func tell(_ site: Int, _ event: Event) -> [Effect] { nodes[site]?.handle(event, now: now) ?? [] }

    /// Gives a node an event and does what follows from it, everywhere.
    mutating func run(_ event: Event, at site: Int) {
        pending.append((site, event))
        guard !isRunning else { return }
        isRunning = true
        while !pending.isEmpty {
            let (site, event) = pending.removeFirst()
            for effect in tell(site, event) { carryOut(effect, at: site) }
        }
        isRunning = false
    }

    /// Lets time pass in steps of a tenth of a second.
    mutating func pass(milliseconds: UInt64) {
        let end = now + milliseconds
        while now < end {
            now = now + 100
            for site in nodes.indices where nodes[site] != nil { run(.wake, at: site) }
        }
    }

    private mutating func carryOut(_ effect: Effect, at site: Int) {
        switch effect {
        case .wake, .dial, .applied, .authenticated, .measure: break
        case .sum(let block):
            let sums = addUp(block, at: site)
            pending.append((site, .summed(block, sums)))
        case .writeSnapshot(let snapshot):
            merge(snapshot, at: site)
            pending.append((site, .snapshotWritten))
        case .write(let number, let bytes): deliver(bytes, number, from: site)
        case .close(let number): cut(number, by: site)
        case .persist(let batch):
            if slowDisks.contains(site) { waiting[site, default: []].append(batch) } else { write(batch, of: site) }
        case .loadOps(let request, let ranges):
            let ops = stored[site]
            let found = ranges.flatMap { range in
                ops.filter {
                    $0.op.header.logKey == range.key && range.from <= $0.op.header.seq
                        && $0.op.header.seq <= range.through
                }
            }
            answer(.opsLoaded(request: request, envelopes: found.map(\.op.envelope)), to: site)
        case .loadBody(let request, let hash):
            let body = stored[site].first { $0.op.header.bodyHash == hash }?.body ?? parts[site][hash]
            answer(.bodyLoaded(request: request, body: body), to: site)
        case .keepPart(let sums, let part, let bytes): parts[site][sums.parts[part]] = bytes
        case .pin(let sums, let snapshot):
            merge(snapshot, at: site)
            pinned[site] += sums
            pending.append((site, .pinned(sums)))
        case .drop(let sums): dropBodies(sums, at: site)
        case .submitted(let ticket, let result): results[site][ticket] = result
        case .join(let number, let peer, let request): joins.append((number, peer, request))
        case .notice(let notice): notices[site].append(notice)
        }
    }

    private mutating func answer(_ event: Event, to site: Int) {
        if slowLoads.contains(site) { loads[site, default: []].append(event) } else { pending.append((site, event)) }
    }

    mutating func finishLoads(of site: Int) {
        slowLoads.remove(site)
        for event in loads.removeValue(forKey: site) ?? [] { run(event, at: site) }
    }

    private mutating func write(_ batch: StoreBatch, of site: Int) {
        journals[site] += batch.signed.map { JournalEntry(envelope: $0.op.envelope, body: $0.body) }
        stored[site] += batch.ops
        forks[site] += batch.forks
        run(.persisted(batch.number), at: site)
    }

    private mutating func merge(_ snapshot: StateSnapshot, at site: Int) {
        snapshots[site] = snapshots[site].map { Bench.merge(snapshot, into: $0) } ?? snapshot
    }

    /// What a store does with the rows and tensors that changed.
    private static func merge(_ new: StateSnapshot, into old: StateSnapshot) -> StateSnapshot {
        var models = old.models
        for model in new.models {
            let known = models.first { $0.id == model.id }
            models.removeAll { $0.id == model.id }
            let tensors = model.tensors.map(\.index)
            let rows = model.rows.map(\.token)
            let kept = (known?.tensors ?? []).filter { !tensors.contains($0.index) }
            let keptRows = (known?.rows ?? []).filter { !rows.contains($0.token) }
            models.append(
                .init(
                    id: model.id, tensors: (kept + model.tensors).sorted { $0.index < $1.index },
                    rows: (keptRows + model.rows).sorted { $0.token < $1.token }))
        }
        return StateSnapshot(watermark: new.watermark, models: models.sorted { $0.id < $1.id })
    }

    mutating func finishWrites(of site: Int) {
        while !(waiting[site] ?? []).isEmpty { write(waiting[site]!.removeFirst(), of: site) }
    }

    // MARK: Connections

    /// A connection between two sites, TLS done.
    @discardableResult
    mutating func connect(_ initiator: Int, _ acceptor: Int) -> ConnectionNumber {
        let number = newWire(initiator, acceptor)
        run(.opened(number, role: .acceptor, dial: nil, exporter: exporter(number)), at: acceptor)
        run(.opened(number, role: .initiator, dial: nil, exporter: exporter(number)), at: initiator)
        return number
    }

    mutating func newWire(_ initiator: Int?, _ acceptor: Int?) -> ConnectionNumber {
        lastWire += 1
        wires[lastWire] = (initiator, acceptor)
        return lastWire
    }

    func exporter(_ number: ConnectionNumber) -> Bytes {
        Bytes(repeating: UInt8(truncatingIfNeeded: number), count: 32)
    }

    mutating func deliver(_ bytes: Bytes, _ number: ConnectionNumber, from site: Int?) {
        guard let (one, other) = wires[number], !closed.contains(number) else { return }
        let target = one == site ? other : one
        if let target { run(.received(number, bytes), at: target) } else { toGuests[number, default: []].append(bytes) }
    }

    /// Ends a connection; the other side is told.
    mutating func cut(_ number: ConnectionNumber, by site: Int?) {
        guard let (one, other) = wires[number], closed.insert(number).inserted else { return }
        if let target = one == site ? other : one { run(.closed(number), at: target) }
    }

    // MARK: Ops

    /// Submits, and returns what became of it, if that is known already.
    @discardableResult
    mutating func submit(_ kind: OpKind, _ body: Bytes, at site: Int) -> SubmitResult? {
        lastTicket += 1
        run(.submit(ticket: lastTicket, kind: kind, body: body), at: site)
        return results[site][lastTicket]
    }

    @discardableResult
    mutating func createModel(at site: Int) -> ModelID {
        guard case .done(let id)? = submit(.createModel, Bench.spec.body, at: site) else {
            preconditionFailure("a valid model is created")
        }
        return id
    }

    static let spec = try! ModelSpec(
        name: "facts", agent: "test", shape: ModelShape(dim: 16, heads: 2, layers: 1, context: 8))

    /// A delta of one dense row.
    static func delta(_ model: ModelID, values: Int = 16, shift: UInt8 = 8) -> Bytes {
        let row = RowBlock(indices: [0], shifts: [shift], values: .int8(Array(repeating: 100, count: values)))
        return Delta(model: model, round: 1, steps: 1, tokensSeen: 1, dense: row, rows: .empty).body
    }

    /// An announcement whose body does not fit inline.
    static func manyRows(_ model: ModelID, count: Int = 300) -> Bytes {
        try! RowAnnouncement(model: model, tokens: (1...count).map { TokenID(rawValue: UInt128($0)) }).body
    }

    func ids(_ site: Int) -> [OpID] { stored[site].map(\.op.id) }
    func void(_ id: OpID, at site: Int) -> String? { stored[site].first { $0.op.id == id }?.void?.code }
    func isConnected(_ site: Int, to other: Int) -> Bool { nodes[site]!.peers.contains(peer(other)) }
    func summary(_ site: Int) -> (Hash32, Hash32) {
        (nodes[site]!.summary.frontierDigest, nodes[site]!.summary.stateDigest)
    }
}

extension Bench {
    /// Signs an op outside of any node, as somebody with that key could.
    func sign(
        _ kind: OpKind, _ body: Bytes, by key: KeyPair, log: UInt64 = 77, seq: UInt64 = 1, prev: OpID = .zero,
        lamport: UInt64 = 1, deps: [OpID] = [], network: NetworkID? = nil
    ) -> Op {
        Op(
            signing: kind, body: body, log: LogID(rawValue: log), seq: seq, prev: prev, lamport: lamport, deps: deps,
            network: network ?? self.network, with: key)
    }

    static let openLog: Bytes = [0x81, 0x01]
}
