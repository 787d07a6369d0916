import Identity
import Membership
import Replication
import Testing
import Wire

/// A few authors that write ops on top of what their replica holds.
struct Authors {
    let network = NetworkID(Bytes(repeating: 5, count: 32))!
    let keys = (1...4).map { KeyPair(seed: Bytes(repeating: UInt8($0), count: 32)) }

    func logKey(_ author: Int) -> LogKey { LogKey(author: keys[author].peerID, log: LogID(rawValue: UInt64(author))) }

    func write(_ author: Int, on replica: Replica, kind: OpKind = .createModel, body: Bytes = [0]) -> Op {
        let key = logKey(author)
        let head = replica.frontier[key]
        return Op(
            signing: head == nil ? .openLog : kind, body: body, log: key.log, seq: (head?.seq ?? 0) + 1,
            prev: head?.id ?? .zero, lamport: replica.lamport + 1, deps: replica.dependencies(for: key),
            network: network, with: keys[author])
    }
}

@Suite struct ReplicaTests {
    let authors = Authors()

    /// Writes, offers and applies in one go.
    @discardableResult
    func append(_ author: Int, to replica: inout Replica) -> Op {
        let op = authors.write(author, on: replica)
        #expect(replica.offer(op, from: nil) == .accepted(op.id))
        drain(&replica)
        return op
    }

    @discardableResult
    func drain(_ replica: inout Replica) -> [OpID] {
        var applied: [OpID] = []
        while let ready = replica.take() {
            replica.apply(ready.op)
            applied.append(ready.op.id)
        }
        return applied
    }

    /// Three authors writing on top of each other.
    func history(_ count: Int, seed: UInt64) -> [Op] {
        var replica = Replica()
        var random = Random(seed: seed)
        return (0..<count).map { _ in append(random.below(3), to: &replica) }
    }

    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func `whatever the order of arrival, the same ops are applied, each after its causal past`(seed: UInt64) {
        let ops = history(40, seed: seed)
        var shuffled = ops
        var random = Random(seed: seed)
        random.shuffle(&shuffled)
        var replica = Replica()
        var applied: [OpID] = []
        for op in shuffled {
            #expect(replica.offer(op, from: authors.keys[3].peerID) == .accepted(op.id))
            #expect(replica.offer(op, from: nil) == .known(op.id))
            applied += drain(&replica)
        }
        #expect(Set(applied) == Set(ops.map(\.id)) && applied.count == ops.count)
        #expect(replica.waitingCount == 0)
        let order = Dictionary(uniqueKeysWithValues: applied.enumerated().map { ($1, $0) })
        for op in ops {
            for dep in op.header.deps + (op.header.seq > 1 ? [op.header.prev] : []) {
                #expect(order[dep]! < order[op.id]!)
            }
        }
    }

    @Test(arguments: 1...10 as ClosedRange<UInt64>)
    func `the causal index agrees with a walk over the ancestors`(seed: UInt64) {
        let ops = history(30, seed: seed)
        var replica = Replica()
        for op in ops { _ = replica.offer(op, from: nil) }
        drain(&replica)
        var past: [OpID: Set<OpID>] = [:]
        for op in ops {
            let parents = op.header.deps + (op.header.seq > 1 ? [op.header.prev] : [])
            past[op.id] = parents.reduce(into: [op.id]) { $0.formUnion(past[$1]!) }
        }
        for later in ops {
            for earlier in ops {
                let includes = replica.past(
                    of: replica.position(of: later.id)!, includes: replica.position(of: earlier.id)!)
                #expect(includes == past[later.id]!.contains(earlier.id))
            }
        }
    }

    @Test func `a new op names only heads that its own past does not imply`() {
        var replica = Replica()
        let a = append(0, to: &replica)
        let b = append(1, to: &replica)
        #expect(b.header.deps == [a.id])
        let c = append(2, to: &replica)
        #expect(c.header.deps == [b.id], "a is implied by b")
        let d = append(2, to: &replica)
        #expect(d.header.deps == [])
    }

    @Test func `an op without its chain, its dependency or its body waits and blames nobody`() {
        var source = Replica()
        append(0, to: &source)
        let large = authors.write(0, on: source, body: Bytes(repeating: 3, count: 10_000))
        _ = source.offer(large, from: nil)
        source.supply(Bytes(repeating: 3, count: 10_000), hash: large.header.bodyHash)
        drain(&source)
        var replica = Replica()
        #expect(replica.offer(large, from: nil) == .accepted(large.id))
        #expect(drain(&replica) == [])
        #expect(replica.wantedBodies.map(\.op) == [large.id])
        replica.supply(Bytes(repeating: 3, count: 10_000), hash: large.header.bodyHash)
        #expect(replica.wantedBodies == [] && drain(&replica) == [])
        let first = source.id(authors.logKey(0), 1)!
        #expect(replica.waitingCount == 1 && source.contains(first))
    }

    @Test func `two ops at one place of a log are a fork, applied or waiting`() {
        var replica = Replica()
        append(0, to: &replica)
        var twin = replica
        let one = append(0, to: &replica)
        let two = authors.write(0, on: twin, body: [9])
        #expect(replica.offer(two, from: nil) == .fork(held: one.id, offered: two.id))
        let later = authors.write(0, on: replica)
        _ = twin.offer(two, from: nil)
        drain(&twin)
        #expect(twin.offer(later, from: nil) == .brokenChain(later.id))
    }

    @Test func `one sender cannot fill the pool`() {
        var source = Replica()
        let ops = (0..<8).map { _ in append(0, to: &source) }
        var replica = Replica(maxWaitingPerSender: 3)
        let flooder = authors.keys[1].peerID
        let offers = ops.dropFirst().map { replica.offer($0, from: flooder) }
        #expect(offers.filter { if case .accepted = $0 { true } else { false } }.count == 3)
        #expect(offers.last == .poolFull(ops.last!.id))
        #expect(replica.offer(ops[4], from: authors.keys[2].peerID) == .accepted(ops[4].id))
        replica.dropWaiting(from: flooder)
        #expect(replica.waitingCount <= 1)
    }

    @Test func `an op that was dropped while it was ready and came back without its body waits again`() {
        var source = Replica()
        append(0, to: &source)
        let body = Bytes(repeating: 3, count: 10_000)
        let large = authors.write(0, on: source, body: body)
        var replica = source
        _ = replica.offer(large, from: authors.keys[1].peerID)
        replica.supply(body, hash: large.header.bodyHash)
        #expect(replica.hasReady)
        replica.dropWaiting(from: authors.keys[1].peerID)
        #expect(replica.offer(large, from: authors.keys[2].peerID) == .accepted(large.id))
        #expect(replica.take() == nil)
        #expect(replica.wantedBodies.map(\.op) == [large.id])
        replica.supply(body, hash: large.header.bodyHash)
        #expect(drain(&replica) == [large.id])
    }

    @Test func `what a sender that is dropped had sent is asked of others, what builds on it stays`() {
        var source = Replica()
        let first = append(0, to: &source)
        let second = append(0, to: &source)
        let built = append(1, to: &source)
        var replica = Replica()
        _ = replica.offer(second, from: authors.keys[2].peerID)
        _ = replica.offer(built, from: authors.keys[1].peerID)
        replica.dropWaiting(from: authors.keys[2].peerID)
        #expect(!replica.isWaiting(second.id) && replica.isWaiting(built.id))
        _ = replica.offer(first, from: authors.keys[1].peerID)
        _ = replica.offer(second, from: authors.keys[1].peerID)
        #expect(drain(&replica) == [first.id, second.id, built.id])
    }

    @Test func `equal frontiers have equal digests, others not`() {
        let ops = history(20, seed: 3)
        var a = Replica()
        var b = Replica()
        for op in ops { _ = a.offer(op, from: nil) }
        for op in ops.reversed() { _ = b.offer(op, from: nil) }
        drain(&a)
        drain(&b)
        #expect(a.frontier == b.frontier)
        #expect(a.frontier.digest() == b.frontier.digest())
        append(0, to: &a)
        #expect(a.frontier.digest() != b.frontier.digest())
    }
}
