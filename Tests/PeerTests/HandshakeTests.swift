import Federation
import Gossip
import Replication
import Identity
import Membership
import Peer
import Session
import Testing
import Wire

@Suite struct HandshakeTests {
    let stranger = KeyPair(seed: Bytes(repeating: 200, count: 32))

    @Test func `two members that know nothing say HELLO and have nothing more to say`() throws {
        var bench = Bench(members: 2)
        // What a site that begins asks is told by NewcomerTests.
        bench.beginsWithSums = false
        for site in 0...1 { bench.start(site) }
        let exporter = Bytes(repeating: 1, count: 32)
        let first = bench.tell(0, .opened(1, role: .initiator, dial: nil, exporter: exporter))
        guard case .write(1, let hello)? = first.first else { return #expect(Bool(false), "\(first)") }
        #expect(first.dropFirst() == [.wake(at: bench.now + SessionLimits.handshakeMs)])
        let second = bench.tell(1, .opened(1, role: .acceptor, dial: nil, exporter: exporter))
        #expect(second == [.wake(at: bench.now + SessionLimits.handshakeMs)])

        let answer = bench.tell(1, .received(1, hello))
        guard case .write(1, let reply)? = answer.first else { return #expect(Bool(false), "\(answer)") }
        let next = bench.now + SessionLimits.heartbeatMs
        #expect(answer.dropFirst() == [.authenticated(1), .notice(.connected(bench.peer(0))), .wake(at: next)])
        let last = bench.tell(0, .received(1, reply))
        #expect(last == [.authenticated(1), .notice(.connected(bench.peer(1))), .wake(at: next)])
    }

    @Test func `a valid identity that is no member is told so and shut out of everything`() {
        var bench = Bench(members: 1)
        let guest = Guest(&bench, dials: 0, as: stranger)
        #expect(guest.ended == .byeReceived(.unknownMember, "you are not a member of this network"))
        #expect(bench.notices[0] == [.refused(nil, code: "unknown-member", from: stranger.peerID)])
        #expect(bench.closed == [guest.number])
        #expect(bench.nodes[0]!.peers == [])
    }

    @Test func `a member of another network is refused by name`() {
        var bench = Bench(members: 2)
        let other = NetworkID(Bytes(repeating: 9, count: 32))!
        let guest = Guest(&bench, dials: 0, as: bench.keys[1], network: other)
        #expect(guest.ended == nil, "it may not even read why")
        #expect(bench.closed == [guest.number])
        #expect(bench.nodes[0]!.counters.refused == ["link-\(LinkError.wrongNetwork(other).code.rawValue)": 1])
        #expect(bench.notices[0] == [], "nobody is known to be to blame")
    }

    @Test func `a HELLO from another connection proves nothing`() {
        var bench = Bench(members: 2)
        let guest = Guest(&bench, dials: 0, as: bench.keys[1], exporter: Bytes(repeating: 0xAA, count: 32))
        #expect(bench.closed == [guest.number])
        #expect(bench.nodes[0]!.peers == [] && bench.notices[0] == [])
    }

    @Test func `ops in one piece with a stranger's HELLO are not looked at`() {
        var bench = Bench(members: 1)
        let number = bench.newWire(nil, 0)
        bench.run(.opened(number, role: .acceptor, dial: nil, exporter: bench.exporter(number)), at: 0)
        var link = Link(
            role: .initiator, identity: stranger, network: bench.network, expected: bench.peer(0),
            exporter: bench.exporter(number), offer: HelloOffer(frontier: .zero, state: .zero), now: bench.now)
        guard case .write(let hello)? = link.start().first else { return #expect(Bool(false)) }
        let op = bench.sign(.openLog, Bench.openLog, by: bench.keys[0])
        bench.deliver(hello + Message.ops([op.envelope]).frame().encode(), number, from: nil)
        #expect(bench.closed == [number])
        #expect(bench.stored[0] == [] && bench.nodes[0]!.replica.waitingCount == 0)
    }

    @Test func `when both dial at once both keep the connection of the smaller id`() {
        var bench = Bench(members: 2)
        let order = [0, 1].sorted { bench.peer($0) < bench.peer($1) }
        let right = bench.newWire(order[0], order[1])
        let wrong = bench.newWire(order[1], order[0])
        for number in [wrong, right] {
            let (one, other) = bench.wires[number]!
            bench.run(.opened(number, role: .acceptor, dial: nil, exporter: bench.exporter(number)), at: other!)
            bench.run(.opened(number, role: .initiator, dial: nil, exporter: bench.exporter(number)), at: one!)
        }
        #expect(bench.closed == [wrong])
        #expect(bench.isConnected(0, to: 1) && bench.isConnected(1, to: 0))
        bench.createModel(at: 0)
        #expect(bench.ids(0) == bench.ids(1), "ops go over the one that is kept")
    }

    @Test func `a second connection the same way replaces one that may be half dead`() {
        var bench = Bench(members: 2)
        let old = bench.connect(0, 1)
        let new = bench.connect(0, 1)
        #expect(bench.closed == [old] && new != old)
        bench.createModel(at: 1)
        #expect(bench.ids(0) == bench.ids(1))
    }

    @Test func `whoever answers at a contact's address must be that contact`() {
        var bench = Bench(members: 3)
        bench.start(0, contacts: [Contact(peer: bench.peer(1), address: "one:1", name: "one")])
        let effects = bench.tell(0, .wake)
        #expect(effects.first == .dial(bench.peer(1), address: "one:1", dial: 1))
        let number = bench.newWire(0, 2)
        bench.run(.opened(number, role: .acceptor, dial: nil, exporter: bench.exporter(number)), at: 2)
        bench.run(.opened(number, role: .initiator, dial: 1, exporter: bench.exporter(number)), at: 0)
        #expect(bench.nodes[0]!.peers == [])
        #expect(bench.closed == [number])
    }

    @Test func `a contact that refuses is dialled with growing pauses`() {
        var bench = Bench(members: 1, outsiders: 1)
        bench.start(1, contacts: [Contact(peer: bench.peer(0), address: "zero:1", name: "zero")])
        var dials = 0
        for _ in 0..<600 {
            bench.now = bench.now + 100
            for case .dial(_, _, let dial) in bench.tell(1, .wake) {
                dials += 1
                let number = bench.newWire(1, 0)
                bench.run(.opened(number, role: .acceptor, dial: nil, exporter: bench.exporter(number)), at: 0)
                bench.run(.opened(number, role: .initiator, dial: dial, exporter: bench.exporter(number)), at: 1)
            }
        }
        #expect((10...40).contains(dials), "\(dials) dials in a minute")
    }

    @Test func `a silent connection is given up after five seconds`() {
        var bench = Bench(members: 1)
        let number = bench.newWire(nil, 0)
        bench.run(.opened(number, role: .acceptor, dial: nil, exporter: bench.exporter(number)), at: 0)
        bench.pass(milliseconds: 4_900)
        #expect(bench.closed == [])
        bench.pass(milliseconds: 200)
        #expect(bench.closed == [number])
    }
}
