internal import API
internal import Identity
internal import Membership
internal import Peer
internal import Replication
internal import Site
internal import Wire

/// Who belongs, who is connected, and vouching for a new member.
final class PeerService: Sendable {
    private let host: NodeHost
    /// Names from the site's `.peers` files.
    let names: [PeerID: String]
    /// Where contacts added at run time are kept.
    private let peersFile: String?

    init(host: NodeHost, names: [PeerID: String], peersFile: String?) {
        self.host = host
        self.names = names
        self.peersFile = peersFile
    }

    func list() async throws -> [PeerReport] {
        let names = names
        return try await host.ask { node in
            let known = node.status
            return known.map { peer in
                PeerReport(
                    peer: peer.id.hex, name: names[peer.id] ?? peer.name, address: peer.address,
                    connected: peer.isConnected, member: peer.isMember, banned: peer.banned,
                    rttMs: peer.roundTripMs, ops: Int(peer.ops), bytesSent: peer.bytesSent,
                    bytesReceived: peer.bytesReceived, inStep: peer.isInStep)
            }
        }
    }

    /// Signs a member-add, and remembers where to dial.
    func add(_ request: PeerAddRequest) async throws -> PeerReport {
        guard let peer = PeerID(hex: request.peer) else {
            throw Problem.badRequest(
                "'\(request.peer)' is no peer id", remedy: "a peer id has 64 hexadecimal digits: `shoal keys show`",
                field: "peer")
        }
        let endpoint = try request.address.map { text throws(Problem) in
            guard let endpoint = Endpoint(parsing: text) else {
                throw Problem.badRequest("'\(text)' is no address", remedy: "write HOST:PORT", field: "address")
            }
            return endpoint
        }
        let (isMember, isThisNode) = try await host.ask {
            ($0.state.members.contains(peer), $0.identity.peerID == peer)
        }
        guard !isThisNode else {
            throw Problem.badRequest(
                "\(peer.short)… is this site itself", remedy: "give the id of the other site: `shoal keys show` there",
                field: "peer")
        }
        if !isMember {
            switch await host.submit(.memberAdd, try MemberAdd(peer: peer, name: request.name ?? "").encode()) {
            case .done: break
            case .void(_, let reason): throw Problem.conflict(reason.detail, code: reason.code)
            case .refused(let reason): throw Problem.unavailable(reason)
            }
        }
        if let endpoint {
            if let peersFile {
                try PeerFile.add(PeerEntry(peerID: peer, endpoint: endpoint, name: request.name ?? ""), to: peersFile)
            }
            host.add(Contact(peer: peer, address: "\(endpoint)", name: request.name ?? ""))
        }
        guard let added = try await list().first(where: { $0.peer == peer.hex }) else {
            throw Problem.internalError("\(peer.short)… was added and is not in the list of peers")
        }
        return added
    }
}
