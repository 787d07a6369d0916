import Consensus
import Federation
import Identity
import Learning
import Membership
import Replication
import Session
import Wire

@testable import Peer

/// A few nodes on one table: connections without a network, stores without a disk, a clock that is set.
/// Messages arrive in the order in which they were sent and nothing is lost, unless a test wants it.
final class Town {
    let keys: [KeyPair]
    let genesis: Genesis
    private(set) var nodes: [Int: Node] = [:]
    private(set) var stores: [[StoredOp]]
    /// The envelopes of each log, of as many stored ops as `shelved` says.
    private var shelves: [[LogKey: [Bytes]]]
    private var shelved: [Int]
    private(set) var results: [UInt64: SubmitResult] = [:]
    private(set) var notices: [(node: Int, notice: Notice)] = []
    private(set) var now = Instant(milliseconds: 1_000_000)
    /// Times that each node asked to be woken at.
    private(set) var wakes: [Int: Instant] = [:]
    private(set) var wakeCount = 0
    /// What else of the store fails just before it takes the next batch.
    var storeFailure: String?
    /// Members up to which nodes started from now on dial everybody; nil: as in production.
    var everybody: Int?
    var sumsEveryDeltas = Int.max
    /// Nodes started from now on tell each other whom they can dial.
    var discovers = false
    /// The latest fold version that a node follows; nil: all that there are.
    var latestFold: [Int: UInt64] = [:]
    /// What a node makes of what it added up.
    var tampersSums: (Int, BlockSums) -> BlockSums = { $1 }
    /// Nodes whose store never says that a batch is written.
    var slowDisks: Set<Int> = []
    /// While true the stores do not answer.
    var holdsLoads = false
    private var loads: [(node: Int, event: Event)] = []
    private var queue: [(node: Int, event: Event)] = []
    private var wires: [Wire: Wire] = [:]
    private var puppets: [Int: Puppet] = [:]
    private var lastConnection: UInt64 = 0
    private var lastTicket: UInt64 = 0
    var reachable: (Int, Int) -> Bool = { _, _ in true }
    /// What a node finds when it is asked to measure; nil: it abstains.
    var measure: (Int, Question) -> [Int64]? = { _, _ in nil }

    struct Wire: Hashable {
        let node: Int
        let number: UInt64
    }

    /// - Parameters:
    ///   - members: all are founders; a node runs where ``start(_:contacts:journal:)`` says.
    ///   - outsiders: further keys, which are none.
    init(members: Int, outsiders: Int = 0, policy: NetworkPolicy = .standard) {
        let all = members + outsiders
        keys = (0..<all).map { KeyPair(seed: Bytes(repeating: UInt8($0 + 1), count: 32)) }
        genesis = try! Genesis(
            name: "town", createdSeconds: 1, salt: Bytes(repeating: 1, count: 16),
            vocabularyKey: Bytes(repeating: 2, count: 32),
            founders: keys.prefix(members).map(\.peerID), policy: policy)
        stores = Array(repeating: [], count: all)
        shelves = Array(repeating: [:], count: all)
        shelved = Array(repeating: 0, count: all)
    }

    /// What every clock says, since 1970.
    var seconds: UInt64 { now.milliseconds / 1_000 }
    var network: NetworkID { genesis.networkID }
    func peer(_ node: Int) -> PeerID { keys[node].peerID }
    subscript(node: Int) -> Node { nodes[node]! }

    /// Starts a node from its store. Contacts are the indices of the nodes it dials.
    func start(_ index: Int, contacts: [Int] = [], journal: [JournalEntry] = [], freshLog: UInt64? = nil) throws {
        var configuration = NodeConfiguration(
            genesis: genesis, contacts: contacts.map { Contact(peer: peer($0), address: "\($0)", name: "\($0)") },
            listenAddresses: ["\(index)"], freshLog: LogID(rawValue: freshLog ?? UInt64(index + 1)))
        if let everybody { configuration.everybody = everybody }
        configuration.sumsEveryDeltas = sumsEveryDeltas
        configuration.discovers = discovers
        if let latest = latestFold[index] { configuration.latestFold = latest }
        nodes[index] = try Node(
            configuration: configuration, identity: keys[index],
            recovered: Recovered(ops: stores[index], snapshot: nil, journal: journal), seed: UInt64(index), now: now,
            wallSeconds: seconds)
        post(index, .wake)
    }

    /// What its sign journal holds.
    func journal(of index: Int) -> [JournalEntry] {
        stores[index].filter { $0.op.header.author == peer(index) }.map {
            JournalEntry(envelope: $0.op.envelope, body: $0.body)
        }
    }

    func seed(_ index: Int, with ops: [StoredOp]) {
        stores[index] = ops
        shelves[index] = [:]
        shelved[index] = 0
    }

    func stop(_ index: Int) {
        nodes[index] = nil
        wakes[index] = nil
        for wire in wires.keys where wire.node == index { cut(wire) }
    }

    func submit(_ index: Int, _ kind: OpKind, _ body: Bytes) -> UInt64 {
        lastTicket += 1
        post(index, .submit(ticket: lastTicket, kind: kind, body: body))
        return lastTicket
    }

    func post(_ index: Int, _ event: Event) { queue.append((index, event)) }

    /// Does everything that can be done without time passing.
    func settle(limit: Int = 1_000_000) {
        var left = limit
        while !queue.isEmpty, left > 0 {
            left -= 1
            let (index, event) = queue.removeFirst()
            guard nodes[index] != nil else { continue }
            for effect in nodes[index]!.handle(event, now: now) { carryOut(effect, of: index) }
        }
    }

    /// Lets time pass.
    func run(milliseconds: UInt64) {
        let end = now + milliseconds
        settle()
        while let next = wakes.values.min(), next <= end {
            now = max(now, next)
            for (index, at) in wakes.sorted(by: { $0.key < $1.key }) where at <= now {
                wakes[index] = nil
                wakeCount += 1
                post(index, .wake)
            }
            settle()
        }
        now = end
    }

    func releaseLoads() {
        let events = loads
        loads = []
        queue += events
    }

    var heldLoads: Int { loads.count }

    /// Makes a node shut a peer out.
    func ban(_ peer: Int, at index: Int) {
        var effects: [Effect] = []
        nodes[index]!.ban(self.peer(peer), "the test says so", now: now, &effects)
        for effect in effects { carryOut(effect, of: index) }
    }

    private func load(_ index: Int, _ event: Event) {
        if holdsLoads { loads.append((index, event)) } else { post(index, event) }
    }

    private func carryOut(_ effect: Effect, of index: Int) {
        switch effect {
        case .wake(let at): wakes[index] = at
        case .dial(_, let address, let dial):
            let other = Int(address)!
            guard nodes[other] != nil, reachable(index, other) else { return post(index, .dialFailed(dial)) }
            let (mine, theirs) = join(index, other)
            let exporter = Bytes(repeating: UInt8(truncatingIfNeeded: mine.number), count: 32)
            post(index, .opened(mine.number, role: .initiator, dial: dial, exporter: exporter))
            post(other, .opened(theirs.number, role: .acceptor, dial: nil, exporter: exporter))
        case .write(let number, let bytes):
            guard let end = wires[Wire(node: index, number: number)] else { return }
            if let puppet = puppets[end.node] {
                puppet.received(bytes)
            } else {
                post(end.node, .received(end.number, bytes))
            }
        case .close(let number): cut(Wire(node: index, number: number))
        case .persist(let batch):
            if let storeFailure { post(index, .persistFailed(storeFailure)) }
            stores[index] += batch.ops
            if !slowDisks.contains(index) { post(index, .persisted(batch.number)) }
        case .writeSnapshot: post(index, .snapshotWritten)
        case .loadOps(let request, let ranges):
            for stored in stores[index][shelved[index]...] {
                shelves[index][stored.op.header.logKey, default: []].append(stored.op.envelope)
            }
            shelved[index] = stores[index].count
            let envelopes = ranges.flatMap { shelves[index][$0.key]![Int($0.from) - 1..<Int($0.through)] }
            load(index, .opsLoaded(request: request, envelopes: envelopes))
        case .loadBody(let request, let hash):
            let body = stores[index].first { $0.op.header.bodyHash == hash && $0.body != nil }?.body
            load(index, .bodyLoaded(request: request, body: body))
        case .submitted(let ticket, let result): results[ticket] = result
        case .notice(let notice): notices.append((index, notice))
        case .measure(let id, let question): post(index, .measured(id, numbers: measure(index, question)))
        case .sum(let block): post(index, .summed(block, addUp(block, index).map { tampersSums(index, $0) }))
        case .pin(let sums, _): post(index, .pinned(sums))
        case .authenticated, .applied, .join, .keepPart, .drop: break
        }
    }

    private func addUp(_ block: LogBlock, _ index: Int) -> BlockSums? {
        guard let work = nodes[index]!.work(of: block) else { return nil }
        var sums = work.sums
        for op in work.ops {
            let stored = stores[index].first { $0.op.id == op }!
            try! sums.add(body: stored.body ?? stored.op.header.inlineBody!)
        }
        return BlockSums(block: block, of: sums.encode())
    }

    private func join(_ a: Int, _ b: Int) -> (Wire, Wire) {
        lastConnection += 2
        let ends = (Wire(node: a, number: lastConnection), Wire(node: b, number: lastConnection + 1))
        wires[ends.0] = ends.1
        wires[ends.1] = ends.0
        return ends
    }

    private func cut(_ wire: Wire) {
        guard let end = wires.removeValue(forKey: wire) else { return }
        wires[end] = nil
        post(wire.node, .closed(wire.number))
        if let puppet = puppets[end.node] { puppet.isCut = true } else { post(end.node, .closed(end.number)) }
    }

    /// Connects a party that the test plays to a node; returns when the handshake is done.
    func puppet(as index: Int, to node: Int, features: UInt64 = 0) -> Puppet {
        let (mine, theirs) = join(-1 - puppets.count, node)
        let exporter = Bytes(repeating: UInt8(truncatingIfNeeded: mine.number), count: 32)
        let puppet = Puppet(
            key: keys[index], network: network, node: peer(node), features: features, exporter: exporter, now: now
        ) {
            [unowned self] bytes in post(node, .received(theirs.number, bytes))
        }
        puppets[mine.node] = puppet
        post(node, .opened(theirs.number, role: .acceptor, dial: nil, exporter: exporter))
        puppet.begin()
        settle()
        return puppet
    }
}

/// A party that says what the test wants, correctly framed.
final class Puppet {
    private var link: Link
    private let write: (Bytes) -> Void
    private var now: Instant
    private(set) var messages: [Message] = []
    fileprivate(set) var isCut = false
    /// What to answer, if anything.
    var answer: (Message) -> [Message] = { _ in [] }

    fileprivate init(
        key: KeyPair, network: NetworkID, node: PeerID, features: UInt64, exporter: Bytes, now: Instant,
        write: @escaping (Bytes) -> Void
    ) {
        self.write = write
        self.now = now
        link = Link(
            role: .initiator, identity: key, network: network, expected: node, exporter: exporter,
            offer: HelloOffer(features: features, frontier: .zero, state: .zero), now: now)
    }

    fileprivate func begin() { carryOut(link.start()) }
    fileprivate func received(_ bytes: Bytes) { carryOut(link.received(bytes, now: now)) }

    func send(_ message: Message) { carryOut(try! link.send(message)) }

    private func carryOut(_ outputs: [Link.Output]) {
        for output in outputs {
            switch output {
            case .write(let bytes): write(bytes)
            case .message(let message, let lane, let bytes):
                messages.append(message)
                carryOut(link.processed(lane: lane, bytes: bytes, now: now))
                for reply in answer(message) { send(reply) }
            case .established, .close: break
            }
        }
    }
}

/// Writes ops of several authors as the nodes themselves would.
struct Chronicle {
    let keys: [KeyPair]
    let network: NetworkID
    private(set) var replica = Replica()
    private(set) var ops: [StoredOp] = []

    init(_ town: Town) {
        keys = town.keys
        network = town.network
    }

    func key(_ author: Int) -> LogKey {
        LogKey(author: keys[author].peerID, log: LogID(rawValue: 100 + UInt64(author)))
    }

    /// Appends an op that takes effect: a member-add of the author, or what is given.
    @discardableResult
    mutating func write(
        _ author: Int, _ kind: OpKind = .memberAdd, _ body: Bytes? = nil, void: VoidReason? = nil
    ) -> Op {
        let key = key(author)
        if replica.frontier[key] == nil { append(author, .openLog, [0x81, 0x01], nil) }
        return append(
            author, kind, body ?? (try! MemberAdd(peer: keys[author].peerID, name: "\(ops.count)")).encode(), void)
    }

    @discardableResult
    private mutating func append(_ author: Int, _ kind: OpKind, _ body: Bytes, _ void: VoidReason?) -> Op {
        let key = key(author)
        let head = replica.frontier[key]
        let op = Op(
            signing: kind, body: body, log: key.log, seq: (head?.seq ?? 0) + 1, prev: head?.id ?? .zero,
            lamport: replica.lamport + 1, deps: replica.dependencies(for: key), network: network, with: keys[author])
        replica.apply(op)
        let separate = op.header.inlineBody == nil
        ops.append(StoredOp(op: op, body: separate ? body : nil, void: void, applyIndex: UInt64(ops.count + 1)))
        return op
    }
}
