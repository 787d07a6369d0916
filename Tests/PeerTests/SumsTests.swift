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

/// What is certified together counts together, whatever came first.
@Suite struct SumsTests {
    /// Four deltas of site 2, at the places 2 to 5.
    static func training(_ bench: Bench, _ model: ModelID) -> [Op] {
        let created = bench.stored[0].last { $0.op.id == model }!.op
        var ops = [bench.sign(.openLog, Bench.openLog, by: bench.keys[2])]
        for number in 1...4 {
            ops.append(
                bench.sign(
                    .updateModelWeights, Bench.delta(model, shift: UInt8(7 + number)), by: bench.keys[2],
                    seq: UInt64(number + 1), prev: ops.last!.id, lamport: created.header.lamport + UInt64(number),
                    deps: number == 1 ? [model] : []))
        }
        return ops
    }

    /// The deltas at the places 2 to 4, as site 0 adds them up.
    static func block(_ ops: [Op], after: UInt64 = 0, through: Int = 4) -> LogBlock {
        LogBlock(key: ops[0].header.logKey, after: after, through: UInt64(through), id: ops[through - 1].id)
    }

    static func certificate(_ bench: Bench, _ sums: BlockSums, by signers: [Int] = [0, 1]) -> Certificate {
        let table = bench.nodes[0]!.state.consensus
        let question = Proposition.sums(sums).question(by: sums.block.key.author, electorate: table.latestDigest)
        let ballot = Ballot(
            question: question.id(in: table.network), round: 0, phase: .commit, value: Value.yes.hash)
        let signatures = signers.map { site in
            Certificate.Signature(
                elector: table.latest.electorate.index(of: bench.peer(site))!,
                signature: ballot.sign(in: table.network, with: bench.keys[site]))
        }
        return Certificate(question: question, value: .yes, round: 0, signatures: signatures)
    }

    private func retraction(_ bench: Bench, _ ops: [Op], of seq: UInt64) -> Op {
        let range = Revocation.Range(log: ops[0].header.log, from: seq, through: seq, id: ops[Int(seq) - 1].id)
        return bench.sign(
            .retraction, Retraction(range).encode(), by: bench.keys[2], seq: UInt64(ops.count + 1),
            prev: ops.last!.id, lamport: ops.last!.header.lamport + 1)
    }

    /// Carries the certificate in a log of site 1.
    private func carrier(_ bench: Bench, _ sums: BlockSums) -> [Op] {
        let words = ConsensusOp.certificate(Self.certificate(bench, sums)).op
        let open = bench.sign(.openLog, Bench.openLog, by: bench.keys[1], log: 78)
        return [
            open, bench.sign(words.kind, words.body, by: bench.keys[1], log: 78, seq: 2, prev: open.id, lamport: 2),
        ]
    }

    /// The models after a fold of these ops alone.
    private func fold(_ model: ModelID, _ ops: [Op]) -> Hash32 {
        var table = ModelTable()
        table.apply(create: Bench.spec, id: model)
        for op in ops {
            try! table.apply(
                try! Delta(body: op.header.inlineBody!), author: op.header.author, log: op.header.log)
        }
        return table.digest()
    }

    @Test(arguments: [[0, 1], [1, 0]]) func `a retraction takes out the whole block`(_ order: [Int]) throws {
        var (bench, model) = Bench.withModel()
        let ops = Self.training(bench, model)
        var relay = Guest(&bench, dials: 0, as: bench.keys[1])
        relay.say(.ops(ops.map(\.envelope)), &bench)
        let found = bench.addUp(Self.block(ops), at: 0)
        let sums = try #require(found)
        let parts = [carrier(bench, sums), [retraction(bench, ops, of: 3)]]
        for part in order { relay.say(.ops(parts[part].map(\.envelope)), &bench) }
        #expect(bench.void(parts[0][1].id, at: 0) == nil && bench.void(parts[1][0].id, at: 0) == nil)
        #expect(bench.sums == fold(model, [ops[4]]), "places 2 to 4 are a block, 5 is none")
    }

    @Test func `without a certificate a retraction takes out what it names`() {
        var (bench, model) = Bench.withModel()
        let ops = Self.training(bench, model)
        var relay = Guest(&bench, dials: 0, as: bench.keys[1])
        relay.say(.ops((ops + [retraction(bench, ops, of: 3)]).map(\.envelope)), &bench)
        #expect(bench.sums == fold(model, [ops[1], ops[3], ops[4]]))
    }

    @Test func `a retraction behind a block leaves it alone`() throws {
        var (bench, model) = Bench.withModel()
        let ops = Self.training(bench, model)
        var relay = Guest(&bench, dials: 0, as: bench.keys[1])
        relay.say(.ops(ops.map(\.envelope)), &bench)
        let found = bench.addUp(Self.block(ops), at: 0)
        let sums = try #require(found)
        relay.say(.ops((carrier(bench, sums) + [retraction(bench, ops, of: 5)]).map(\.envelope)), &bench)
        #expect(bench.sums == fold(model, Array(ops[1...3])))
    }

    @Test(arguments: [false, true]) func `a fork in a block takes out all of it`(_ certificateFirst: Bool) throws {
        var (bench, model) = Bench.withModel()
        let ops = Self.training(bench, model)
        var relay = Guest(&bench, dials: 0, as: bench.keys[1])
        relay.say(.ops(ops.map(\.envelope)), &bench)
        let found = bench.addUp(Self.block(ops), at: 0)
        let sums = try #require(found)
        let other = bench.sign(.deleteModel, [1], by: bench.keys[2], seq: 4, prev: ops[2].id, lamport: 9)
        let certified = carrier(bench, sums)
        if certificateFirst { relay.say(.ops(certified.map(\.envelope)), &bench) }
        relay.say(.ops([other.envelope]), &bench)
        if !certificateFirst {
            #expect(bench.sums == fold(model, Array(ops[1...2])), "what stands before the fork counts")
            relay.say(.ops(certified.map(\.envelope)), &bench)
        }
        #expect(bench.sums == fold(model, []))
    }

    @Test func `a fork behind a block leaves it alone`() throws {
        var (bench, model) = Bench.withModel()
        let ops = Self.training(bench, model)
        var relay = Guest(&bench, dials: 0, as: bench.keys[1])
        relay.say(.ops(ops.map(\.envelope)), &bench)
        let found = bench.addUp(Self.block(ops), at: 0)
        let sums = try #require(found)
        let other = bench.sign(.deleteModel, [1], by: bench.keys[2], seq: 5, prev: ops[3].id, lamport: 9)
        relay.say(.ops((carrier(bench, sums) + [other]).map(\.envelope)), &bench)
        #expect(bench.sums == fold(model, Array(ops[1...3])))
    }

    @Test func `a block counts together as long as an op with effect carries its certificate`() throws {
        var (bench, model) = Bench.withModel()
        let ops = Self.training(bench, model)
        var relay = Guest(&bench, dials: 0, as: bench.keys[1])
        relay.say(.ops(ops.map(\.envelope)), &bench)
        let found = bench.addUp(Self.block(ops), at: 0)
        let sums = try #require(found)
        let certified = carrier(bench, sums)
        relay.say(.ops((certified + [retraction(bench, ops, of: 3)]).map(\.envelope)), &bench)
        #expect(bench.sums == fold(model, [ops[4]]))
        let other = bench.sign(.deleteModel, [1], by: bench.keys[1], log: 78, seq: 2, prev: certified[0].id, lamport: 2)
        relay.say(.ops([other.envelope]), &bench)
        #expect(bench.sums == fold(model, [ops[1], ops[3], ops[4]]))
        // Who holds it publishes it again.
        bench.pass(milliseconds: 15_000)
        #expect(bench.sums == fold(model, [ops[4]]))
    }

    @Test func `a certificate that is short, or signed by the author itself, certifies nothing`() throws {
        for signers in [[0], [0, 2]] {
            var (bench, model) = Bench.withModel()
            let ops = Self.training(bench, model)
            var relay = Guest(&bench, dials: 0, as: bench.keys[1])
            relay.say(.ops(ops.map(\.envelope)), &bench)
            let found = bench.addUp(Self.block(ops), at: 0)
            let sums = try #require(found)
            let words = ConsensusOp.certificate(Self.certificate(bench, sums, by: signers)).op
            guard case .void? = bench.submit(words.kind, words.body, at: 0) else {
                Issue.record("signatures of \(signers) certify sums")
                continue
            }
            relay.say(.ops([retraction(bench, ops, of: 3).envelope]), &bench)
            #expect(bench.sums == fold(model, [ops[1], ops[3], ops[4]]))
        }
    }

    @Test(arguments: [1, 2, 256]) func `a restart finds the same sums, however old the snapshot is`(every: Int) throws {
        var (bench, model) = Bench.withModel(snapshotEvery: every)
        let ops = Self.training(bench, model)
        var relay = Guest(&bench, dials: 0, as: bench.keys[1])
        relay.say(.ops(ops.map(\.envelope)), &bench)
        let found = bench.addUp(Self.block(ops), at: 0)
        let sums = try #require(found)
        relay.say(.ops((carrier(bench, sums) + [retraction(bench, ops, of: 3)]).map(\.envelope)), &bench)
        let summary = bench.summary(0)
        bench.stop(0)
        bench.start(0)
        #expect(bench.sums == fold(model, [ops[4]]))
        #expect(bench.summary(0) == summary)
    }

    @Test func `a start without the bodies that a certificate takes out reads them before it tells anything`() throws {
        // The snapshot is written after the retraction, before the certificate.
        var (bench, model) = Bench.withModel(snapshotEvery: 8)
        let ops = Self.training(bench, model)
        var relay = Guest(&bench, dials: 0, as: bench.keys[1])
        relay.say(.ops(ops.map(\.envelope)), &bench)
        let found = bench.addUp(Self.block(ops), at: 0)
        let sums = try #require(found)
        relay.say(.ops([retraction(bench, ops, of: 3).envelope]), &bench)
        relay.say(.ops(carrier(bench, sums).map(\.envelope)), &bench)
        let (digest, wanted) = (bench.sums, bench.summary(0))
        bench.stop(0)
        let watermark = try #require(bench.snapshots[0]?.watermark)
        // As a store does that knows of no fork and no retraction above the snapshot.
        let kept = bench.stored[0].map { stored in
            stored.applyIndex <= watermark && stored.op.header.kind == .updateModelWeights
                ? StoredOp(op: stored.op, body: nil, void: stored.void, applyIndex: stored.applyIndex) : stored
        }
        bench.start(0, from: Recovered(ops: kept, snapshot: bench.snapshots[0], journal: bench.journals[0]))
        bench.run(.wake, at: 0)
        #expect(bench.sums == digest && bench.summary(0) == wanted)
    }
}

/// Who asks for sums, and who finds them true.
@Suite struct SumsElectionTests {
    private func town(every: Int = 3) throws -> (Town, ModelID) {
        let town = Town(members: 3)
        town.sumsEveryDeltas = every
        for node in 0..<3 { try town.start(node, contacts: Array(0..<node)) }
        town.run(milliseconds: 8_000)
        let ticket = town.submit(0, .createModel, Bench.spec.body)
        town.run(milliseconds: 1_000)
        guard case .done(let model)? = town.results[ticket] else { preconditionFailure("a valid model is created") }
        return (town, model)
    }

    private func train(_ town: Town, _ model: ModelID, _ count: Int) {
        for _ in 0..<count {
            _ = town.submit(0, .updateModelWeights, Bench.delta(model))
            town.run(milliseconds: 200)
        }
    }

    private func certified(_ town: Town, at node: Int) -> [BlockSums] {
        town[node].state.consensus.certifiedSums(of: town[0].ownLogKey!).map(\.sums)
    }

    @Test func `electors find the same sums, and certify one block after the other`() throws {
        let (town, model) = try town()
        train(town, model, 2)
        town.run(milliseconds: 10_000)
        #expect(certified(town, at: 1).isEmpty, "there are not enough deltas yet")
        train(town, model, 5)
        town.run(milliseconds: 20_000)
        for node in 0..<3 {
            let blocks = certified(town, at: node).map(\.block)
            // The log begins with its opening and the model; questions stand between the deltas.
            #expect(blocks.map(\.after) == [0, 5] && blocks.first?.through == 5)
            #expect(blocks.map { town[node].state.deltas(of: $0)?.count } == [3, 3])
        }
        let digests = Set((0..<3).map { town[$0].summary.stateDigest })
        #expect(digests.count == 1)
    }

    @Test func `nobody votes for other sums than its own deltas have`() throws {
        let (town, model) = try town()
        // The author says that its deltas come to something else.
        town.tampersSums = { node, sums in
            node == 0 ? BlockSums(block: sums.block, byteCount: sums.byteCount, parts: [Hash32.zero]) : sums
        }
        train(town, model, 3)
        town.run(milliseconds: 30_000)
        let table = town[1].state.consensus
        let asked = table.matters.values.filter { $0.question.kind == .sums }
        #expect(asked.count == 1 && asked.allSatisfy { $0.votes.isEmpty })
        #expect(certified(town, at: 1).isEmpty)
    }

    @Test func `blocks begin behind what is taken back`() throws {
        let (town, model) = try town()
        train(town, model, 2)
        let key = try #require(town[0].ownLogKey)
        let end = try #require(town[0].countedDeltas(of: key).last)
        let id = try #require(town[0].replica.id(key, end))
        let range = Revocation.Range(log: key.log, from: end, through: end, id: id)
        _ = town.submit(0, .retraction, Retraction(range).encode())
        train(town, model, 3)
        town.run(milliseconds: 20_000)
        #expect(certified(town, at: 1).map(\.block.after) == [end])
    }
}
