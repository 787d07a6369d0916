import Gossip
import Identity
import Membership
import Replication
import Session
import Testing
import Wire

@testable import Peer

@Suite struct CatchUpTests {
    /// A node that holds `chronicle` and a newcomer that knows nobody else.
    func newcomer(after chronicle: Chronicle, in town: Town) throws {
        town.seed(0, with: chronicle.ops)
        try town.start(0)
        try town.start(3, contacts: [0])
    }

    @Test func `a newcomer with one neighbour takes in long logs that build on each other`() throws {
        let town = Town(members: 4)
        var chronicle = Chronicle(town)
        for _ in 0..<1_300 { for author in [1, 2] { chronicle.write(author) } }
        try newcomer(after: chronicle, in: town)
        town.run(milliseconds: 2_000)
        #expect(town[3].summary.frontier.opCount == 2_602)
        #expect(town[3].summary == town[0].summary)
        #expect(town[3].counters.refused["pool-full"] == nil)
    }

    @Test func `a log that only builds on the end of another waits for it without getting in its way`() throws {
        let town = Town(members: 4)
        var chronicle = Chronicle(town)
        // Whichever key comes first, one log is long before the other begins.
        for _ in 0..<1_500 { chronicle.write(1) }
        for _ in 0..<1_500 { chronicle.write(2) }
        for _ in 0..<1_500 { chronicle.write(1) }
        try newcomer(after: chronicle, in: town)
        town.run(milliseconds: 20_000)
        #expect(town[3].summary == town[0].summary)
    }

    @Test func `bodies of ops that cannot be applied yet do not fill the memory`() throws {
        let town = Town(members: 4)
        try town.start(0)
        let sender = town.puppet(as: 1, to: 0)
        // Each op builds on one that never comes; its body is there for the asking.
        let body = Bytes(repeating: 1, count: 1 << 20)
        var prev = OpID.zero
        var asked = 0
        var bodies: [Hash32: Bytes] = [:]
        sender.answer = { message in
            guard case .blobWant(let want) = message, let body = bodies[want.hash] else { return [] }
            asked += 1
            return want.indexes(of: BodyHash.chunkCount(length: body.count)).map {
                .blob(Blob(chunk: $0, of: body, hash: want.hash))
            }
        }
        var envelopes: [Bytes] = []
        for seq in 1...100 as ClosedRange<UInt64> {
            let other = body + seq.bigEndianBytes
            let op = Op(
                signing: seq == 1 ? .openLog : .createModel, body: seq == 1 ? [0x81, 0x01] : other,
                log: LogID(rawValue: 1), seq: seq, prev: prev, lamport: seq,
                deps: [OpID(Bytes(repeating: 9, count: 32))!],
                network: town.network, with: town.keys[1])
            bodies[op.header.bodyHash] = other
            prev = op.id
            envelopes.append(op.envelope)
        }
        sender.send(.ops(envelopes))
        town.run(milliseconds: 100)
        #expect(asked > 0)
        #expect(town[0].replica.waitingBytes <= 40 << 20)
    }

    @Test func `what a flooding member sent does not keep others' ops out`() throws {
        let town = Town(members: 4)
        var chronicle = Chronicle(town)
        for _ in 0..<10 { chronicle.write(1) }
        town.seed(1, with: chronicle.ops)
        try town.start(0)
        let flooder = town.puppet(as: 2, to: 0)
        var sent = 0
        // Ops with many dependencies that never come and large inline bodies.
        let deps = (0..<64).map { OpID(Bytes(repeating: 7, count: 31) + [UInt8($0)])! }
        while sent < 1_100 {
            let op = Op(
                signing: .createModel, body: Bytes(repeating: 0, count: 4_096), log: LogID(rawValue: UInt64(sent)),
                seq: 2,
                prev: deps[0], lamport: 9, deps: deps, network: town.network, with: town.keys[2])
            flooder.send(.ops([op.envelope]))
            sent += 1
            if sent.isMultiple(of: 50) { town.settle() }
        }
        town.settle()
        #expect(town[0].counters.refused["pool-full"] != nil)
        try town.start(1, contacts: [0])
        town.run(milliseconds: 5_000)
        #expect(town[0].summary == town[1].summary)
    }

    @Test func `a node that stopped does not wake up all the time`() throws {
        let town = Town(members: 2)
        try town.start(0, contacts: [1])
        town.run(milliseconds: 1_000)
        town.post(0, .persistFailed("the disk is full"))
        town.settle()
        let before = town.wakeCount
        town.run(milliseconds: 60_000)
        #expect(town.wakeCount - before < 60)
    }

    @Test func `a peer that hangs up at once is dialled less and less often`() throws {
        let town = Town(members: 2)
        try town.start(0)
        try town.start(1, contacts: [0])
        town.run(milliseconds: 1_000)
        // It accepts, greets, and says goodbye.
        town.ban(1, at: 0)
        let before = town[0].counters.connectionsOpened
        town.run(milliseconds: 60_000)
        #expect(town[0].counters.connectionsOpened - before < 40)
    }

    @Test func `questions beyond what a peer may have open at once are not asked of the store`() throws {
        let town = Town(members: 2)
        var chronicle = Chronicle(town)
        chronicle.write(0)
        town.seed(0, with: chronicle.ops)
        try town.start(0)
        town.holdsLoads = true
        let asker = town.puppet(as: 1, to: 0)
        let key = chronicle.key(0)
        for _ in 0..<500 {
            asker.send(.pull([PullRange(author: key.author, log: key.log, from: 1, through: 2)]))
            asker.send(.blobWant(BlobWant(hash: .zero, chunks: .all)))
        }
        town.settle()
        #expect(town.heldLoads <= 64)
        town.holdsLoads = false
        town.releaseLoads()
        town.settle()
        asker.send(.pull([PullRange(author: key.author, log: key.log, from: 1, through: 2)]))
        town.settle()
        #expect(asker.messages.contains { if case .ops(let ops) = $0 { ops.count == 2 } else { false } })
    }

    @Test func `an op that comes again is recognised, and an altered one still tells on its sender`() throws {
        let town = Town(members: 3)
        try town.start(0)
        let sender = town.puppet(as: 1, to: 0)
        let op = Op(
            signing: .openLog, body: [0x81, 0x01], log: LogID(rawValue: 1), seq: 1, prev: .zero, lamport: 1, deps: [],
            network: town.network, with: town.keys[1])
        for _ in 0..<3 { sender.send(.ops([op.envelope])) }
        town.settle()
        #expect(town[0].memory.signatures.count == 1 && town.stores[0].count == 1)
        var altered = op.envelope
        altered[altered.count - 1] ^= 1
        sender.send(.ops([altered]))
        town.settle()
        #expect(town[0].counters.refused["bad-signature"] == 1 && sender.isCut)
    }

    @Test func `a batch that is stored after something else of the store failed is no surprise`() throws {
        let town = Town(members: 1)
        try town.start(0)
        town.storeFailure = "a snapshot cannot be written: the disk is full"
        let ticket = town.submit(0, .memberAdd, try MemberAdd(peer: town.peer(0), name: "").encode())
        town.run(milliseconds: 1_000)
        #expect(town[0].stopped != nil && town.results[ticket] != nil)
    }
}
