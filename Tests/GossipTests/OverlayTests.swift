import Gossip
import Identity
import Session
import Testing
import Wire

@Suite struct OverlayTests {
    /// Everybody lists the first three sites, and one that came before.
    private static func list(_ node: Int) -> [Int] { Array(Set([0, 1, 2, node / 2]).subtracting([node])).sorted() }

    @Test(arguments: [64, 250]) func `everybody finds six to eight neighbours, and all hang together`(count: Int) {
        var town = OverlayTown(count) { Self.list($0) }
        town.run(seconds: 60)
        let degrees = town.degrees
        #expect(degrees.min()! >= 4 && degrees.max()! <= 8)
        #expect(degrees.count { $0 >= 6 } * 100 >= count * 95, "\(degrees)")
        let (nodes, steps) = town.reach(from: 7)
        #expect(nodes == count)
        // ceil(log5 N) + 2 (protocol §11)
        #expect(steps <= (count == 64 ? 5 : 6), "\(steps) steps")
        #expect(town.overlays.allSatisfy { $0.knownCount <= OverlayLimits.known })
    }

    @Test func `it is one network again after a fifth of it died at once`() {
        var town = OverlayTown(100) { Self.list($0) }
        town.run(seconds: 40)
        for node in stride(from: 0, to: 100, by: 5) { town.kill(node) }
        town.run(seconds: 20)
        #expect(town.reach(from: 1).nodes == 80)
        #expect(town.degrees.count { $0 >= 6 } >= 70)
    }

    @Test func `two halves that were apart for two minutes grow together within a minute`() {
        var town = OverlayTown(64) { Self.list($0) }
        town.run(seconds: 40)
        town.split { $0 < 32 }
        town.run(seconds: 120)
        #expect(town.reach(from: 0).nodes == 32)
        #expect(town.reach(from: 63).nodes == 32, "each half is whole")
        town.heal()
        var seconds = 0
        while town.reach(from: 0).nodes < 64, seconds < 60 {
            town.run(seconds: 1)
            seconds += 1
        }
        #expect(town.reach(from: 0).nodes == 64)
    }

    @Test func `sites that can only dial out find neighbours, too`() {
        var town = OverlayTown(60, dialable: { $0 < 3 || $0 % 2 == 0 }) { Self.list($0) }
        town.run(seconds: 60)
        #expect(town.reach(from: 0).nodes == 60)
        #expect(town.degrees.min()! >= OverlayLimits.neighboursAtLeast, "half of the sites have to carry the others")
    }

    @Test func `at rest a node hangs up only on those it visits`() {
        var town = OverlayTown(64) { Self.list($0) }
        town.run(seconds: 60)
        let before = (town.hungUp, town.overlays.reduce(0) { $0 + $1.counters.visits })
        town.run(seconds: 60)
        let after = (town.hungUp, town.overlays.reduce(0) { $0 + $1.counters.visits })
        #expect(after.1 - before.1 > 64 * 4, "each visits somebody every ten seconds")
        #expect(after.0 - before.0 <= (after.1 - before.1) * 2, "and its neighbours stay")
    }
}

/// One overlay, event by event.
@Suite struct OverlayMessageTests {
    static let now = Instant(milliseconds: 1_000)
    static func id(_ number: UInt8) -> PeerID { PeerID(Bytes(repeating: number, count: 32))! }
    static func site(_ number: UInt8) -> KnownPeer { KnownPeer(peer: id(number), address: "\(number):1") }

    private func overlay(listed: [UInt8] = [], partial: Bool = true) -> (Overlay, [Overlay.Effect]) {
        var overlay = Overlay(
            peer: Self.id(255), address: "me:1", listed: listed.map(Self.site), random: Random(seed: 3), now: Self.now)
        let effects = partial ? overlay.setPartial(true, now: Self.now) : []
        return (overlay, effects)
    }

    /// An overlay that took in `count` neighbours that came.
    private func full(_ count: UInt8) -> Overlay {
        var (overlay, _) = overlay()
        for number in 1...count {
            _ = overlay.connected(Self.id(number), isInitiator: false, speaks: true, now: Self.now)
            _ = receive(.request(.ifThereIsRoom, address: "\(number):1"), from: number, &overlay)
        }
        return overlay
    }

    private func receive(
        _ message: PeersMessage, from number: UInt8, members: Bool = true, _ overlay: inout Overlay
    ) -> [Overlay.Effect] {
        overlay.received(message, from: Self.id(number), isMember: { _ in members }, now: Self.now)
    }

    /// A site that was just let in dials members that have not heard of it; each hangs up at once.
    @Test func `who hangs up on a question is not dialled again at once`() {
        var (overlay, effects) = overlay(listed: [1])
        #expect(effects == [.dial(Self.site(1))])
        effects = overlay.connected(Self.id(1), isInitiator: true, speaks: true, now: Self.now)
        #expect(effects == [.send(Self.id(1), .request(.join, address: "me:1"))])
        #expect(overlay.disconnected(Self.id(1), now: Self.now) == [], "nobody else is known")
        let later = Self.now + OverlayLimits.backoffMinMs / 2 + OverlayLimits.backoffMinMs + OverlayLimits.lookMs
        #expect(overlay.tick(now: later) { _ in false }.contains(.dial(Self.site(1))))
    }

    @Test func `in a small network every connection is a neighbour, and nothing is said`() {
        var (overlay, _) = overlay(listed: [1, 2], partial: false)
        #expect(
            overlay.connected(Self.id(1), isInitiator: true, speaks: true, now: Self.now) == [
                .neighbour(Self.id(1), true)
            ])
        #expect(overlay.nextDeadline == nil)
        #expect(overlay.tick(now: Self.now + 1_000_000, isInStep: { _ in true }) == [])
        #expect(overlay.disconnected(Self.id(1), now: Self.now) == [.neighbour(Self.id(1), false)])
    }

    @Test func `a new node asks one site to let it join, and then others`() {
        var (overlay, effects) = overlay(listed: [1, 2, 3])
        #expect(effects.count == 1)
        guard case .dial(let first)? = effects.first else { return }
        #expect(
            overlay.connected(first.peer, isInitiator: true, speaks: true, now: Self.now) == [
                .send(first.peer, .request(.join, address: "me:1"))
            ])
        effects = overlay.received(
            .answer(accepted: true), from: first.peer, isMember: { _ in true }, now: Self.now)
        #expect(effects.first == .neighbour(first.peer, true))
        #expect(effects.count { if case .dial = $0 { true } else { false } } == 2, "the other two of the list")
    }

    @Test func `who finds no room is told so; who has nobody gets a place, and another loses it`() {
        var overlay = full(8)
        #expect(overlay.neighbours.count == 8)
        _ = overlay.connected(Self.id(9), isInitiator: false, speaks: true, now: Self.now)
        #expect(
            receive(.request(.ifThereIsRoom, address: nil), from: 9, &overlay) == [
                .send(Self.id(9), .answer(accepted: false))
            ])
        let effects = receive(.request(.surely, address: nil), from: 9, &overlay)
        #expect(effects.prefix(2) == [.neighbour(Self.id(9), true), .send(Self.id(9), .answer(accepted: true))])
        #expect(overlay.neighbours.count == 8 && overlay.isNeighbour(Self.id(9)))
        let dropped = (1...8 as ClosedRange<UInt8>).first { !overlay.isNeighbour(Self.id($0)) }!
        #expect(
            effects.suffix(3) == [
                .send(Self.id(dropped), .disconnect), .neighbour(Self.id(dropped), false), .hangUp(Self.id(dropped)),
            ])
        #expect(overlay.counters.refused == 1 && overlay.counters.dropped == 1)
    }

    @Test func `the news of a joining site goes to all neighbours, then along a walk, and ends in a dial`() {
        var overlay = full(3)
        _ = overlay.connected(Self.id(9), isInitiator: false, speaks: true, now: Self.now)
        let effects = receive(.request(.join, address: "9:1"), from: 9, &overlay)
        for number in 1...3 as ClosedRange<UInt8> {
            #expect(effects.contains(.send(Self.id(number), .joined(Self.site(9), hops: 6))))
        }
        let walk = receive(.joined(Self.site(20), hops: 4), from: 1, &overlay)
        guard case .send(let next, .joined(Self.site(20), hops: 3))? = walk.first else {
            Issue.record("\(walk)")
            return
        }
        #expect(next != Self.id(1), "not back")
        #expect(receive(.joined(Self.site(21), hops: 0), from: 1, &overlay).contains(.dial(Self.site(21))))
        #expect(receive(.joined(Self.site(255), hops: 0), from: 1, &overlay) == [], "that is this node itself")
    }

    @Test func `only members are remembered`() {
        var overlay = full(3)
        _ = receive(.shuffle([Self.site(30), Self.site(31)]), from: 1, members: false, &overlay)
        #expect(overlay.knownCount == 0)
        let effects = receive(.joined(Self.site(32), hops: 0), from: 1, members: false, &overlay)
        #expect(effects == [])
        _ = receive(.shuffle([Self.site(30), Self.site(31)]), from: 1, &overlay)
        #expect(overlay.knownCount == 2)
    }

    @Test func `a flood of addresses leaves thirty`() {
        var overlay = full(6)
        for round in 0..<20 as Range<UInt8> {
            _ = receive(.shuffle((0..<10).map { Self.site(20 + round * 10 + $0) }), from: 1, &overlay)
        }
        #expect(overlay.knownCount == OverlayLimits.known)
    }

    @Test func `a peer of an older version is a neighbour for good`() {
        var overlay = full(8)
        #expect(
            overlay.connected(Self.id(9), isInitiator: false, speaks: false, now: Self.now) == [
                .neighbour(Self.id(9), true)
            ])
        _ = overlay.connected(Self.id(10), isInitiator: false, speaks: true, now: Self.now)
        for _ in 0..<20 { _ = receive(.request(.surely, address: nil), from: 10, &overlay) }
        #expect(overlay.isNeighbour(Self.id(9)))
    }

    @Test func `a guest that says nothing is shown out`() {
        var overlay = full(6)
        _ = overlay.connected(Self.id(9), isInitiator: false, speaks: true, now: Self.now)
        #expect(overlay.nextDeadline! <= Self.now + OverlayLimits.guestMs)
        let effects = overlay.tick(now: Self.now + OverlayLimits.guestMs, isInStep: { _ in false })
        #expect(effects.contains(.hangUp(Self.id(9))))
    }
}
