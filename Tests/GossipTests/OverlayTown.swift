import Gossip
import Identity
import Session
import Wire

/// Overlays of many nodes, with connections and a clock but nothing else. A message takes 20 ms, a step 10.
struct OverlayTown {
    let ids: [PeerID]
    private let places: [PeerID: Int]
    var overlays: [Overlay]
    var isUp: [Bool]
    /// Which half of a split network each is on; halves do not hear each other.
    var side: [Int]
    let isDialable: [Bool]
    private var links: [Set<Int>]
    private var events: [Int: [Event]] = [:]
    private(set) var now = 0
    private(set) var hungUp = 0

    private enum Event {
        case dial(Int, Int)
        case message(Int, Int, PeersMessage)
    }

    static func address(_ node: Int) -> String { "site-\(node):7447" }

    /// - Parameter knows: whom each node has on its list.
    init(_ count: Int, dialable: (Int) -> Bool = { _ in true }, seed: UInt64 = 1, knows: (Int) -> [Int]) {
        var random = Random(seed: seed)
        ids = (0..<count).map { blake2b256(domain: "test/peer", UInt64($0).bigEndianBytes) as PeerID }
        places = Dictionary(uniqueKeysWithValues: ids.enumerated().map { ($0.element, $0.offset) })
        let ids = ids
        isDialable = (0..<count).map(dialable)
        let isDialable = isDialable
        overlays = (0..<count).map { node in
            Overlay(
                peer: ids[node], address: isDialable[node] ? Self.address(node) : nil,
                listed: knows(node).map { KnownPeer(peer: ids[$0], address: Self.address($0)) },
                random: random.split(), now: Instant(milliseconds: 0))
        }
        isUp = Array(repeating: true, count: count)
        side = Array(repeating: 0, count: count)
        links = Array(repeating: [], count: count)
        for node in 0..<count { carryOut(overlays[node].setPartial(true, now: instant), of: node) }
    }

    private var instant: Instant { Instant(milliseconds: UInt64(now)) }

    mutating func run(seconds: Int) {
        let end = now + seconds * 1_000
        while now < end {
            now += 10
            for event in events.removeValue(forKey: now) ?? [] { happen(event) }
            // Each looks at its clock ten times a second.
            for node in stride(from: now / 10 % 10, to: overlays.count, by: 10) where isUp[node] {
                guard let due = overlays[node].nextDeadline, due <= instant else { continue }
                carryOut(overlays[node].tick(now: instant) { _ in true }, of: node)
            }
        }
    }

    private func canTalk(_ a: Int, _ b: Int) -> Bool { isUp[a] && isUp[b] && side[a] == side[b] }

    private mutating func happen(_ event: Event) {
        switch event {
        case .dial(let from, let to):
            guard isUp[from] else { return }
            guard canTalk(from, to), isDialable[to] else {
                return carryOut(overlays[from].failed(ids[to], now: instant), of: from)
            }
            links[from].insert(to)
            links[to].insert(from)
            carryOut(overlays[from].connected(ids[to], isInitiator: true, speaks: true, now: instant), of: from)
            carryOut(overlays[to].connected(ids[from], isInitiator: false, speaks: true, now: instant), of: to)
        case .message(let from, let to, let message):
            guard links[to].contains(from), canTalk(from, to) else { return }
            carryOut(overlays[to].received(message, from: ids[from], isMember: { _ in true }, now: instant), of: to)
        }
    }

    private mutating func carryOut(_ effects: [Overlay.Effect], of node: Int) {
        for effect in effects {
            switch effect {
            case .dial(let site): events[now + 20, default: []].append(.dial(node, places[site.peer]!))
            case .send(let to, let message):
                events[now + 20, default: []].append(.message(node, places[to]!, message))
            case .hangUp(let other):
                hungUp += 1
                close(node, places[other]!)
            case .neighbour: break
            }
        }
    }

    private mutating func close(_ a: Int, _ b: Int) {
        for (one, other) in [(a, b), (b, a)] where links[one].remove(other) != nil && isUp[one] {
            carryOut(overlays[one].disconnected(ids[other], now: instant), of: one)
        }
    }

    mutating func kill(_ node: Int) {
        isUp[node] = false
        for other in links[node] { close(other, node) }
    }

    /// Connections across die; in a while everybody has noticed.
    mutating func split(_ isLeft: (Int) -> Bool) {
        for node in side.indices { side[node] = isLeft(node) ? 0 : 1 }
        for a in side.indices { for b in links[a] where side[a] != side[b] { close(a, b) } }
    }

    mutating func heal() { side = side.map { _ in 0 } }

    // MARK: What it has come to

    private var running: [Int] { isUp.indices.filter { isUp[$0] } }

    func neighbours(of node: Int) -> [Int] { overlays[node].neighbours.map { places[$0]! } }

    /// Neighbours that think so as well.
    func mutual(of node: Int) -> [Int] {
        neighbours(of: node).filter { isUp[$0] && overlays[$0].isNeighbour(ids[node]) }
    }

    var degrees: [Int] { running.map { mutual(of: $0).count } }

    /// How many nodes a message reaches that starts at `start`, and in how many steps.
    func reach(from start: Int) -> (nodes: Int, steps: Int) {
        var seen: Set<Int> = [start]
        var edge = [start]
        var steps = 0
        while true {
            var next: [Int] = []
            for node in edge { for other in mutual(of: node) where seen.insert(other).inserted { next.append(other) } }
            guard !next.isEmpty else { return (seen.count, steps) }
            edge = next
            steps += 1
        }
    }
}
