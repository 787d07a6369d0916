import Federation
import Identity
import Ledger
import Replication
import Session
import Testing
import Wire

@testable import Peer

/// What an elector subtracts to measure a claim: the claimed deltas, from the model as its author knew it.
@Suite struct ClaimedRangeTests {
    /// Deltas of sites 1 and 2, and a claim of site 1 for its first one; in the order of the logs.
    private struct Story {
        var one: [Op]
        var two: [Op]
        let claim: Op
    }

    private func story(_ bench: Bench, _ model: ModelID) -> Story {
        let time = bench.stored[0].last!.op.header.lamport
        func delta(_ key: KeyPair, seq: UInt64, after prev: Op, shift: UInt8, lamport: UInt64, deps: [OpID] = []) -> Op
        {
            bench.sign(
                .updateModelWeights, Bench.delta(model, shift: shift), by: key, seq: seq, prev: prev.id,
                lamport: lamport, deps: deps)
        }
        let (first, second) = (bench.keys[1], bench.keys[2])
        let openTwo = bench.sign(.openLog, Bench.openLog, by: second)
        let known = delta(second, seq: 2, after: openTwo, shift: 3, lamport: time + 1, deps: [model])
        let unknown = delta(second, seq: 3, after: known, shift: 4, lamport: time + 2)
        let openOne = bench.sign(.openLog, Bench.openLog, by: first)
        let claimed = delta(first, seq: 2, after: openOne, shift: 5, lamport: time + 2, deps: [known.id])
        let before = delta(first, seq: 3, after: claimed, shift: 6, lamport: time + 3)
        let span = OpSpan(model: model, log: claimed.header.log, from: 1, through: 2, head: claimed.id)
        let body = LedgerBody.claim(TrainingClaim(agent: "site", span: span))
        let account = AccountLog.first(of: first.peerID, in: bench.network).rawValue
        let openAccount = bench.sign(.openLog, Bench.openLog, by: first, log: account)
        let claim = bench.sign(
            body.kind, body.encode(), by: first, log: account, seq: 2, prev: openAccount.id, lamport: time + 4,
            deps: [before.id])
        let after = delta(first, seq: 4, after: before, shift: 7, lamport: time + 4)
        return Story(
            one: [openOne, claimed, before, openAccount, claim, after], two: [openTwo, known, unknown], claim: claim)
    }

    private func hear(_ story: Story, _ bench: inout Bench) {
        var relay = Guest(&bench, dials: 0, as: bench.keys[1])
        relay.say(.ops((story.two + story.one).map(\.envelope)), &bench)
    }

    @Test func `a claim's deltas, and whatever it does not build on, and nothing else`() throws {
        var (bench, model) = Bench.withModel()
        let story = story(bench, model)
        hear(story, &bench)
        #expect(bench.void(story.claim.id, at: 0) == nil)
        let node = bench.nodes[0]!
        let found = node.range(of: story.claim.id)
        let range = try #require(found)
        #expect(range.claimed.log.author == bench.peer(1))
        #expect(
            range.claimed.ops == [story.one[1].id], "the delta behind the range is built on, and stays in the model")
        let beyond = Dictionary(uniqueKeysWithValues: range.beyond.map { ($0.log.author, $0.ops) })
        #expect(beyond == [bench.peer(1): [story.one[5].id], bench.peer(2): [story.two[2].id]])
        #expect(Set(range.ops) == [story.one[1].id, story.one[5].id, story.two[2].id])
    }

    @Test func `taken from the model of now they give the model as the claim's author knew it`() throws {
        var (bench, model) = Bench.withModel()
        var (then, _) = Bench.withModel()
        let story = story(bench, model)
        hear(story, &bench)
        // Another node that has heard of nothing beyond the claim.
        var relay = Guest(&then, dials: 0, as: then.keys[1])
        relay.say(.ops((story.two.dropLast() + story.one.dropLast()).map(\.envelope)), &then)
        let node = bench.nodes[0]!
        let found = node.range(of: story.claim.id)
        let range = try #require(found)
        var merged = range.model
        for part in range.beyond {
            for id in part.ops.reversed() {
                let stored = try #require(bench.stored[0].first { $0.op.id == id })
                try merged.retract(
                    Delta(body: stored.op.header.inlineBody!), author: part.log.author, log: part.log.log)
            }
        }
        var wanted = then.nodes[0]!.state.models[model]!
        #expect(merged.digest() == wanted.digest())
    }

    @Test func `what is no claim has no range`() {
        let (bench, model) = Bench.withModel()
        let range = bench.nodes[0]!.range(of: model)
        #expect(range?.ops == nil)
    }
}
