internal import API
internal import Identity
internal import Membership
internal import Peer
internal import Replication
internal import Site
internal import Synchronization
internal import Wire

/// Who belongs, who is connected, and vouching for a new member.
final class PeerService: Sendable {
    private let host: NodeHost
    /// Names from the site's `.peers` files.
    let names: [PeerID: String]
    /// Where contacts added at run time are kept.
    private let peersFile: String?
    private let log: EventLog
    /// Peers whose new line could not be written, and that was said.
    private let behind = Mutex<Set<PeerID>>([])

    init(host: NodeHost, names: [PeerID: String], peersFile: String?, log: EventLog) {
        self.host = host
        self.names = names
        self.peersFile = peersFile
        self.log = log
    }

    /// Keeps the file of peers true when one of them takes another key.
    func start() {
        host.observe { [weak self] ops in
            guard ops.contains(where: { $0.kind == .rotateKey || $0.kind == .certificate }) else { return }
            Task { await self?.followKeys() }
        }
        host.observeNotices { [weak self] notice in
            guard case .reached(let contact) = notice else { return }
            Task { await self?.keep(contact) }
        }
        Task {
            await followKeys()
            // What the node reached before anybody listened.
            for contact in (try? await host.ask { $0.reached }) ?? [] { await keep(contact) }
        }
    }

    /// Lists a member that others have told of, so that the next start finds it without them.
    private func keep(_ contact: Contact) async {
        guard let peersFile, let endpoint = Endpoint(parsing: contact.address) else { return }
        let named = PeerEntry(peerID: contact.peer, endpoint: endpoint, name: names[contact.peer] ?? contact.name)
        let entry =
            Self.isLine(named) ? named : PeerEntry(peerID: contact.peer, endpoint: endpoint, name: contact.peer.short)
        do {
            try PeerFile.add(entry, to: peersFile)
        } catch {
            isBehind(peersFile, contact.peer, error)
        }
    }

    /// Whether an entry can stand in a file of peers, whose lines are words.
    private static func isLine(_ entry: PeerEntry) -> Bool {
        (try? PeerList(parsing: Bytes(entry.description.utf8), path: ""))?.entries == [entry]
    }

    /// The node goes on all the same; whoever copies the file should know that it is behind. Said once: a file that is
    /// mounted read-only stays so, and certificates come often.
    private func isBehind(_ peersFile: String, _ peer: PeerID, _ error: any Error) {
        guard behind.withLock({ $0.insert(peer).inserted }) else { return }
        log.warn("peers-file-behind", ["file": peersFile, "peer": peer.short, "cause": "\(error)"])
    }

    /// Replaces the line of a peer that goes on under another key, once nobody needs to dial the old one.
    private func followKeys() async {
        guard let peersFile, let list = try? PeerList.load(peersFile) else { return }
        let known = list.entries
        guard
            let next = try? await host.ask({ node in
                known.map { node.isWelcome($0.peerID) ? nil : node.state.members.successor(of: $0.peerID) }
            })
        else { return }
        for (entry, successor) in zip(known, next) {
            guard let successor else { continue }
            let line = PeerEntry(peerID: successor, endpoint: entry.endpoint, name: entry.name)
            do {
                if list[successor] == nil { try PeerFile.add(line, to: peersFile) }
                _ = try PeerFile.remove(entry.peerID, from: peersFile)
            } catch {
                isBehind(peersFile, successor, error)
            }
        }
    }

    func list() async throws -> [PeerReport] {
        let names = names
        return try await host.ask { node in
            let known = node.status
            return known.map { peer in
                PeerReport(
                    peer: peer.id.hex, name: names[peer.id] ?? peer.name, address: peer.address,
                    connected: peer.isConnected, member: peer.isMember, left: peer.hasLeft,
                    successor: peer.successor?.hex, banned: peer.banned, rttMs: peer.roundTripMs, ops: Int(peer.ops),
                    bytesSent: peer.bytesSent,
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
                throw Problem.unusable("'\(text)' is no address", remedy: "write HOST:PORT", field: "address")
            }
            return endpoint
        }
        let (isMember, isThisNode, isRevoked, hasLeft) = try await host.ask {
            (
                $0.state.members.contains(peer), $0.identity.peerID == peer, $0.state.members.isRevoked(peer),
                $0.state.members.hasLeft(peer)
            )
        }
        guard !hasLeft else {
            throw Problem.conflict(
                "\(peer.short)… has left this network: it does not come back under that key",
                remedy: "that site takes a new key and a ticket: shoal invite", code: "has-left")
        }
        guard !isRevoked else {
            throw Problem.conflict(
                "\(peer.short)… was revoked by a quorum: nobody can let it in again",
                remedy: "that site takes a new key: shoal keys new", code: "revoked")
        }
        guard !isThisNode else {
            throw Problem.unusable(
                "\(peer.short)… is this site itself", remedy: "give the id of the other site: `shoal keys show` there",
                field: "peer")
        }
        // Before anything is signed: a file of peers is lines of words.
        let name = request.name ?? ""
        let entry = endpoint.map { PeerEntry(peerID: peer, endpoint: $0, name: name.isEmpty ? peer.short : name) }
        if let entry, peersFile != nil, !Self.isLine(entry) {
            throw Problem.unusable(
                "'\(name)' at \(entry.endpoint.map { "\($0)" } ?? "") cannot stand in a file of peers",
                remedy: "choose a name without spaces and #, and a port above 0", field: "name")
        }
        if !isMember {
            switch await host.submit(.memberAdd, try MemberAdd(peer: peer, name: name).encode()) {
            case .done: break
            case .void(_, let reason): throw Problem.void(reason)
            case .refused(let reason): throw Problem.unavailable(reason)
            }
        }
        if let entry, let endpoint {
            if let peersFile { try PeerFile.add(entry, to: peersFile) }
            host.add(Contact(peer: peer, address: "\(endpoint)", name: entry.name))
        }
        guard let added = try await list().first(where: { $0.peer == peer.hex }) else {
            throw Problem.internalError("\(peer.short)… was added and is not in the list of peers")
        }
        return added
    }
}
