import Identity
import Peer
import Session
import Testing
import Wire

@Suite struct JoinTests {
    private let stranger = KeyPair(seed: Bytes(repeating: 200, count: 32))
    private let request = JoinRequest(secret: Bytes(repeating: 1, count: 16), addresses: ["west:7447"])
    private let refusal = JoinMessage.refused(JoinRefusal(seconds: 5, reason: .used, text: "it was used"))

    private func guest(_ bench: inout Bench, as key: KeyPair? = nil) -> Guest {
        Guest(&bench, dials: 0, as: key ?? stranger, features: HelloFeatures.join)
    }

    @Test func `a stranger's ticket goes to the shell, and its answer back; then the connection ends`() {
        var bench = Bench(members: 1)
        var guest = guest(&bench)
        #expect(guest.ended == nil)
        guest.say(.join(.request(request)), &bench)
        #expect(bench.joins.map(\.peer) == [stranger.peerID] && bench.joins.map(\.request) == [request])
        #expect(guest.said == [], "nothing is told before the shell has decided")
        bench.run(.joinAnswered(guest.number, refusal), at: 0)
        guest.listen(&bench)
        #expect(guest.said == [.join(refusal)])
        #expect(bench.closed == [guest.number])
        #expect(bench.nodes[0]!.peers == [], "a guest was never a peer")
    }

    @Test func `a guest hears of no op and may say nothing but JOIN, once`() {
        var bench = Bench(members: 1)
        bench.createModel(at: 0)
        for messages: [Message] in [
            [.iwant([bench.ids(0)[0]])], [.join(refusal)], [.join(.request(request)), .join(.request(request))],
        ] {
            let before = bench.joins.count
            var guest = guest(&bench)
            for message in messages { guest.say(message, &bench) }
            #expect(guest.said == [])
            #expect(bench.closed.contains(guest.number), "\(messages)")
            #expect(bench.joins.count == before + messages.count - 1)
        }
        #expect(bench.nodes[0]!.counters.refused["guest-misbehaves"] == 3)
    }

    @Test func `a member may use its ticket again beside its connection as a peer`() {
        var bench = Bench(members: 2)
        bench.connect(1, 0)
        var guest = guest(&bench, as: bench.keys[1])
        guest.say(.join(.request(request)), &bench)
        #expect(bench.joins.map(\.peer) == [bench.peer(1)])
        #expect(bench.isConnected(0, to: 1))
    }

    @Test func `JOIN from a peer is a breach`() {
        var bench = Bench(members: 2)
        var member = Guest(&bench, dials: 0, as: bench.keys[1])
        member.say(.join(.request(request)), &bench)
        #expect(bench.closed == [member.number] && bench.joins.isEmpty)
        #expect(bench.notices[0].contains { if case .banned(bench.peer(1), _, _) = $0 { true } else { false } })
    }

    @Test func `an answer to a guest that has left is dropped, and a silent guest is sent away`() {
        var bench = Bench(members: 1)
        let gone = guest(&bench)
        bench.cut(gone.number, by: nil)
        bench.run(.joinAnswered(gone.number, refusal), at: 0)
        var silent = guest(&bench)
        let steps = NodeLimits.guestMs / 1_000
        for step in 0..<steps {
            #expect(!bench.closed.contains(silent.number), "after \(step) s")
            bench.pass(milliseconds: 1_000)
            silent.listen(&bench)
        }
        #expect(bench.closed.contains(silent.number))
    }

    @Test func `more guests than the limit wait outside, and peers are let in all the same`() {
        var bench = Bench(members: 2)
        let inside = (0..<NodeLimits.guests).map { _ in guest(&bench) }
        #expect(inside.allSatisfy { $0.ended == nil })
        let outside = guest(&bench)
        #expect(outside.ended == .byeReceived(.tooManyPeers, "too many sites join at once; try again"))
        bench.connect(1, 0)
        #expect(bench.isConnected(0, to: 1))
    }
}
