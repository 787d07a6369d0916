import Identity
import Membership
import Replication
import Testing
import Wire

@Suite struct ForkTests {
    let authors = Authors()

    private func op(_ seq: UInt64, after prev: Op?, body: UInt8 = 0, author: Int = 0, deps: [Op] = []) -> Op {
        let time = max(prev?.header.lamport ?? 0, deps.map(\.header.lamport).max() ?? 0)
        return Op(
            signing: seq == 1 ? .openLog : .createModel, body: [body], log: authors.logKey(author).log, seq: seq,
            prev: prev?.id ?? .zero, lamport: time + 1, deps: deps.map(\.id), network: authors.network,
            with: authors.keys[author])
    }

    /// Offers and applies.
    @discardableResult
    private func take(_ op: Op, into replica: inout Replica) -> Replica.Offer {
        let offer = replica.offer(op, from: nil)
        while let ready = replica.take() { replica.apply(ready.op) }
        return offer
    }

    /// A common beginning of two ops, and two branches of two.
    private func branches() -> (base: [Op], a: [Op], b: [Op]) {
        let one = op(1, after: nil)
        let two = op(2, after: one)
        let a = op(3, after: two, body: 1)
        let b = op(3, after: two, body: 2)
        return ([one, two], [a, op(4, after: a, body: 3)], [b, op(4, after: b, body: 4)])
    }

    @Test func `only two different ops of one place prove a fork, in whatever order`() {
        let (base, a, b) = branches()
        #expect(ForkProof(a[0], b[0]) == ForkProof(b[0], a[0]))
        #expect(ForkProof(a[0], b[0])?.seq == 3)
        #expect(ForkProof(a[0], a[0]) == nil)
        #expect(ForkProof(a[0], b[1]) == nil)
        #expect(ForkProof(base[0], op(1, after: nil, author: 1)) == nil)
    }

    @Test func `a proven fork ends the frontier before it, wherever the log had come to`() throws {
        let (base, a, b) = branches()
        var frontiers: [Hash32] = []
        for branch in [a, b, []] {
            var replica = Replica()
            for op in base + branch { take(op, into: &replica) }
            replica.retract(authors.logKey(0), from: 3)
            let head = try #require(replica.frontier[authors.logKey(0)])
            #expect(head == Frontier.Head(seq: 2, id: base[1].id, forkSeq: 3))
            #expect(replica.headersThrough(authors.logKey(0)) == 2)
            frontiers.append(replica.frontier.digest())
        }
        #expect(Set(frontiers).count == 1)
    }

    @Test func `the earliest proof counts, whatever the order of proofs`() {
        let (base, a, _) = branches()
        var replica = Replica()
        for op in base + a { take(op, into: &replica) }
        replica.retract(authors.logKey(0), from: 2)
        replica.retract(authors.logKey(0), from: 3)
        #expect(replica.frontier[authors.logKey(0)] == Frontier.Head(seq: 1, id: base[0].id, forkSeq: 2))
        replica.retract(authors.logKey(0), from: 1)
        #expect(replica.frontier[authors.logKey(0)] == Frontier.Head(seq: 0, id: .zero, forkSeq: 1))
        #expect(replica.frontier.opCount == 0)
    }

    @Test func `what stands beyond a fork is taken in only when something here builds on it`() {
        let (base, a, b) = branches()
        var replica = Replica()
        for op in base { take(op, into: &replica) }
        replica.retract(authors.logKey(0), from: 3)
        #expect(take(a[0], into: &replica) == .retracted(a[0].id))
        #expect(replica.waitingCount == 0)

        let open = op(1, after: nil, author: 1)
        let built = op(2, after: open, author: 1, deps: [a[1]])
        take(open, into: &replica)
        #expect(take(built, into: &replica) == .accepted(built.id))
        #expect(replica.missing.map(\.id) == [a[1].id])
        #expect(take(b[1], into: &replica) == .retracted(b[1].id), "the other branch is of no use")
        #expect(take(a[1], into: &replica) == .accepted(a[1].id))
        #expect(replica.missing.map(\.id) == [a[0].id], "and now what that stands on")
        #expect(take(a[0], into: &replica) == .accepted(a[0].id))
        #expect(replica.frontier[authors.logKey(1)]?.seq == 2)
        #expect(replica.frontier[authors.logKey(0)]?.seq == 2, "its effect stays out")
        #expect(replica.missing.isEmpty)
    }

    @Test func `branches are no part of each other's past`() throws {
        let (base, a, b) = branches()
        var replica = Replica()
        for op in base + a { take(op, into: &replica) }
        replica.retract(authors.logKey(0), from: 3)
        let open = op(1, after: nil, author: 1)
        let built = op(2, after: open, author: 1, deps: [b[1]])
        for op in [open, built, b[1], b[0]] { take(op, into: &replica) }
        let places = try (base + a + b + [built]).map { try #require(replica.position(of: $0.id)) }
        func past(_ later: Int, _ earlier: Int) -> Bool { replica.past(of: places[later], includes: places[earlier]) }
        #expect(places[2] != places[4] && places[2].seq == places[4].seq)
        #expect(past(5, 1) && past(5, 4) && !past(5, 2) && !past(5, 3))
        #expect(past(3, 2) && !past(3, 4))
        #expect(past(6, 5) && past(6, 0) && !past(6, 2))
        #expect(replica.time(of: built.header) == built.header.lamport)
    }

    @Test func `a new op never builds on what is beyond a fork`() {
        let (base, a, _) = branches()
        var replica = Replica()
        for op in base + a { take(op, into: &replica) }
        #expect(replica.dependencies(for: authors.logKey(1)) == [a[1].id])
        replica.retract(authors.logKey(0), from: 3)
        #expect(replica.dependencies(for: authors.logKey(1)) == [base[1].id])
    }

    @Test func `what waits beyond the fork leaves the pool, but for what others wait for`() {
        let (base, a, _) = branches()
        var replica = Replica()
        take(base[0], into: &replica)
        take(a[0], into: &replica)
        take(a[1], into: &replica)
        #expect(replica.waitingCount == 2)
        let open = op(1, after: nil, author: 1)
        take(open, into: &replica)
        take(op(2, after: open, author: 1, deps: [a[0]]), into: &replica)
        replica.retract(authors.logKey(0), from: 3)
        #expect(replica.waitingCount == 2, "the op of the other author and what it builds on")
        take(base[1], into: &replica)
        #expect(replica.waitingCount == 0)
        #expect(replica.frontier[authors.logKey(1)]?.seq == 2)
    }
}
