import Consensus
import Gossip
import Identity
import Membership
import Replication
import Testing
import Wire

@testable import Peer

/// New rules begin with a checkpoint (decision 32).
@Suite struct FoldVersionTests {
    private var old: NetworkPolicy {
        var policy = NetworkPolicy.standard
        policy.foldVersion = 2
        policy.checkpointSeconds = 2
        return policy
    }
    private var new: NetworkPolicy {
        var policy = old
        policy.foldVersion = 3
        return policy
    }

    private func town(outdated: Int? = nil) throws -> Town {
        let town = Town(members: 3, outsiders: 1, policy: old)
        town.measure = { node, question in question.kind == .checkpoint ? [2_000 + Int64(node)] : nil }
        if let outdated { town.latestFold[outdated] = 2 }
        for node in 0..<3 { try town.start(node, contacts: Array(0..<node)) }
        town.run(milliseconds: 8_000)
        return town
    }

    private func rotate(_ town: Town, _ node: Int) -> SubmitResult? {
        let words = KeyRotation(of: town.peer(node), to: town.keys[3], in: town.network)
        let ticket = town.submit(node, .rotateKey, words.encode())
        town.run(milliseconds: 2_000)
        return town.results[ticket]
    }

    private func raise(_ town: Town) {
        for node in 0..<3 { town.post(node, .affirm(.policy(new))) }
        town.run(milliseconds: 60_000)
    }

    @Test func `a rule has no effect before the checkpoint that brings it, and has it from there on`() throws {
        let town = try town()
        guard case .void(_, let reason)? = rotate(town, 1) else { return #expect(Bool(false), "it has effect") }
        #expect(reason.code == "unsupported-kind")
        raise(town)
        for node in 0..<3 { #expect(town[node].state.consensus.latest.policy == new) }
        guard case .done? = rotate(town, 1) else { return #expect(Bool(false), "it has no effect") }
        #expect(town[0].state.members.contains(town.peer(3)))
        #expect(Set((0..<3).map { town[$0].summary.stateDigest }).count == 1)
    }

    @Test func `a node that does not know the rules stops, and stores nothing that it cannot judge`() throws {
        let town = try town(outdated: 2)
        raise(town)
        let reason = try #require(town[2].stopped)
        #expect(reason.contains("fold version 3") && reason.contains("install a newer one"))
        #expect(town[0].stopped == nil && town[1].stopped == nil)
        #expect(town[0].state.consensus.latest.policy == new)
        let recovered = Recovered(ops: town.stores[2], snapshot: nil, journal: town.journal(of: 2))
        #expect(HistoryAudit(recovered, genesis: town.genesis).faults.isEmpty)
        // The same version starts again, and hears of it again.
        town.stop(2)
        try town.start(2, contacts: [0, 1], journal: town.journal(of: 2))
        town.run(milliseconds: 30_000)
        #expect(town[2].stopped != nil)
        // A newer one goes on.
        town.stop(2)
        town.latestFold[2] = nil
        try town.start(2, contacts: [0, 1], journal: town.journal(of: 2))
        town.run(milliseconds: 30_000)
        #expect(town[2].stopped == nil && town[2].summary == town[0].summary)
        // And then there is no way back.
        town.stop(2)
        town.latestFold[2] = 2
        #expect(throws: RecoveryError.newerRules(3)) {
            try town.start(2, contacts: [0, 1], journal: town.journal(of: 2))
        }
    }

    @Test func `nobody prepares a checkpoint with a lower fold version`() throws {
        let town = try town()
        raise(town)
        let height = town[0].state.consensus.latest.height
        for node in 0..<3 { town.post(node, .affirm(.policy(old))) }
        town.run(milliseconds: 60_000)
        #expect(town[0].state.consensus.latest.policy.foldVersion == 3)
        #expect(town[0].state.consensus.latest.height <= height + 1)
    }
}
