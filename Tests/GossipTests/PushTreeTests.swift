import Gossip
import Identity
import Testing
import Wire

@Suite struct PushTreeTests {
    static let now = Instant(milliseconds: 1_000)
    let a = Talker.peers[0]
    let b = Talker.peers[1]
    func id(_ number: UInt8) -> OpID { OpID(Bytes(repeating: number, count: 32))! }

    private func tree(prunes: Bool = true) -> PushTree {
        var tree = PushTree()
        tree.prunes = prunes
        tree.connected(a, hasTrees: true)
        tree.connected(b, hasTrees: true)
        return tree
    }

    private let author: PeerID = blake2b256(domain: "test/author", [1])
    private let other: PeerID = blake2b256(domain: "test/author", [2])

    @Test func `a duplicate makes the link lazy for its author`() {
        var tree = tree()
        #expect(tree.duplicate(from: a, [author], isAll: true) == [.prune(a, [author])])
        #expect(!tree.isEager(a, for: author) && tree.isEager(b, for: author) && tree.isEager(a, for: other))
        let again = tree.duplicate(from: a, [author], isAll: true)
        #expect(again == [.prune(a, [author])], "the other end does not know yet")
        #expect(tree.lazyCount == 1)
        var everybody = self.tree(prunes: false)
        #expect(everybody.duplicate(from: a, [author], isAll: true) == [], "not where all are pushed to")
        #expect(everybody.isEager(a, for: author))
        #expect(tree.isEager(Talker.peers[2], for: author), "nor who does not know of trees")
        #expect(tree.duplicate(from: Talker.peers[2], [author], isAll: true) == [])
    }

    @Test func `who knows no trees of authors is told to announce everything`() {
        var tree = PushTree()
        tree.prunes = true
        tree.connected(a, hasTrees: false)
        #expect(tree.duplicate(from: a, [author], isAll: false) == [], "there was something new in it")
        #expect(tree.duplicate(from: a, [author], isAll: true) == [.prune(a, [])])
        #expect(!tree.isEager(a, for: author) && !tree.isEager(a, for: other) && tree.lazyCount == 1)
        tree.grafted(by: a, [author])
        #expect(tree.isEager(a, for: author) && tree.isEager(a, for: other))
        tree.pruned(by: a, [])
        #expect(!tree.isEager(a, for: other))
    }

    @Test func `a new link is eager whatever the one before it was`() {
        var tree = tree()
        tree.pruned(by: a, [author])
        tree.pruned(by: b, [author])
        tree.disconnected(a)
        tree.connected(Talker.peers[2], hasTrees: true)
        #expect(tree.isEager(Talker.peers[2], for: author) && !tree.isEager(b, for: author))
        tree.grafted(by: b, [author])
        #expect(tree.isEager(b, for: author) && tree.lazyCount == 0)
    }

    @Test func `more neighbours than a mask has bits share one tree`() {
        var tree = PushTree()
        tree.prunes = true
        let peers = (0..<70).map { blake2b256(domain: "test/peer", UInt64($0).bigEndianBytes) as PeerID }
        for peer in peers { tree.connected(peer, hasTrees: true) }
        for peer in peers { _ = tree.duplicate(from: peer, [author], isAll: true) }
        #expect(tree.lazyCount == 70)
        #expect(peers.suffix(6).allSatisfy { !tree.isEager($0, for: other) })
        for peer in peers.prefix(64) { tree.disconnected(peer) }
        for peer in peers.prefix(64) { tree.connected(peer, hasTrees: true) }
        #expect(peers.prefix(64).allSatisfy { tree.isEager($0, for: author) })
    }

    @Test func `a new author's tree begins as the others' one, and goes on by itself`() {
        var tree = tree()
        tree.begin(author)
        #expect(tree.isEager(a, for: author) && tree.isEager(b, for: author))
        tree.pruned(by: a, [author])
        tree.begin(other)
        #expect(!tree.isEager(a, for: other) && tree.isEager(b, for: other))
        tree.pruned(by: b, [author])
        tree.grafted(by: a, [author])
        #expect(!tree.isEager(a, for: other) && tree.isEager(b, for: other))
    }

    @Test func `a liar that names authors without end is not remembered for ever`() {
        var tree = tree()
        for number in 0..<10_000 {
            tree.pruned(by: a, [blake2b256(domain: "test/peer", UInt64(number).bigEndianBytes)])
        }
        let lazy = (0..<10_000).count {
            !tree.isEager(a, for: blake2b256(domain: "test/peer", UInt64($0).bigEndianBytes))
        }
        #expect(lazy == GossipLimits.treesOfAuthors)
    }

    @Test func `announcements are gathered`() {
        var tree = tree()
        tree.pruned(by: a, [author])
        tree.announce(id(1), to: a, now: Self.now)
        tree.announce(id(2), to: a, now: Self.now + 30)
        #expect(tree.nextDeadline == Self.now + GossipLimits.announceMs)
        #expect(tree.tick(now: Self.now + (GossipLimits.announceMs - 1)) == [])
        #expect(tree.tick(now: Self.now + GossipLimits.announceMs) == [.announce(a, [id(1), id(2)])])
        #expect(tree.nextDeadline == nil)
    }

    @Test func `what was announced and does not come is asked for, which makes the link eager`() {
        var tree = tree()
        tree.pruned(by: a, [author])
        tree.pruned(by: b, [author])
        tree.announced([id(1), id(2)], by: a, roundTripMs: 10, now: Self.now)
        tree.announced([id(2)], by: b, roundTripMs: 10, now: Self.now)
        tree.arrived(id(1), of: author, from: b)
        #expect(tree.tick(now: Self.now + (GossipLimits.graftMs - 1)) == [])
        #expect(tree.tick(now: Self.now + GossipLimits.graftMs) == [.graft(a, [id(2)])])
        var arrived = tree
        arrived.arrived(id(2), of: author, from: a)
        #expect(arrived.isEager(a, for: author) && !arrived.isEager(b, for: author))
        let again = Self.now + GossipLimits.graftMs + GossipLimits.graftAgainMs
        #expect(tree.tick(now: again) == [.graft(b, [id(2)])], "the other one who announced it")
        #expect(tree.tick(now: again + GossipLimits.graftAgainMs) == [])
        #expect(tree.missingCount == 0, "comparing frontiers does the rest")
    }

    @Test func `a far neighbour gets two round trips`() {
        var tree = tree()
        tree.announced([id(1)], by: a, roundTripMs: 900, now: Self.now)
        #expect(tree.nextDeadline == Self.now + 1_800)
    }

    @Test func `who has left is not asked`() {
        var tree = tree()
        tree.announced([id(1)], by: a, roundTripMs: 0, now: Self.now)
        tree.announced([id(1)], by: b, roundTripMs: 0, now: Self.now)
        tree.disconnected(a)
        #expect(tree.tick(now: Self.now + GossipLimits.graftMs) == [.graft(b, [id(1)])])
    }

    @Test func `a liar's announcements are bounded, and its grafts come in portions`() {
        var tree = tree()
        func ids(_ round: Int) -> [OpID] {
            (0..<1_000).map { blake2b256(domain: "test", UInt64(round * 1_000 + $0).bigEndianBytes) }
        }
        for round in 0..<6 { tree.announced(ids(round), by: a, roundTripMs: 0, now: Self.now) }
        #expect(tree.missingCount == GossipLimits.missingAnnounced)
        #expect(tree.counters.announcementsDropped == 6_000 - GossipLimits.missingAnnounced)
        guard case .graft(a, let asked)? = tree.tick(now: Self.now + GossipLimits.graftMs).first else {
            Issue.record("nothing is asked for")
            return
        }
        #expect(asked.count == GossipLimits.opsPerGraft)
    }
}

/// Headers through 64 nodes that are neighbours as overlays are: each way takes 10 ms, each write 5.
@Suite struct TreeNetworkTests {
    struct Net {
        var trees: [PushTree]
        var have: [Set<Int>]
        let near: [[Int]]
        let peers: [PeerID]
        var events: [Int: [(to: Int, from: Int, message: Content)]] = [:]
        var now = 0
        var pushes = 0
        var announcements = 0
        var dead: Set<Int> = []
        enum Content {
            case push(Int)
            case announce([Int])
            case graft([Int])
            case prune([PeerID])
            case stored(Int)
        }

        init(_ count: Int, degree: Int, seed: UInt64) {
            var random = Random(seed: seed)
            peers = (0..<count).map { blake2b256(domain: "test/peer", UInt64($0).bigEndianBytes) as PeerID }
            var near = Array(repeating: Set<Int>(), count: count)
            for node in 0..<count {
                let ring = (node + 1) % count
                near[node].insert(ring)
                near[ring].insert(node)
                while near[node].count < degree {
                    let other = random.below(count)
                    guard other != node else { continue }
                    near[node].insert(other)
                    near[other].insert(node)
                }
            }
            self.near = near.map { $0.sorted() }
            trees = Array(repeating: PushTree(), count: count)
            have = Array(repeating: [], count: count)
            for node in 0..<count {
                trees[node].prunes = true
                for other in near[node] { trees[node].connected(peers[other], hasTrees: true) }
            }
        }

        static func id(_ op: Int) -> OpID { blake2b256(domain: "test/op", UInt64(op).bigEndianBytes) }

        mutating func send(_ content: Content, _ from: Int, _ to: Int) {
            events[now + 10, default: []].append((to, from, content))
        }

        mutating func store(_ op: Int, at node: Int) {
            guard have[node].insert(op).inserted else { return }
            events[now + 5, default: []].append((node, node, .stored(op)))
        }

        mutating func run(ms: Int, names: [OpID: Int]) {
            let end = now + ms
            while now < end {
                now += 1
                for (to, from, content) in events.removeValue(forKey: now) ?? []
                where !dead.contains(to) && !dead.contains(from) {
                    happen(content, from, to)
                }
                let instant = Instant(milliseconds: UInt64(now))
                for node in trees.indices where trees[node].nextDeadline.map({ $0 <= instant }) ?? false {
                    for effect in trees[node].tick(now: instant) {
                        switch effect {
                        case .announce(let peer, let ids):
                            announcements += ids.count
                            send(.announce(ids.map { names[$0]! }), node, peers.firstIndex(of: peer)!)
                        case .graft(let peer, let ids):
                            send(.graft(ids.map { names[$0]! }), node, peers.firstIndex(of: peer)!)
                        case .prune: break
                        }
                    }
                }
            }
        }

        mutating func happen(_ content: Content, _ from: Int, _ to: Int) {
            let instant = Instant(milliseconds: UInt64(now))
            switch content {
            case .push(let op):
                pushes += 1
                if have[to].contains(op) {
                    let effects = trees[to].duplicate(from: peers[from], [peers[author[op]!]], isAll: true)
                    for case .prune(_, let authors) in effects { send(.prune(authors), to, from) }
                } else {
                    origin[to, default: [:]][op] = from
                    hops[op, default: [:]][to] = (hops[op]?[from] ?? 0) + 1
                    trees[to].arrived(Self.id(op), of: peers[author[op]!], from: peers[from])
                    store(op, at: to)
                }
            case .announce(let ops):
                let news = ops.filter { !have[to].contains($0) }.map(Self.id)
                trees[to].announced(news, by: peers[from], roundTripMs: 20, now: instant)
            case .graft(let ops):
                trees[to].grafted(by: peers[from], ops.map { peers[author[$0]!] })
                for op in ops { send(.push(op), to, from) }
            case .prune(let authors): trees[to].pruned(by: peers[from], authors)
            case .stored(let op):
                trees[to].begin(peers[author[op]!])
                for other in near[to] where origin[to]?[op] != other {
                    if trees[to].isEager(peers[other], for: peers[author[op]!]) {
                        send(.push(op), to, other)
                    } else {
                        trees[to].announce(Self.id(op), to: peers[other], now: instant)
                    }
                }
            }
        }

        var origin: [Int: [Int: Int]] = [:]
        var author: [Int: Int] = [:]
        var hops: [Int: [Int: Int]] = [:]

        mutating func sign(_ op: Int, at node: Int) {
            author[op] = node
            store(op, at: node)
        }

        func mostHops(_ ops: Range<Int>) -> [Int] { ops.map { hops[$0]!.values.max()! } }
    }

    @Test func `headers reach all, nearly once each, and still do when a tenth of the nodes has died`() {
        let count = 64
        var net = Net(count, degree: 6, seed: 5)
        let names = Dictionary(uniqueKeysWithValues: (0..<300).map { (Net.id($0), $0) })
        // One source, then many.
        for op in 0..<20 {
            net.sign(op, at: 3)
            net.run(ms: 1_000, names: names)
        }
        #expect(net.have.allSatisfy { $0.count == 20 })
        var before = net.pushes
        for op in 20..<70 {
            net.sign(op, at: 3)
            net.run(ms: 200, names: names)
        }
        net.run(ms: 2_000, names: names)
        let single = Double(net.pushes - before) / Double(50 * (count - 1)) - 1
        #expect(single <= 0.1, "redundancy \(single) with one source")
        before = net.pushes
        for op in 70..<170 {
            net.sign(op, at: op * 7 % count)
            net.run(ms: 100, names: names)
        }
        net.run(ms: 3_000, names: names)
        let many = Double(net.pushes - before) / Double(100 * (count - 1)) - 1
        #expect(many <= 0.1, "redundancy \(many) with many sources")
        let hops = (net.mostHops(0..<70).max()!, net.mostHops(70..<170).max()!)
        #expect(hops.0 <= 4 && hops.1 <= 8, "hops \(hops)")
        #expect(net.have.allSatisfy { $0.count == 170 })
        net.dead = [1, 11, 21, 31, 41, 51]
        for op in 170..<220 {
            net.sign(op, at: 3)
            net.run(ms: 100, names: names)
        }
        net.run(ms: 5_000, names: names)
        for node in 0..<count where !net.dead.contains(node) { #expect(net.have[node].count == 220, "node \(node)") }
        print("header redundancy: one source \(single), many \(many); hops at most: \(hops)")
    }
}
