import Consensus
import Federation
import Gossip
import Identity
import Membership
import Replication
import Session
import Testing
import Wire

@testable import Peer

/// A member leaves by its own word.
@Suite struct LeavingTests {
    private func town(_ count: Int) throws -> Town {
        let town = Town(members: count)
        town.measure = { node, question in question.kind == .checkpoint ? [2_000 + Int64(node)] : nil }
        for node in 0..<count { try town.start(node, contacts: Array(0..<node)) }
        town.run(milliseconds: 8_000)
        return town
    }

    private func leave(_ town: Town, _ node: Int) {
        let ticket = town.submit(node, .memberLeave, MemberLeave.body)
        town.run(milliseconds: 1_000)
        guard case .done? = town.results[ticket] else {
            Issue.record("leaving has no effect: \(town.results[ticket].map { "\($0)" } ?? "no answer")")
            return
        }
    }

    // MARK: What it means for others

    @Test func `of three that vote one leaves, the others let it go when they can do without it, and go on voting`()
        throws
    {
        let town = try town(3)
        leave(town, 2)
        town.run(milliseconds: 5_000)
        #expect(town[2].farewell.isDone, "nobody waits for the usual time of the next checkpoint")
        #expect(town[2].farewell.releasedBy == 2)
        for node in 0..<2 {
            #expect(town[node].state.consensus.latest.electorate.members == [town.peer(0), town.peer(1)].sorted())
            #expect(!town[node].state.members.contains(town.peer(2)))
            #expect(!town[node].peers.contains(town.peer(2)), "what is learned later is not for it")
            let seen = town[node].status.first { $0.id == town.peer(2) }
            #expect(seen?.hasLeft == true && seen?.isMember == false)
        }
        #expect(town[0].summary == town[1].summary)
        // Without it they decide and make the next checkpoint.
        town.stop(2)
        let guest = KeyPair(seed: Bytes(repeating: 77, count: 32)).peerID
        _ = town.submit(0, .memberAdd, try MemberAdd(peer: guest, name: "guest").encode())
        town.run(milliseconds: 1_000)
        for node in 0..<2 { town.post(node, .affirm(.admission(guest))) }
        town.run(milliseconds: 120_000)
        let latest = town[0].state.consensus.latest
        #expect(latest.height >= 2 && latest.electorate.index(of: guest) != nil)
        #expect(town[0].summary == town[1].summary)
    }

    @Test func `who has left signs nothing but what its vote takes`() throws {
        let town = try town(3)
        leave(town, 2)
        let ticket = town.submit(2, .memberAdd, try MemberAdd(peer: town.peer(0), name: "x").encode())
        town.run(milliseconds: 1_000)
        guard case .refused(let why)? = town.results[ticket] else {
            Issue.record("it signs on")
            return
        }
        #expect(why.contains("has left the network"))
        town.run(milliseconds: 90_000)
        let own = town.stores[2].filter { $0.op.header.author == town.peer(2) }
        let place = own.firstIndex { $0.op.header.kind == .memberLeave }!
        #expect(own[(place + 1)...].allSatisfy { $0.op.header.kind.mayFollowLeaving && $0.void == nil })
        #expect(own[(place + 1)...].contains { $0.op.header.kind == .vote }, "it votes for the checkpoint without it")
    }

    @Test func `a left site that starts again is told so, by its own store or by the others`() throws {
        let town = try town(3)
        let before = town.stores[2]
        leave(town, 2)
        town.run(milliseconds: 90_000)
        town.stop(2)
        try town.start(2, contacts: [0, 1])
        town.run(milliseconds: 5_000)
        #expect(town[2].farewell.isDone)
        town.stop(2)
        // Its database is put back to before it left.
        town.seed(2, with: before)
        try town.start(2, contacts: [0, 1], freshLog: 99)
        town.run(milliseconds: 5_000)
        #expect(!town[2].farewell.hasLeft)
        #expect(town[2].turnedAway.map(\.words) == [Node.youHaveLeft, Node.youHaveLeft])
        #expect(town[2].peers.isEmpty)
    }

    @Test func `a left site that cannot dial is told by those who could decide without it`() throws {
        let town = try town(4)
        leave(town, 0)
        town.stop(0)
        town.run(milliseconds: 60_000)
        #expect(town[1].state.consensus.latest.electorate.index(of: town.peer(0)) == nil)
        try town.start(0, contacts: [], journal: town.journal(of: 0))
        town.run(milliseconds: 300_000)
        #expect(town[0].farewell.isDone)
        // Where nobody answers any more, few knock, and not for ever.
        town.stop(0)
        town.run(milliseconds: 900_000)
        let knocks = try #require(town[1].contacts[town.peer(0)]).farewells
        #expect((5..<30).contains(knocks))
    }

    @Test func `a member without a vote is let go at once`() throws {
        let town = Town(members: 3)
        try town.start(0)
        try town.start(1, contacts: [0])
        town.run(milliseconds: 8_000)
        leave(town, 1)
        // Two of three are no quorum: it has a vote, and stays.
        #expect(!town[1].farewell.isDone)
        var bench = Bench(members: 1, outsiders: 1)
        bench.submit(.memberAdd, try MemberAdd(peer: bench.peer(1), name: "guest").encode(), at: 0)
        bench.connect(1, 0)
        bench.pass(milliseconds: 12_000)
        bench.connect(1, 0)
        bench.pass(milliseconds: 12_000)
        #expect(bench.nodes[1]!.state.members.contains(bench.peer(1)))
        guard case .done? = bench.submit(.memberLeave, MemberLeave.body, at: 1) else {
            Issue.record("leaving has no effect")
            return
        }
        #expect(bench.nodes[1]!.farewell == .init(hasLeft: true, votes: false, releasedBy: 1, isDone: true))
        #expect(!bench.isConnected(0, to: 1))
    }

    @Test func `the others make no room any more for what it trained`() throws {
        var (bench, model) = Bench.withModel()
        let created = bench.stored[0].last { $0.op.id == model }!.op
        let (both, own) = (TokenID(rawValue: 1), TokenID(rawValue: 2))
        let theirs = try RowAnnouncement(model: model, tokens: [both]).body
        guard
            case .done? = bench.submit(
                .announceRows, try RowAnnouncement(model: model, tokens: [both, own]).body, at: 0)
        else {
            Issue.record("the announcement has no effect")
            return
        }
        let key = bench.keys[2]
        let open = bench.sign(.openLog, Bench.openLog, by: key)
        let rows = bench.sign(
            .announceRows, theirs, by: key, seq: 2, prev: open.id, lamport: created.header.lamport + 1, deps: [model])
        let leave = bench.sign(
            .memberLeave, MemberLeave.body, by: key, seq: 3, prev: rows.id, lamport: created.header.lamport + 2)
        var relay = Guest(&bench, dials: 0, as: bench.keys[1])
        relay.say(.ops([open.envelope, rows.envelope]), &bench)
        let base = bench.nodes[0]!.roundBase(of: model, tokens: [both, own])
        let before = try #require(base)
        #expect(before.shares.map(\.owners) == [2, 1] && before.sites == 2)
        relay.say(.ops([leave.envelope]), &bench)
        let next = bench.nodes[0]!.roundBase(of: model, tokens: [both, own])
        let after = try #require(next)
        #expect(after.shares.map(\.owners) == [1, 1] && after.sites == 1)
    }

    // MARK: What it means for ops

    /// Site 2 trains, leaves, and goes on as it must not; what it writes elsewhere does not build on its leaving.
    private func ops(_ bench: Bench, _ model: ModelID) -> (before: [Op], leave: Op, after: Op, beside: [Op]) {
        let created = bench.stored[0].last { $0.op.id == model }!.op
        let key = bench.keys[2]
        let time = created.header.lamport
        let open = bench.sign(.openLog, Bench.openLog, by: key)
        let first = bench.sign(
            .updateModelWeights, Bench.delta(model, shift: 8), by: key, seq: 2, prev: open.id, lamport: time + 1,
            deps: [model])
        let leave = bench.sign(
            .memberLeave, MemberLeave.body, by: key, seq: 3, prev: first.id, lamport: time + 2)
        let after = bench.sign(
            .updateModelWeights, Bench.delta(model, shift: 9), by: key, seq: 4, prev: leave.id, lamport: time + 3)
        let other = bench.sign(.openLog, Bench.openLog, by: key, log: 78)
        let beside = bench.sign(
            .updateModelWeights, Bench.delta(model, shift: 10), by: key, log: 78, seq: 2, prev: other.id,
            lamport: time + 1, deps: [model])
        return ([open, first], leave, after, [other, beside])
    }

    @Test func `what stands before it keeps its effect, what builds on it has none, in any order`() {
        var digests: Set<Hash32> = []
        for order in [[0, 1, 2, 3], [3, 0, 1, 2], [0, 3, 1, 2], [0, 1, 3, 2]] {
            var (bench, model) = Bench.withModel()
            let none = bench.sums
            let (before, leave, after, beside) = ops(bench, model)
            let parts = [before, [leave], [after], beside]
            var relay = Guest(&bench, dials: 0, as: bench.keys[1])
            for at in order {
                let sums = bench.sums
                relay.say(.ops(parts[at].map(\.envelope)), &bench)
                if at == 1 || at == 2 { #expect(bench.sums == sums) } else { #expect(bench.sums != sums) }
            }
            #expect(bench.sums != none, "its deltas stay")
            #expect(bench.void(after.id, at: 0) == "has-left")
            #expect(bench.void(beside[1].id, at: 0) == nil)
            #expect(!bench.nodes[0]!.state.members.contains(bench.peer(2)))
            digests.insert(bench.summary(0).1)
            let summary = bench.summary(0)
            bench.stop(0)
            bench.start(0)
            #expect(bench.summary(0) == summary, "a restart finds the same")
        }
        #expect(digests.count == 1)
    }

    @Test func `a fork before it takes it back, and what built on it stays without effect`() {
        var digests: Set<Hash32> = []
        for forkFirst in [false, true] {
            var (bench, model) = Bench.withModel()
            let (before, leave, after, _) = ops(bench, model)
            let other = bench.sign(
                .deleteModel, [1], by: bench.keys[2], seq: 3, prev: before[1].id, lamport: leave.header.lamport)
            var relay = Guest(&bench, dials: 0, as: bench.keys[1])
            relay.say(.ops(before.map(\.envelope)), &bench)
            if forkFirst { relay.say(.equivocation(leave.envelope, other.envelope), &bench) }
            relay.say(.ops([leave.envelope, after.envelope]), &bench)
            if !forkFirst {
                #expect(!bench.nodes[0]!.state.members.contains(bench.peer(2)))
                relay.say(.ops([other.envelope]), &bench)
            }
            #expect(bench.nodes[0]!.state.members.contains(bench.peer(2)), "nothing says any more that it left")
            digests.insert(bench.summary(0).1)
        }
        #expect(digests.count == 1)
    }

    @Test func `nobody else can say it, and not twice`() {
        var (bench, model) = Bench.withModel()
        let (before, leave, _, _) = ops(bench, model)
        var relay = Guest(&bench, dials: 0, as: bench.keys[1])
        let wrong = bench.sign(.openLog, Bench.openLog, by: bench.keys[1], log: 79)
        let named = bench.sign(
            .memberLeave, [0x82, 0x01] + [0x58, 0x20] + bench.peer(2).bytes, by: bench.keys[1], log: 79, seq: 2,
            prev: wrong.id, lamport: 2)
        relay.say(.ops([wrong.envelope, named.envelope]), &bench)
        #expect(bench.void(named.id, at: 0) == "invalid-body")
        relay.say(.ops(before.map(\.envelope) + [leave.envelope]), &bench)
        let again = bench.sign(
            .memberLeave, MemberLeave.body, by: bench.keys[2], seq: 4, prev: leave.id, lamport: leave.header.lamport + 1
        )
        relay.say(.ops([again.envelope]), &bench)
        #expect(bench.void(again.id, at: 0) == "has-left")
        #expect(bench.nodes[0]!.state.members.left == [bench.peer(2)])
    }
}
