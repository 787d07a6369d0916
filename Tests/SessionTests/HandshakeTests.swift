import Identity
import Session
import Testing
import Wire

@Suite struct HandshakeTests {
    /// Alice's HELLO, meant for Bob.
    private var hello: Bytes {
        var alice = link(.initiator, alice, expected: bob.peerID)
        return alice.start().written
    }

    private func refusal(of bytes: Bytes, by link: Link) -> [Link.Output] {
        var link = link
        return link.received(bytes, now: start)
    }

    @Test func `two nodes greet, and each learns who the other is`() throws {
        var alice = link(.initiator, alice, expected: bob.peerID)
        var bob = link(.acceptor, bob, offer: HelloOffer(features: 4, frontier: id(7), state: id(8)))
        #expect(bob.start() == [], "the acceptor waits to learn whom to sign for")
        let first = alice.start()
        #expect(alice.start() == [], "once")
        #expect(first.count == 1)

        let answer = bob.received(first.written, now: start)
        let aliceSeen = try #require(answer.info)
        #expect(answer == [.write(answer.written), .established(aliceSeen)])
        #expect(aliceSeen.peer == SessionTests.alice.peerID && aliceSeen.role == .acceptor)
        #expect(aliceSeen.features == 4, "features of both")
        #expect(aliceSeen.listenAddresses == ["node.example:7400"])

        let last = alice.received(answer.written, now: start)
        let bobSeen = try #require(last.info)
        #expect(last == [.established(bobSeen)])
        #expect(bobSeen.peer == SessionTests.bob.peerID && bobSeen.role == .initiator)
        #expect(bobSeen.frontier == id(7) && bobSeen.state == id(8))
        #expect(alice.isEstablished && bob.isEstablished)
    }

    @Test func `an initiator that knows no id is accepted too`() {
        var alice = link(.initiator, alice)
        var bob = link(.acceptor, bob)
        let answer = bob.received(alice.start().written, now: start)
        #expect(alice.received(answer.written, now: start).info?.peer == SessionTests.bob.peerID)
    }

    @Test func `one changed bit anywhere in a HELLO establishes nothing`() {
        let hello = hello
        for bit in 0..<hello.count * 8 {
            var altered = hello
            altered[bit / 8] ^= 1 << UInt8(bit % 8)
            let outputs = refusal(of: altered, by: link(.acceptor, bob))
            #expect(outputs.info == nil && outputs.written.isEmpty, "bit \(bit % 8) of byte \(bit / 8)")
            // A longer length alone is not an error yet; the deadline ends that.
            #expect(outputs.closeReason != nil || bit < 32)
        }
    }

    @Test func `one changed bit anywhere in the answer establishes nothing`() {
        var bob = link(.acceptor, bob)
        let answer = bob.received(hello, now: start).written
        for bit in 0..<answer.count * 8 {
            var alice = link(.initiator, alice, expected: SessionTests.bob.peerID)
            _ = alice.start()
            var altered = answer
            altered[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(alice.received(altered, now: start).info == nil)
        }
    }

    @Test func `a HELLO replayed on another connection is refused`() {
        let other = link(.acceptor, bob, exporter: Bytes(repeating: 0x23, count: 32))
        #expect(refusal(of: hello, by: other) == [.close(.badSignature)])
    }

    @Test func `a HELLO passed on to another node is refused`() {
        #expect(refusal(of: hello, by: link(.acceptor, carol)) == [.close(.badSignature)])
    }

    @Test func `an answer for another initiator is refused`() {
        // Bob answers Alice on a connection whose exporter Carol shares by assumption.
        var bob = link(.acceptor, bob)
        let answer = bob.received(hello, now: start).written
        var carol = link(.initiator, carol, expected: SessionTests.bob.peerID)
        _ = carol.start()
        #expect(carol.received(answer, now: start).closeReason == .badSignature)
    }

    @Test func `an answer signed for nobody is refused`() {
        let loose = Hello(
            offer, role: .acceptor, network: network, expected: .zero, exporter: exporter, with: bob)
        var alice = link(.initiator, alice, expected: bob.peerID)
        _ = alice.start()
        #expect(alice.received(wire(.hello(loose)), now: start).closeReason == .badSignature)
    }

    @Test func `a HELLO thrown back is refused`() {
        var alice = link(.initiator, alice, expected: bob.peerID)
        let outputs = alice.start()
        #expect(alice.received(outputs.written, now: start).closeReason == .ownID)
    }

    @Test func `two sides with the same role refuse each other`() {
        var carol = link(.initiator, carol, expected: alice.peerID)
        var alice = link(.initiator, alice, expected: SessionTests.carol.peerID)
        _ = alice.start()
        #expect(alice.received(carol.start().written, now: start).closeReason == .sameRole)
    }

    @Test func `another network is refused`() {
        let elsewhere = link(.acceptor, bob, network: id(0x12))
        #expect(refusal(of: hello, by: elsewhere) == [.close(.wrongNetwork(network))])
    }

    @Test func `another peer than the one that was dialled is refused, and told`() {
        var alice = link(.initiator, alice, expected: bob.peerID)
        _ = alice.start()
        var carol = link(.acceptor, carol)
        var toCarol = link(.initiator, SessionTests.alice, expected: SessionTests.carol.peerID)
        let answer = carol.received(toCarol.start().written, now: start).written
        let error = LinkError.unexpectedPeer(SessionTests.carol.peerID)
        #expect(
            alice.received(answer, now: start) == [.write(wire(.bye(error.code, error.description))), .close(error)])
    }

    @Test func `another protocol version is refused as such, whatever follows it`() {
        #expect(
            refusal(of: rawFrame(type: 1, body: [0x82, 0x02, 0x60]), by: link(.acceptor, bob))
                == [.close(.version(2))])
    }

    @Test func `terms no link can work with are refused`() {
        func outputs(_ change: (inout Hello) -> Void) -> [Link.Output] {
            var hello = Hello(
                offer, role: .initiator, network: network, expected: bob.peerID, exporter: exporter, with: alice)
            change(&hello)
            return refusal(of: wire(.hello(hello)), by: link(.acceptor, bob))
        }
        #expect(outputs { $0.maxFrame = 262_143 }.closeReason == .terms("frames of 262143 bytes"))
        #expect(outputs { $0.credits.control = 0 }.closeReason == .terms("0 bytes of credit on lane 0"))
        #expect(outputs { $0.credits.bulk = 524_287 }.closeReason == .terms("524287 bytes of credit on lane 2"))
        #expect(outputs { $0.features = 99 }.closeReason == .badSignature, "the signature covers the terms")
    }

    @Test func `any frame before HELLO ends the connection without an answer`() {
        for message in Samples.oneOfEach.dropFirst() {
            #expect(
                refusal(of: wire(message), by: link(.acceptor, bob))
                    == [.close(.beforeHello(type: message.kind.rawValue))])
        }
    }

    @Test func `nothing behind a refused HELLO is looked at`() {
        var altered = hello
        altered[altered.count - 1] ^= 1
        #expect(refusal(of: altered + wire(.ops([[1]])), by: link(.acceptor, bob)) == [.close(.badSignature)])
    }

    @Test func `a second HELLO ends the connection`() {
        var pair = Pair()
        let outputs = pair.bob.received(hello, now: start)
        #expect(outputs.closeReason == .secondHello)
    }

    @Test func `five seconds without a HELLO end the connection`() {
        var bob = link(.acceptor, bob)
        let deadline = start + 5_000
        #expect(bob.nextDeadline == deadline)
        #expect(bob.received(Bytes(hello.prefix(20)), now: start + 4_999) == [])
        #expect(bob.tick(now: start + 4_999) == [])
        #expect(bob.received(Bytes(hello.dropFirst(20)), now: deadline) == [.close(.handshakeTimeout)])
        #expect(bob.tick(now: deadline + 1) == [] && bob.nextDeadline == nil)
    }

    @Test func `random bytes never establish a link`() {
        var random = Random(seed: 11)
        let hello = hello
        for _ in 0..<3_000 {
            var bob = link(.acceptor, bob)
            let noise = Samples.bytes(random.below(400), &random)
            let body = Bytes(noise.prefix(min(noise.count, 400)))
            let stream =
                switch random.below(3) {
                case 0: noise
                case 1: rawFrame(type: 1, body: body)
                default: Bytes(hello.prefix(random.below(hello.count))) + noise
                }
            #expect(bob.received(stream, now: start).info == nil)
        }
    }
}
