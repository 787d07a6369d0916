public import Identity
public import Wire

/// A site that can be dialled.
public struct KnownPeer: Sendable, Hashable {
    public var peer: PeerID
    /// `HOST:PORT`, 1 to 255 bytes.
    public var address: String

    public init(peer: PeerID, address: String) {
        self.peer = peer
        self.address = address
    }

    public var isWithinLimits: Bool { (1...SessionLimits.addressBytes).contains(address.utf8.count) }

    fileprivate func encode(into encoder: inout CBOREncoder) {
        encoder.array(2)
        encoder.bytes(peer.bytes)
        encoder.text(address)
    }

    fileprivate init(_ decoder: inout CBORDecoder) throws(CBORError) {
        try decoder.array(exactly: 2)
        peer = try decoder.id()
        let start = decoder.position
        address = try decoder.text(max: SessionLimits.addressBytes)
        guard isWithinLimits else { throw .outOfRange(at: start, what: "an empty address") }
    }
}

/// How nodes of a large network find each other (HyParView; Leitão, Pereira, Rodrigues, DSN 2007).
///
/// ```
/// PEERS = [0, urgency: 0|1|2, address: text | null]    be my neighbour: if there is room, surely, I am new
///       | [1, accepted: bool]                          the answer
///       | [2, hops, [peer, address]]                   somebody is new
///       | [3, [[peer, address] …]]                     some that I know; tell me as many
///       | [4, [[peer, address] …]]                     the answer
///       | [5]                                          be my neighbour no more
/// ```
public enum PeersMessage: Sendable, Equatable {
    public enum Urgency: UInt8, Sendable, CaseIterable {
        /// Refused where the view is full.
        case ifThereIsRoom = 0
        /// The sender has no neighbour, or heals a split: somebody else has to go.
        case surely = 1
        /// Like `surely`, and others hear of the sender.
        case join = 2
    }

    /// `address`: where the sender can be dialled; nil behind a NAT.
    case request(Urgency, address: String?)
    case answer(accepted: Bool)
    case joined(KnownPeer, hops: Int)
    case shuffle([KnownPeer])
    case shuffleAnswer([KnownPeer])
    case disconnect

    func encode(into encoder: inout CBOREncoder) {
        switch self {
        case .request(let urgency, let address):
            encoder.array(3)
            encoder.uint(0)
            encoder.uint(UInt64(urgency.rawValue))
            if let address { encoder.text(address) } else { encoder.null() }
        case .answer(let accepted):
            encoder.array(2)
            encoder.uint(1)
            encoder.bool(accepted)
        case .joined(let peer, let hops):
            encoder.array(3)
            encoder.uint(2)
            encoder.uint(UInt64(hops))
            peer.encode(into: &encoder)
        case .shuffle(let peers), .shuffleAnswer(let peers):
            encoder.array(2)
            encoder.uint(kind)
            encoder.array(peers.count)
            for peer in peers { peer.encode(into: &encoder) }
        case .disconnect:
            encoder.array(1)
            encoder.uint(5)
        }
    }

    private var kind: UInt64 {
        switch self {
        case .request: 0
        case .answer: 1
        case .joined: 2
        case .shuffle: 3
        case .shuffleAnswer: 4
        case .disconnect: 5
        }
    }

    init(_ decoder: inout CBORDecoder) throws(CBORError) {
        let items = try decoder.array(1...3)
        let start = decoder.position
        switch (try decoder.uint(), items) {
        case (0, 3):
            let urgency = Urgency(rawValue: UInt8(try decoder.uint(max: 2)))!
            let isNull = try decoder.null()
            self = .request(urgency, address: isNull ? nil : try decoder.text(max: SessionLimits.addressBytes))
        case (1, 2): self = .answer(accepted: try decoder.bool())
        case (2, 3):
            let hops = try decoder.count(max: SessionLimits.joinHops)
            self = .joined(try KnownPeer(&decoder), hops: hops)
        case (3, 2): self = .shuffle(try Self.peers(&decoder))
        case (4, 2): self = .shuffleAnswer(try Self.peers(&decoder))
        case (5, 1): self = .disconnect
        default: throw .outOfRange(at: start, what: "no such message of \(items) items")
        }
    }

    private static func peers(_ decoder: inout CBORDecoder) throws(CBORError) -> [KnownPeer] {
        var peers: [KnownPeer] = []
        for _ in 0..<(try decoder.array(max: SessionLimits.knownPeersPerFrame)) {
            peers.append(try KnownPeer(&decoder))
        }
        return peers
    }
}
