import Gossip
import Identity
import Membership
import Replication
import Session
import Testing
import Wire

@testable import Peer

/// Whole nodes in a network that is too large for everybody.
@Suite struct NodeOverlayTests {
    /// Twenty nodes, of which each lists two that came before, and at most four may all be connected.
    private func town(_ count: Int = 20) throws -> Town {
        let town = Town(members: count)
        town.everybody = 4
        for node in 0..<count { try town.start(node, contacts: node == 0 ? [] : [node - 1, node / 2]) }
        return town
    }

    private func add(_ town: Town, _ node: Int, _ name: String) -> UInt64 {
        town.submit(node, .memberAdd, try! MemberAdd(peer: town.peer(node), name: name).encode())
    }

    @Test func `neighbours are few, and an op still comes to everybody`() throws {
        let town = try town()
        town.run(milliseconds: 30_000)
        for node in 0..<20 {
            #expect((3...8).contains(town[node].overlay.neighbours.count), "node \(node)")
            #expect(town[node].overlay.isPartial)
        }
        let ticket = add(town, 7, "first")
        town.run(milliseconds: 3_000)
        guard case .done(let id)? = town.results[ticket] else {
            Issue.record("the op was not taken")
            return
        }
        let lacking = (0..<20).filter { !town[$0].replica.contains(id) }
        #expect(lacking == [])
    }

    @Test func `after some ops headers come nearly once`() throws {
        let town = try town()
        town.run(milliseconds: 30_000)
        func sum(_ of: (Node) -> Int) -> Int { (0..<20).reduce(0) { $0 + of(town[$1]) } }
        for round in 0..<10 {
            _ = add(town, 3, "warm \(round)")
            town.run(milliseconds: 1_000)
        }
        let (received, known) = (sum(\.counters.headersReceived), sum(\.counters.headersKnown))
        for round in 0..<30 {
            _ = add(town, 3, "op \(round)")
            town.run(milliseconds: 500)
        }
        town.run(milliseconds: 3_000)
        let all = sum(\.counters.headersReceived) - received
        let again = sum(\.counters.headersKnown) - known
        #expect(all - again == 30 * 19)
        #expect(Double(again) <= 0.1 * Double(all - again), "\(again) of \(all) were known")
        #expect(sum { $0.prunes } > 0)
    }

    /// One tree for all would be cut at two places of one circle at once, by duplicates of several authors.
    @Test func `headers come nearly once when all sign at once, too`() throws {
        let town = try town()
        town.run(milliseconds: 30_000)
        func sum(_ of: (Node) -> Int) -> Int { (0..<20).reduce(0) { $0 + of(town[$1]) } }
        func allSign(_ rounds: Int) {
            for round in 0..<rounds {
                for node in 0..<20 { _ = add(town, node, "op \(round)") }
                town.run(milliseconds: 1_500)
            }
        }
        allSign(3)
        let (received, known) = (sum(\.counters.headersReceived), sum(\.counters.headersKnown))
        allSign(10)
        town.run(milliseconds: 3_000)
        let again = sum(\.counters.headersKnown) - known
        let needed = sum(\.counters.headersReceived) - received - again
        #expect(needed == 200 * 19)
        #expect(Double(again) <= 0.1 * Double(needed), "\(again) of \(needed)")
    }

    @Test func `who crashes is replaced`() throws {
        let town = try town()
        town.run(milliseconds: 30_000)
        for node in [4, 9, 14] { town.stop(node) }
        town.run(milliseconds: 30_000)
        let ticket = add(town, 0, "later")
        town.run(milliseconds: 3_000)
        guard case .done(let id)? = town.results[ticket] else {
            Issue.record("the op was not taken")
            return
        }
        let running = (0..<20).filter { ![4, 9, 14].contains($0) }
        #expect(running.filter { !town[$0].replica.contains(id) } == [])
        #expect(running.filter { town[$0].overlay.neighbours.count < 3 } == [])
    }

    @Test func `a peer that only knows whole meshes is pushed to, and never asked to leave`() throws {
        let town = try town(12)
        town.run(milliseconds: 20_000)
        town.stop(11)
        let puppet = town.puppet(as: 11, to: 2)
        _ = add(town, 5, "news")
        town.run(milliseconds: 5_000)
        #expect(puppet.messages.contains { if case .ops = $0 { true } else { false } })
        #expect(!puppet.isCut)
        #expect(
            !puppet.messages.contains {
                if case .peers = $0 { true } else if case .ihave = $0 { true } else { false }
            })
    }

    @Test func `announcements of what nobody has cost a graft or two, and no shut-out`() throws {
        let town = Town(members: 12)
        try town.start(0)
        let puppet = town.puppet(as: 1, to: 0, features: HelloFeatures.overlay)
        let lies = (0..<300).map { blake2b256(domain: "test", UInt64($0).bigEndianBytes) as OpID }
        puppet.send(.ihave(lies))
        town.run(milliseconds: 10_000)
        let grafts = puppet.messages.compactMap { if case .graft(let ids) = $0 { ids.count } else { nil } }
        #expect(grafts.reduce(0, +) == 300 && grafts.max()! <= GossipLimits.opsPerGraft)
        #expect(town[0].ops.tree.missingCount == 0, "they are given up")
        #expect(!puppet.isCut)
    }
}
