import Consensus
import Identity
import Membership
import Replication
import Session
import Testing
import Wire

@testable import Peer

/// A member goes on under another key.
@Suite struct RotationTests {
    /// Sites 0 to 2 are founders; 3 is what site 2 is to become.
    private func town() throws -> Town {
        let town = Town(members: 3, outsiders: 1)
        town.measure = { node, question in question.kind == .checkpoint ? [2_000 + Int64(node)] : nil }
        for node in 0..<3 { try town.start(node, contacts: Array(0..<node)) }
        town.run(milliseconds: 8_000)
        return town
    }

    private func rotate(_ town: Town) {
        let rotation = KeyRotation(of: town.peer(2), to: town.keys[3], in: town.network)
        let ticket = town.submit(2, .rotateKey, rotation.encode())
        town.run(milliseconds: 500)
        guard case .done? = town.results[ticket] else {
            Issue.record("it has no effect: \(town.results[ticket].map { "\($0)" } ?? "no answer")")
            return
        }
    }

    @Test func `the next key gets the vote without a question, soon, and goes on from the same store`() throws {
        let town = try town()
        rotate(town)
        town.run(milliseconds: 5_000)
        #expect(town[2].farewell.isDone, "nobody waits for the next checkpoint's usual time")
        let own = town.stores[2].filter { $0.op.header.author == town.peer(2) }.map(\.op.header.kind)
        #expect(own.drop { $0 != .rotateKey }.contains(.vote), "three of three are a quorum: the old key votes on")
        let electors = [0, 1, 3].map { town.peer($0) }.sorted()
        #expect(town[0].state.consensus.latest.electorate.members == electors)
        #expect(town[0].state.consensus.admitted.isEmpty)

        town.stop(2)
        town.seed(3, with: town.stores[2])
        try town.start(3, contacts: [0, 1])
        town.run(milliseconds: 10_000)
        #expect(town[0].peers.contains(town.peer(3)))
        let guest = KeyPair(seed: Bytes(repeating: 77, count: 32)).peerID
        _ = town.submit(3, .memberAdd, try MemberAdd(peer: guest, name: "guest").encode())
        town.run(milliseconds: 1_000)
        for node in [0, 1, 3] { town.post(node, .affirm(.admission(guest))) }
        town.run(milliseconds: 120_000)
        for node in [0, 1, 3] {
            #expect(town[node].state.consensus.isAdmitted(guest), "a quorum is three of three: the new key votes")
            #expect(town[node].state.consensus.latest.electorate.index(of: guest) != nil)
            #expect(town[node].summary == town[0].summary)
        }
    }

    @Test func `the others dial the next key where they dialled the old one, after a restart as well`() throws {
        let town = try town()
        rotate(town)
        town.run(milliseconds: 6_000)
        // Site 2 dials 0 and 1, so nobody dials it: a contact that was given says where it is.
        town.post(0, .contactAdded(Contact(peer: town.peer(2), address: "2", name: "two")))
        town.run(milliseconds: 100)
        #expect(town[0].status.first { $0.id == town.peer(3) }?.address == "2")
        town.stop(0)
        try town.start(0, contacts: [1, 2], journal: [])
        let next = town[0].status.first { $0.id == town.peer(3) }
        #expect(next?.address == "2" && next?.name == "2" && next?.isMember == true)
        #expect(town[0].status.first { $0.id == town.peer(2) }?.successor == town.peer(3))
    }

    // MARK: What the op is worth

    /// Site 2's account log with what it says, and the ops after that.
    private func ops(_ bench: Bench, body: Bytes? = nil, log: LogID? = nil) -> (open: Op, rotation: Op, after: Op) {
        let key = bench.keys[2]
        let log = (log ?? AccountLog.first(of: key.peerID, in: bench.network)).rawValue
        let open = bench.sign(.openLog, Bench.openLog, by: key, log: log)
        let body = body ?? KeyRotation(of: key.peerID, to: bench.keys[3], in: bench.network).encode()
        let rotation = bench.sign(.rotateKey, body, by: key, log: log, seq: 2, prev: open.id, lamport: 2)
        let after = bench.sign(
            .rotateKey, body, by: key, log: log, seq: 3, prev: rotation.id, lamport: 3)
        return (open, rotation, after)
    }

    private func bench() -> Bench {
        var bench = Bench(members: 3, outsiders: 1)
        for site in 0..<2 { bench.start(site) }
        return bench
    }

    @Test func `it counts once, in the account log, with the next key's own word`() {
        var bench = bench()
        let (open, rotation, after) = ops(bench)
        var relay = Guest(&bench, dials: 0, as: bench.keys[1])
        relay.say(.ops([open.envelope, rotation.envelope, after.envelope]), &bench)
        #expect(bench.void(rotation.id, at: 0) == nil && bench.void(after.id, at: 0) == "has-left")
        #expect(bench.nodes[0]!.state.members.contains(bench.peer(3)))
        let summary = bench.summary(0)
        bench.stop(0)
        bench.start(0)
        #expect(bench.summary(0) == summary, "a restart finds the same")
    }

    @Test func `a forged, a misplaced and a pointless one have no effect`() {
        let network = bench().network
        func verdict(_ body: (Bench) -> Bytes, log: LogID? = nil) -> String? {
            var bench = bench()
            let (open, rotation, _) = ops(bench, body: body(bench), log: log)
            var relay = Guest(&bench, dials: 0, as: bench.keys[1])
            relay.say(.ops([open.envelope, rotation.envelope]), &bench)
            #expect(bench.nodes[0]!.state.members.contains(bench.peer(2)))
            #expect(!bench.nodes[0]!.state.members.contains(bench.peer(3)))
            return bench.void(rotation.id, at: 0)
        }
        func proof(_ bench: Bench, of author: Int, to key: Int) -> Bytes {
            KeyRotation(of: bench.peer(author), to: bench.keys[key], in: network).encode()
        }
        #expect(verdict { proof($0, of: 1, to: 3) } == "forged-proof", "it agreed to succeed somebody else")
        #expect(verdict { proof($0, of: 2, to: 2) } == "has-left")
        #expect(verdict { _ in [0x81, 0x01] } == "invalid-body")
        #expect(verdict({ proof($0, of: 2, to: 3) }, log: LogID(rawValue: 77)) == "not-account-log")
    }

    @Test func `a fork of the account log below it takes it back, whatever came first`() {
        var digests: Set<Hash32> = []
        for forkFirst in [false, true] {
            var bench = bench()
            let (open, rotation, _) = ops(bench)
            let other = bench.sign(
                .deleteModel, [1], by: bench.keys[2], log: open.header.log.rawValue, seq: 2, prev: open.id, lamport: 2)
            var relay = Guest(&bench, dials: 0, as: bench.keys[1])
            relay.say(.ops([open.envelope]), &bench)
            if forkFirst { relay.say(.equivocation(rotation.envelope, other.envelope), &bench) }
            relay.say(.ops([rotation.envelope]), &bench)
            if !forkFirst {
                #expect(bench.nodes[0]!.state.members.contains(bench.peer(3)))
                relay.say(.ops([other.envelope]), &bench)
            }
            #expect(bench.nodes[0]!.state.members.contains(bench.peer(2)))
            #expect(!bench.nodes[0]!.state.members.contains(bench.peer(3)))
            digests.insert(bench.summary(0).1)
        }
        #expect(digests.count == 1)
    }

    @Test func `a quorum that revokes a stolen key revokes what the thief passed it on to`() {
        var bench = bench()
        let (open, rotation, _) = ops(bench)
        var relay = Guest(&bench, dials: 0, as: bench.keys[1])
        relay.say(.ops([open.envelope, rotation.envelope]), &bench)
        let isRevoked = bench.revoke()
        #expect(isRevoked, "the certificate has an effect")
        #expect(bench.nodes[0]!.state.members.members.map(\.peer) == [0, 1].map { bench.peer($0) }.sorted())
    }
}
