import Identity
import Replication
import Testing
import Wire

@Suite struct PoolTests {
    let authors = Authors()

    private func append(_ author: Int, to replica: inout Replica, body: Bytes = [0]) -> Op {
        let op = authors.write(author, on: replica, body: body)
        _ = replica.offer(op, from: nil)
        replica.supply(body, hash: op.header.bodyHash)
        while let ready = replica.take() { replica.apply(ready.op) }
        return op
    }

    @Test func `the op that all others wait for is taken in although its sender has used up its share`() {
        var source = Replica()
        let awaited = append(1, to: &source)
        let waiting = (0..<6).map { _ in append(0, to: &source) }
        #expect(waiting[0].header.deps == [awaited.id])
        var replica = Replica(maxWaitingPerSender: 3)
        let sender = authors.keys[3].peerID
        for op in waiting { _ = replica.offer(op, from: sender) }
        #expect(replica.offer(awaited, from: sender) == .accepted(awaited.id))
        var applied: [OpID] = []
        while let ready = replica.take() {
            replica.apply(ready.op)
            applied.append(ready.op.id)
        }
        #expect(applied.first == awaited.id && applied.count >= 3)
        #expect(replica.waitingCount == 0, "what had to make room is asked for again")
    }

    @Test func `bodies of ops that may never be applied do not crowd out those that can`() {
        var source = Replica()
        let opened = (0..<2).map { append($0, to: &source) }
        let large = Bytes(repeating: 1, count: 40_000)
        let lost = append(0, to: &source)
        let orphans = (0..<5).map { _ in append(0, to: &source, body: large) }
        let next = authors.write(1, on: source, body: large)
        var replica = Replica(maxWaitingBytes: 100_000)
        for op in opened + orphans { _ = replica.offer(op, from: nil) }
        while let ready = replica.take() { replica.apply(ready.op) }
        #expect(!replica.contains(lost.id))
        let before = replica.wantedBodies
        #expect(before.reduce(0) { $0 + $1.length } <= 100_000 && !before.isEmpty)
        for want in before { replica.supply(large, hash: want.hash) }
        var other = source
        _ = other.offer(next, from: nil)
        // An op that lacks its body alone comes first, even with no memory left.
        let ready = authors.write(1, on: replica, body: large + [2])
        _ = replica.offer(ready, from: nil)
        #expect(replica.wantedBodies.first?.op == ready.id)
    }
}
