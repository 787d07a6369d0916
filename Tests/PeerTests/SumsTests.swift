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
    /// Site 0 has heard of four deltas of site 2, at the places 2 to 5, and added up the first three: their block is
    /// certified, and carried by a log of site 1, of which site 0 has not heard.
    private struct Certified {
        var bench: Bench
        let model: ModelID
        let ops: [Op]
        let sums: BlockSums
        let carrier: [Op]
        private var relay: Guest

        init(snapshotEvery: Int = 256) throws {
            (bench, model) = Bench.withModel(snapshotEvery: snapshotEvery)
            ops = bench.training(model, deltas: 4)
            relay = Guest(&bench, dials: 0, as: bench.keys[1])
            relay.say(.ops(ops.map(\.envelope)), &bench)
            let block = LogBlock(key: ops[0].header.logKey, after: 0, through: 4, id: ops[3].id)
            let found = bench.addUp(block, at: 0)
            sums = try #require(found)
            carrier = Self.carrier(bench, sums)
        }

        private static func carrier(_ bench: Bench, _ sums: BlockSums) -> [Op] {
            let words = ConsensusOp.certificate(bench.certificate(sums)).op
            let open = bench.sign(.openLog, Bench.openLog, by: bench.keys[1], log: 78)
            return [
                open, bench.sign(words.kind, words.body, by: bench.keys[1], log: 78, seq: 2, prev: open.id, lamport: 2),
            ]
        }

        mutating func hear(_ ops: [Op]) { relay.say(.ops(ops.map(\.envelope)), &bench) }

        /// Site 2 takes back the delta at a place.
        func retraction(of seq: UInt64) -> Op {
            let range = Revocation.Range(log: ops[0].header.log, from: seq, through: seq, id: ops[Int(seq) - 1].id)
            return bench.sign(
                .retraction, Retraction(range).encode(), by: bench.keys[2], seq: UInt64(ops.count + 1),
                prev: ops.last!.id, lamport: ops.last!.header.lamport + 1)
        }

        /// Another op of site 2 at a place of its log.
        func fork(at seq: UInt64) -> Op {
            bench.sign(
                .deleteModel, [1], by: bench.keys[2], seq: seq, prev: ops[Int(seq) - 2].id, lamport: 9)
        }

        /// What site 0 came to, and what a fold of the deltas at these places alone comes to.
        func expectCounted(
            _ places: Int..., because comment: Comment? = nil, sourceLocation: SourceLocation = #_sourceLocation
        ) {
            var table = ModelTable()
            table.apply(create: Bench.spec, id: model)
            for place in places {
                let header = ops[place - 1].header
                try! table.apply(try! Delta(body: header.inlineBody!), author: header.author, log: header.log)
            }
            #expect(bench.sums == table.digest(), comment, sourceLocation: sourceLocation)
        }
    }

    @Test(arguments: [true, false]) func `a retraction takes out the whole block`(_ certificateFirst: Bool) throws {
        var town = try Certified()
        let retraction = town.retraction(of: 3)
        if certificateFirst { town.hear(town.carrier) }
        town.hear([retraction])
        if !certificateFirst { town.hear(town.carrier) }
        #expect(town.bench.void(town.carrier[1].id, at: 0) == nil && town.bench.void(retraction.id, at: 0) == nil)
        town.expectCounted(5, because: "places 2 to 4 are a block, 5 is none")
    }

    @Test func `without a certificate a retraction takes out what it names`() throws {
        var town = try Certified()
        town.hear([town.retraction(of: 3)])
        town.expectCounted(2, 4, 5)
    }

    @Test func `a retraction behind a block leaves it alone`() throws {
        var town = try Certified()
        town.hear(town.carrier + [town.retraction(of: 5)])
        town.expectCounted(2, 3, 4)
    }

    @Test(arguments: [false, true]) func `a fork in a block takes out all of it`(_ certificateFirst: Bool) throws {
        var town = try Certified()
        if certificateFirst { town.hear(town.carrier) }
        town.hear([town.fork(at: 4)])
        if !certificateFirst {
            town.expectCounted(2, 3, because: "what stands before the fork counts")
            town.hear(town.carrier)
        }
        town.expectCounted()
    }

    @Test func `a fork behind a block leaves it alone`() throws {
        var town = try Certified()
        town.hear(town.carrier + [town.fork(at: 5)])
        town.expectCounted(2, 3, 4)
    }

    @Test func `a block counts together as long as an op with effect carries its certificate`() throws {
        var town = try Certified()
        town.hear(town.carrier + [town.retraction(of: 3)])
        town.expectCounted(5)
        let other = town.bench.sign(
            .deleteModel, [1], by: town.bench.keys[1], log: 78, seq: 2, prev: town.carrier[0].id, lamport: 2)
        town.hear([other])
        town.expectCounted(2, 4, 5)
        // Who holds it publishes it again.
        town.bench.pass(milliseconds: 15_000)
        town.expectCounted(5)
    }

    @Test(arguments: [[0], [0, 2]])
    func `a certificate that is short, or signed by the author itself, certifies nothing`(signers: [Int]) throws {
        var town = try Certified()
        let words = ConsensusOp.certificate(town.bench.certificate(town.sums, by: signers)).op
        let result = town.bench.submit(words.kind, words.body, at: 0)
        guard case .void? = result else {
            Issue.record("signatures of \(signers) certify sums")
            return
        }
        town.hear([town.retraction(of: 3)])
        town.expectCounted(2, 4, 5)
    }

    @Test(arguments: [1, 2, 256]) func `a restart finds the same sums, however old the snapshot is`(every: Int) throws {
        var town = try Certified(snapshotEvery: every)
        town.hear(town.carrier + [town.retraction(of: 3)])
        let summary = town.bench.summary(0)
        town.bench.stop(0)
        town.bench.start(0)
        town.expectCounted(5)
        #expect(town.bench.summary(0) == summary)
    }

    @Test func `a start without the bodies that a certificate takes out reads them before it tells anything`() throws {
        // The snapshot is written after the retraction, before the certificate.
        var town = try Certified(snapshotEvery: 8)
        town.hear([town.retraction(of: 3)])
        town.hear(town.carrier)
        let (digest, wanted) = (town.bench.sums, town.bench.summary(0))
        town.bench.stop(0)
        let watermark = try #require(town.bench.snapshots[0]?.watermark)
        // As a store does that knows of no fork and no retraction above the snapshot.
        let kept = town.bench.stored[0].map { stored in
            stored.applyIndex <= watermark && stored.op.header.kind == .updateModelWeights
                ? StoredOp(op: stored.op, body: nil, void: stored.void, applyIndex: stored.applyIndex) : stored
        }
        let recovered = Recovered(
            ops: kept, snapshot: town.bench.snapshots[0], journal: town.bench.journals[0])
        town.bench.start(0, from: recovered)
        town.bench.run(.wake, at: 0)
        #expect(town.bench.sums == digest && town.bench.summary(0) == wanted)
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

    /// Seed 1007268. What was asked for before may be certified where the retraction is not known, and what overlaps it as well:
    /// who had dropped the bodies of the one that does not count then could not come to the state of the others any more.
    @Test func `blocks begin behind what was asked for, if a part of that is taken back`() throws {
        let (town, model) = try town()
        town.run(milliseconds: 3_000)
        for node in 1...2 { town.stop(node) }
        train(town, model, 3)
        town.run(milliseconds: 3_000)
        let key = try #require(town[0].ownLogKey)
        let places = town[0].countedDeltas(of: key)
        let asked = town[0].state.consensus.askedSums(of: key).map(\.block)
        #expect(asked.map(\.through) == [places.last])
        let id = try #require(town[0].replica.id(key, places[0]))
        let range = Revocation.Range(log: key.log, from: places[0], through: places[0], id: id)
        _ = town.submit(0, .retraction, Retraction(range).encode())
        train(town, model, 3)
        town.run(milliseconds: 3_000)
        let all = town[0].state.consensus.askedSums(of: key).map(\.block)
        #expect(all.count == 2 && !all[0].overlaps(all[1]), "\(all)")
        for node in 1...2 { try town.start(node, contacts: [0], journal: town.journal(of: node)) }
        town.run(milliseconds: 30_000)
        #expect(certified(town, at: 1).map(\.block.after) == [places.last])
    }
}
