import Federation
import Gossip
import Replication
import Identity
import Peer
import Session
import Wire

/// One end of a connection that a test plays by hand, through the production link.
struct Guest {
    let number: ConnectionNumber
    var link: Link
    private(set) var said: [Message] = []
    private(set) var ended: LinkError?

    /// Dials a site of the bench.
    init(
        _ bench: inout Bench, dials site: Int, as key: KeyPair, network: NetworkID? = nil, expected: PeerID? = nil,
        exporter: Bytes? = nil, features: UInt64 = 0
    ) {
        number = bench.newWire(nil, site)
        link = Link(
            role: .initiator, identity: key, network: network ?? bench.network, expected: expected ?? bench.peer(site),
            exporter: exporter ?? bench.exporter(number),
            offer: HelloOffer(features: features, frontier: .zero, state: .zero),
            now: bench.now)
        bench.run(.opened(number, role: .acceptor, dial: nil, exporter: bench.exporter(number)), at: site)
        carryOut(link.start(), &bench)
    }

    mutating func say(_ message: Message, _ bench: inout Bench) {
        carryOut((try? link.send(message)) ?? [], &bench)
    }

    /// Says several things in one piece.
    mutating func say(atOnce messages: [Message], _ bench: inout Bench) {
        var bytes = Bytes()
        for message in messages {
            if message.kind.needsCredit {
                for case .write(let frame) in (try? link.send(message)) ?? [] { bytes += frame }
            } else {
                bytes += message.frame().encode()
            }
        }
        bench.deliver(bytes, number, from: nil)
        listen(&bench)
    }

    /// Reads what the site wrote, and answers what the link answers by itself.
    mutating func listen(_ bench: inout Bench) {
        while let bytes = bench.toGuests[number]?.first {
            bench.toGuests[number]!.removeFirst()
            carryOut(link.received(bytes, now: bench.now), &bench)
        }
    }

    private mutating func carryOut(_ outputs: [Link.Output], _ bench: inout Bench) {
        for output in outputs {
            switch output {
            case .write(let bytes): bench.deliver(bytes, number, from: nil)
            case .established: break
            case .message(let message, let lane, let bytes):
                said.append(message)
                carryOut(link.processed(lane: lane, bytes: bytes, now: bench.now), &bench)
            case .close(let error):
                ended = error
                bench.cut(number, by: nil)
            }
        }
        listen(&bench)
    }
}
