import Consensus
import Gossip
import Identity
import Ledger
import Membership
import Replication
import Rules
import Testing
import Wire

@testable import Peer

/// Sites that propose rules to each other and count on data of their own.
@Suite struct PatternTests {
    private static func rule(_ n: UInt8) throws -> PatternProposal {
        func token(_ n: UInt8) -> Bytes { Bytes(repeating: n, count: 16) }
        var encoder = CBOREncoder()
        encoder.array(5)
        encoder.uint(1)
        encoder.uint(1)
        encoder.array(3)
        encoder.uint(0)
        encoder.bytes(token(1))
        encoder.array(2)
        encoder.bytes(token(2))
        encoder.bytes(token(n))
        encoder.uint(9)
        encoder.uint(10)
        return try PatternProposal(decoding: encoder.bytes)
    }

    /// A centroid of a network's model.
    private static func centroid(_ axis: Int) -> PatternProposal {
        func direction(_ at: Int) -> Direction {
            var vector = [Int64](repeating: 0, count: 16)
            vector[at] = 1
            return Direction(vector)!
        }
        let pattern = CentroidPattern(
            model: ModelID(Bytes(repeating: 9, count: 32))!, context: direction(axis), choice: direction(axis + 1))
        return PatternProposal(.centroid(pattern), RuleCounts(body: 6, support: 6))
    }

    private func town(_ count: Int, policy: NetworkPolicy = .standard) throws -> Town {
        let town = Town(members: count, policy: policy)
        for node in 0..<count { try town.start(node, contacts: Array(0..<node)) }
        town.run(milliseconds: 8_000)
        return town
    }

    private func propose(_ town: Town, _ node: Int, _ proposal: PatternProposal) throws -> SubmitResult {
        let ticket = town.submit(node, .patternPropose, proposal.encode())
        town.run(milliseconds: 5_000)
        return try #require(town.results[ticket])
    }

    private func balance(_ town: Town, of owner: Int, at node: Int) -> NanoKoi {
        town[node].state.ledger.wallet(.site(of: town.peer(owner))).balance
    }

    private func agree(_ town: Town, _ count: Int) {
        let digests = Set((0..<count).map { town[$0].summary.stateDigest })
        #expect(digests.count == 1)
        for node in 0..<count { #expect(town[node].state.ledger.totals.flaw() == nil) }
    }

    @Test func `a rule that holds elsewhere is certified at every site, and pays who found and who measured it`() throws
    {
        let town = try town(4)
        town.measure = { node, _ in [[], [80, 100], [90, 100], nil][node].flatMap { $0.isEmpty ? nil : $0 } }
        let proposal = try Self.rule(3)
        guard case .done(let op) = try propose(town, 0, proposal) else {
            Issue.record("not proposed")
            return
        }
        town.run(milliseconds: 20_000)
        for node in 0..<4 {
            let proposed = try #require(town[node].state.patterns[op])
            #expect(proposed.proposal == proposal && proposed.author == town.peer(0))
            guard case .accepted(170, 200, let bound)? = proposed.outcome else {
                Issue.record("\(String(describing: proposed.outcome))")
                continue
            }
            #expect(bound == ValueRule.lowerBoundMillionths(hits: 170, trials: 200))
            #expect(town[node].state.patterns.accepted.map(\.op) == [op])
            // The grant of 100, the reward of 10; of 2 for those who could tell.
            #expect(balance(town, of: 0, at: node) == 110 * Koi.nanoKoi)
            #expect((1...3).map { balance(town, of: $0, at: node) } == [102, 102, 100].map { $0 * Koi.nanoKoi })
        }
        agree(town, 4)
    }

    @Test func `a centroid is decided, paid and known everywhere as a rule is`() throws {
        let town = try town(4)
        town.measure = { node, _ in [[], [3, 4], [9, 10], nil][node].flatMap { $0.isEmpty ? nil : $0 } }
        guard case .done(let op) = try propose(town, 0, Self.centroid(2)) else {
            Issue.record("not proposed")
            return
        }
        town.run(milliseconds: 20_000)
        for node in 0..<4 {
            let proposed = try #require(town[node].state.patterns[op])
            #expect(proposed.proposal == Self.centroid(2))
            guard case .accepted(12, 14, _)? = proposed.outcome else {
                Issue.record("\(String(describing: proposed.outcome))")
                continue
            }
            #expect((0...3).map { balance(town, of: $0, at: node) } == [110, 102, 102, 100].map { $0 * Koi.nanoKoi })
        }
        guard case .void(_, let reason) = try propose(town, 1, Self.centroid(2)) else {
            Issue.record("proposed twice")
            return
        }
        #expect(reason.code == "proposed-already")
        guard case .done = try propose(town, 1, Self.centroid(3)) else {
            Issue.record("another one is refused")
            return
        }
        agree(town, 4)
    }

    @Test func `a rule that is false elsewhere costs its stake`() throws {
        let town = try town(3)
        town.measure = { _, _ in [1, 1_000] }
        guard case .done(let op) = try propose(town, 0, try Self.rule(3)) else {
            Issue.record("not proposed")
            return
        }
        town.run(milliseconds: 20_000)
        for node in 0..<3 {
            guard case .rejected(2, 2_000, _)? = town[node].state.patterns[op]?.outcome else {
                Issue.record("not rejected")
                continue
            }
            #expect(balance(town, of: 0, at: node) == 95 * Koi.nanoKoi)
            #expect(balance(town, of: 1, at: node) == 100 * Koi.nanoKoi)
            #expect(town[node].state.ledger.totals.burned == Int128(5 * Koi.nanoKoi))
        }
        agree(town, 3)
    }

    @Test func `what nobody can tell comes to nothing, and the stake comes back`() throws {
        let town = try town(3)
        town.measure = { node, _ in node == 1 ? [10, 10] : nil }
        guard case .done(let op) = try propose(town, 0, try Self.rule(3)) else {
            Issue.record("not proposed")
            return
        }
        town.run(milliseconds: 20_000)
        for node in 0..<3 {
            #expect(town[node].state.patterns[op]?.outcome == .undecided, "one opinion of two is none")
            #expect(balance(town, of: 0, at: node) == 100 * Koi.nanoKoi)
        }
        // It may be proposed again: others may have learned something.
        town.measure = { _, _ in [10, 10] }
        guard case .done(let again) = try propose(town, 1, try Self.rule(3)) else {
            Issue.record("refused")
            return
        }
        town.run(milliseconds: 20_000)
        guard case .accepted? = town[2].state.patterns[again]?.outcome else {
            Issue.record("not accepted")
            return
        }
        agree(town, 3)
    }

    @Test func `one pattern is proposed once, and what is no pattern is void`() throws {
        let town = try town(3)
        town.measure = { _, _ in [10, 10] }
        _ = try propose(town, 0, try Self.rule(3))
        for author in [0, 1] {
            guard case .void(_, let reason) = try propose(town, author, try Self.rule(3)) else {
                Issue.record("proposed twice")
                continue
            }
            #expect(reason.code == "proposed-already")
        }
        for body: Bytes in [[0x80], [], try Self.rule(4).encode() + [0]] {
            let ticket = town.submit(2, .patternPropose, body)
            town.run(milliseconds: 3_000)
            guard case .void(_, let reason)? = town.results[ticket] else {
                Issue.record("\(body)")
                continue
            }
            #expect(reason.code == "invalid-body")
        }
        agree(town, 3)
    }

    @Test func `what too few could answer in time expires, is asked again, and is decided when they are there`() throws
    {
        var policy = NetworkPolicy.standard
        policy.checkpointSeconds = 5
        policy.questionSeconds = 100
        let town = try town(4, policy: policy)
        town.measure = { [unowned town] _, question in
            question.kind == .checkpoint ? [Int64(town.seconds)] : [90, 100]
        }
        // Three agree on the time. But who proposes does not vote, and two are too few.
        town.stop(3)
        guard case .done(let op) = try propose(town, 0, try Self.rule(3)) else {
            Issue.record("not proposed")
            return
        }
        func table() -> ConsensusTable { town[1].state.consensus }
        func asked() -> [Matter] { table().matters.values.filter { $0.question.about == op } }
        let first = try #require(asked().first)
        #expect(first.question.expires >= town.seconds + 95 && first.question.expires <= town.seconds + 100)
        let height = table().latest.height
        town.run(milliseconds: 80_000)
        #expect(asked().count == 1 && table().openQuestions.contains(first.id))
        #expect(table().latest.height == height, "nobody waits for a clock that is not there yet")
        town.run(milliseconds: 40_000)
        #expect(table().expiredQuestions == [first.id] && asked().count == 2)
        #expect(table().latest.height == height + 1)
        town.stop(0)
        try town.start(0, contacts: [1, 2])
        town.run(milliseconds: 10_000)
        #expect(asked().count == 2, "a start knows what it asked before")
        try town.start(3, contacts: [0, 1, 2])
        town.run(milliseconds: 20_000)
        for node in 0..<4 {
            guard case .accepted(270, 300, _)? = town[node].state.patterns[op]?.outcome else {
                Issue.record("\(node): \(String(describing: town[node].state.patterns[op]?.outcome))")
                continue
            }
        }
        #expect(asked().count == 2)
        agree(town, 4)
    }

    @Test func `what was proposed in time is voted on to the end`() throws {
        var policy = NetworkPolicy.standard
        policy.checkpointSeconds = 5
        policy.questionSeconds = 100
        let town = try town(4, policy: policy)
        town.measure = { [unowned town] _, question in
            question.kind == .checkpoint ? [Int64(town.seconds)] : [90, 100]
        }
        let ticket = town.submit(0, .patternPropose, try Self.rule(3).encode())
        func matter() -> Matter? { town[0].state.consensus.matters.values.first { $0.question.kind == .pattern } }
        for _ in 0..<100_000 where matter()?.proposals.isEmpty ?? true { town.settle(limit: 1) }
        #expect(matter()?.proposals.isEmpty == false && matter()?.certificate == nil)
        // One elector less from here on, so its vote is missing, and another question makes the time pass.
        town.stop(3)
        _ = town.submit(0, .patternPropose, try Self.rule(4).encode())
        town.run(milliseconds: 300_000)
        guard case .done(let op)? = town.results[ticket] else {
            Issue.record("not proposed")
            return
        }
        let table = town[0].state.consensus
        let matters = table.matters.values.filter { $0.question.about == op }
        #expect(matters.count == 1 && matters[0].question.expires < table.seconds)
        try town.start(3, contacts: [0, 1, 2], journal: town.journal(of: 3))
        town.run(milliseconds: 20_000)
        for node in 0..<4 {
            guard case .accepted? = town[node].state.patterns[op]?.outcome else {
                Issue.record("\(node): \(String(describing: town[node].state.patterns[op]?.outcome))")
                continue
            }
        }
        agree(town, 4)
    }

    @Test func `a flood of proposals ends with the wallet, and all that were paid are decided`() throws {
        let town = try town(3)
        town.measure = { _, _ in [1, 100] }
        var tickets: [UInt64] = []
        for n in 3..<43 { tickets.append(town.submit(0, .patternPropose, try Self.rule(UInt8(n)).encode())) }
        town.run(milliseconds: 120_000)
        var (done, poor) = (0, 0)
        for ticket in tickets {
            switch town.results[ticket] {
            case .done: done += 1
            case .void(_, let reason): poor += reason.code == "insufficient-funds" ? 1 : 0
            case .refused, nil: Issue.record("no answer")
            }
        }
        #expect(done == 20 && poor == 20, "100 Koi are 20 stakes")
        for node in 0..<3 {
            #expect(town[node].state.patterns.all.allSatisfy { $0.outcome != nil })
            #expect(balance(town, of: 0, at: node) == 0)
        }
        agree(town, 3)
    }

    @Test func `two sites that propose the same at the same time are not both paid`() throws {
        let town = try town(5)
        town.reachable = { _, _ in true }
        town.measure = { [unowned town] node, question in
            let patterns = town[node].state.patterns
            return question.about.map(patterns.isFirst) ?? false ? [50, 50] : nil
        }
        let tickets = [0, 1].map { town.submit($0, .patternPropose, try! Self.rule(3).encode()) }
        town.run(milliseconds: 30_000)
        let ops = tickets.compactMap { ticket -> OpID? in
            if case .done(let id)? = town.results[ticket] { id } else { nil }
        }
        #expect(ops.count == 2, "neither knew of the other")
        for node in 0..<5 {
            let outcomes = ops.compactMap { town[node].state.patterns[$0]?.outcome }
            #expect(outcomes.count { if case .accepted = $0 { true } else { false } } == 1)
            #expect(outcomes.contains(.undecided))
        }
        agree(town, 5)
    }

    @Test func `a node that starts again knows what was proposed and decided`() throws {
        let town = try town(3)
        town.measure = { _, _ in [10, 10] }
        guard case .done(let op) = try propose(town, 0, try Self.rule(3)) else {
            Issue.record("not proposed")
            return
        }
        town.run(milliseconds: 20_000)
        let before = town[2].state.patterns[op]
        town.stop(2)
        try town.start(2, contacts: [0, 1])
        town.run(milliseconds: 8_000)
        #expect(before?.outcome != nil && town[2].state.patterns[op] == before)
        agree(town, 3)
    }
}
