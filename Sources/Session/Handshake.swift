public import Identity
public import Wire

/// Whom a link reached, once its HELLO has verified.
public struct HelloInfo: Sendable, Equatable {
    public let peer: PeerID
    /// This node's side.
    public let role: Role
    /// Abilities both sides have.
    public let features: UInt64
    public let listenAddresses: [String]
    public let frontier: Hash32
    public let state: Hash32
}

/// The exchange of HELLOs, without the connection around it.
///
/// ```
/// initiator                                     acceptor
///    | HELLO, signed for the id it dialled         |
///    | ------------------------------------------> | verifies: for its own id, or for zeros
///    |         HELLO, signed for the initiator's id |
///    | <------------------------------------------ |
///    | verifies: for its own id alone              |
/// ```
/// The acceptor speaks second because it learns only from the first HELLO whom to sign for. A HELLO
/// from another connection fails at the exporter; one thrown back fails at the id and at the role.
struct Handshake: Sendable {
    let role: Role
    let identity: KeyPair
    let network: NetworkID
    /// Whom the caller means to reach; nil takes anybody who can sign.
    let expected: PeerID?
    let exporter: Bytes
    let offer: HelloOffer

    /// This node's HELLO: the initiator's at once, the acceptor's for the peer that it has verified.
    func hello(for peer: PeerID?) -> Hello {
        Hello(
            offer, role: role, network: network, expected: peer ?? .zero, exporter: exporter, with: identity)
    }

    /// Judges the peer's HELLO, cheap checks first.
    func verify(_ body: Bytes) throws(LinkError) -> Hello {
        let hello = try decode(body)
        guard hello.network == network else { throw .wrongNetwork(hello.network) }
        guard hello.peer != identity.peerID else { throw .ownID }
        guard hello.role != role else { throw .sameRole }
        if let expected, expected != hello.peer { throw .unexpectedPeer(hello.peer) }
        try judgeTerms(of: hello)
        let isForMe = hello.isSigned(for: identity.peerID, exporter: exporter)
        let isForAnybody = { role == .acceptor && hello.isSigned(for: .zero, exporter: exporter) }
        guard isForMe || isForAnybody() else { throw .badSignature }
        return hello
    }

    private func decode(_ body: Bytes) throws(LinkError) -> Hello {
        let version = try LinkError.naming(.hello) { () throws(CBORError) in try Hello.claimedVersion(of: body) }
        guard version == Hello.version else { throw .version(version) }
        return try LinkError.naming(.hello) { () throws(CBORError) in
            var decoder = CBORDecoder(body)
            let hello = try Hello(&decoder)
            try decoder.end()
            return hello
        }
    }

    /// Room for two whole frames a lane: with credit returned a quarter of the window at a time, the
    /// longest frame always finds room in the end.
    private func judgeTerms(of hello: Hello) throws(LinkError) {
        guard hello.maxFrame >= Lane.bulk.frameLimit else { throw .terms("frames of \(hello.maxFrame) bytes") }
        for lane in Lane.allCases where hello.credits[lane] < 2 * lane.frameLimit {
            throw .terms("\(hello.credits[lane]) bytes of credit on lane \(lane.rawValue)")
        }
    }

    func info(of hello: Hello) -> HelloInfo {
        HelloInfo(
            peer: hello.peer, role: role, features: hello.features & offer.features,
            listenAddresses: hello.listenAddresses, frontier: hello.frontier, state: hello.state)
    }
}
