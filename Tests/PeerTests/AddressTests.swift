import Gossip
import Identity
import Membership
import Replication
import Session
import Testing

@testable import Peer

/// Members of a small network tell each other where they can be dialled.
@Suite struct AddressTests {
    /// 0 and 2 list 1 alone.
    private func star(discovers: Bool = true) throws -> Town {
        let town = Town(members: 3)
        town.discovers = discovers
        try town.start(1)
        try town.start(0, contacts: [1])
        try town.start(2, contacts: [1])
        return town
    }

    private func reached(_ town: Town, by node: Int) -> [PeerID] {
        town.notices.compactMap {
            guard $0.node == node, case .reached(let contact) = $0.notice else { return nil }
            return contact.peer
        }
    }

    @Test func `two that know a third one alone find each other, and go on when it is gone`() throws {
        let town = try star()
        town.run(milliseconds: 30_000)
        #expect(town[0].peers.contains(town.peer(2)))
        #expect(reached(town, by: 0) + reached(town, by: 2) != [], "who dialled is told to keep the address")
        for node in [0, 2] {
            #expect(town[node].reached.map(\.peer) == reached(town, by: node), "for who asks later, too")
        }
        town.stop(1)
        let ticket = town.submit(0, .memberAdd, try MemberAdd(peer: town.peer(0), name: "zero").encode())
        town.run(milliseconds: 10_000)
        #expect(town.results[ticket] != nil)
        #expect(town[2].summary.frontierDigest == town[0].summary.frontierDigest)
    }

    @Test func `a site that does not want to discover neither tells nor dials`() throws {
        let town = try star(discovers: false)
        town.run(milliseconds: 60_000)
        #expect(!town[0].peers.contains(town.peer(2)))
    }

    @Test func `what was kept of a member is dialled after a restart, with nobody else there`() throws {
        let town = try star()
        town.run(milliseconds: 30_000)
        let (dialler, other) = reached(town, by: 0).isEmpty ? (2, 0) : (0, 2)
        for node in 0..<3 { town.stop(node) }
        try town.start(dialler, contacts: [1, other])
        try town.start(other, contacts: [1])
        town.run(milliseconds: 10_000)
        #expect(town[dialler].peers == [town.peer(other)])
    }

    @Test func `a stranger's address is not dialled, whoever tells it`() throws {
        let town = Town(members: 2, outsiders: 1)
        town.discovers = true
        try town.start(0)
        let liar = town.puppet(as: 1, to: 0, features: HelloFeatures.overlay)
        liar.send(.peers(.shuffleAnswer([KnownPeer(peer: town.peer(2), address: "2")])))
        town.run(milliseconds: 20_000)
        #expect(town[0].contacts[town.peer(2)] == nil)
    }

    @Test func `a wrong address is given up for the right one, and what the operator has listed for none`() throws {
        let town = Town(members: 4)
        town.discovers = true
        try town.start(2)
        try town.start(0, contacts: [3])
        let liar = town.puppet(as: 1, to: 0, features: HelloFeatures.overlay)
        liar.send(
            .peers(
                .shuffleAnswer([
                    KnownPeer(peer: town.peer(2), address: "3"), KnownPeer(peer: town.peer(3), address: "2"),
                ])))
        town.run(milliseconds: 2_000)
        #expect(!town[0].peers.contains(town.peer(2)))
        #expect(town[0].contacts[town.peer(3)]?.contact.address == "3")
        liar.send(.peers(.shuffleAnswer([KnownPeer(peer: town.peer(2), address: "2")])))
        town.run(milliseconds: 60_000)
        #expect(town[0].peers.contains(town.peer(2)))
    }

    @Test func `who never answers is dialled more and more seldom`() throws {
        let town = Town(members: 3)
        town.discovers = true
        try town.start(0)
        let friend = town.puppet(as: 1, to: 0, features: HelloFeatures.overlay)
        friend.send(.peers(.shuffleAnswer([KnownPeer(peer: town.peer(2), address: "2")])))
        town.run(milliseconds: 3_600_000)
        let attempts = town[0].contacts[town.peer(2)]!.attempts
        #expect((8...40).contains(attempts), "\(attempts) in an hour")
    }
}
