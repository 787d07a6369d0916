internal import API
internal import Consensus
internal import Glibc
internal import Identity
internal import Membership
internal import Peer
internal import Session
internal import Site
internal import Synchronization
internal import Wire

/// Tickets of this site: handing them out, and admitting who redeems one (protocol §8).
final class InvitationService: Sendable {
    static let standardSeconds = 86_400
    static let longestSeconds = 30 * 86_400

    private let host: NodeHost
    private let peers: PeerService
    private let network: NetworkFile
    private let book: Mutex<InvitationBook>
    /// Where this node says that it can be dialled.
    private let addresses: [String]
    private let site: String
    private let log: EventLog
    /// Seconds since 1970.
    private let clock: @Sendable () -> UInt64

    init(
        host: NodeHost, peers: PeerService, network: NetworkFile, book: InvitationBook, addresses: [String],
        site: String, log: EventLog, clock: @escaping @Sendable () -> UInt64 = { UInt64(time(nil)) }
    ) {
        self.host = host
        self.peers = peers
        self.network = network
        self.book = Mutex(book)
        self.addresses = addresses
        self.site = site
        self.log = log
        self.clock = clock
        host.onJoin { [weak self] number, peer, request in
            guard let self else { return }
            Task { self.host.answer(number, await self.redeem(request, by: peer)) }
        }
    }

    // MARK: For the operator

    func invite(_ request: InvitationRequest) async throws -> TicketReport {
        guard let name = SiteName(request.name) else {
            throw Problem.badRequest(
                "'\(request.name)' is no name for a site",
                remedy: "take 1 to \(SiteName.maxBytes) of the letters A-Z a-z 0-9 . _ -, a letter or digit first",
                field: "name")
        }
        let seconds = request.expiresSeconds ?? Self.standardSeconds
        guard (1...Self.longestSeconds).contains(seconds) else {
            throw Problem.badRequest(
                "a ticket cannot be good for \(seconds) s", remedy: "1 s to \(Self.longestSeconds) s (30 days)",
                field: "expires_seconds")
        }
        let (me, isMember) = try await host.ask {
            ($0.identity.peerID, $0.state.members.contains($0.identity.peerID))
        }
        guard isMember else {
            throw Problem.conflict("this site is not a member itself yet", remedy: "members invite: shoal peers list")
        }
        if let taken = try await owner(of: name.text) {
            throw Problem.conflict(
                "there is a member of the name \(name) (\(taken.short)…)",
                remedy: "choose another name, or let it in by its id: shoal peers add PEER_ID", code: "name_taken")
        }
        guard let networkName = SiteName(network.genesis.name) else {
            throw Problem.conflict("the network's name cannot stand in a ticket", remedy: "use shoal peers add")
        }
        let secret = secureRandomBytes(JoinLimits.secretBytes)
        let now = clock()
        let ticket = Ticket(
            inviter: me, network: network.genesis.networkID, secret: secret, expires: now + UInt64(seconds), name: name,
            networkName: networkName, addresses: try dialled(request.addresses))
        do {
            try book.withLock { book throws(SiteError) in
                try book.add(secret: secret, name: name, expires: ticket.expires, now: now)
            }
        } catch {
            throw Problem.conflict("\(error)", code: "invitations")
        }
        log.info("invited", ["name": name.text, "expires": "\(ticket.expires)"])
        return TicketReport(
            ticket: ticket.text, name: name.text, network: networkName.text, expires: Int(ticket.expires),
            addresses: ticket.addresses.map(\.description))
    }

    func list() -> [InvitationReport] {
        let now = clock()
        return book.withLock { $0.invitations }.map { invitation in
            InvitationReport(
                name: invitation.name.text,
                state: invitation.redeemed != nil ? "redeemed" : now < invitation.expires ? "open" : "expired",
                expires: Int(invitation.expires), peer: invitation.redeemed?.peer.hex,
                redeemed: invitation.redeemed.map { Int($0.seconds) })
        }
    }

    func withdraw(_ text: String) throws -> RemovedReport {
        guard let name = SiteName(text) else { throw Problem.notFound("no ticket is for '\(text)'") }
        let removed: Int
        do {
            removed = try book.withLock { book throws(SiteError) in try book.withdraw(name) }
        } catch {
            throw Problem.unavailable("\(error)")
        }
        guard removed > 0 else {
            throw Problem.notFound("no ticket for \(name) is open", remedy: "see them: shoal invite --list")
        }
        return RemovedReport(removed: removed)
    }

    /// Where a new site can dial: what is asked for, or what this node tells its peers.
    private func dialled(_ asked: [String]?) throws -> [Endpoint] {
        var usable: [Endpoint] = []
        for text in asked ?? addresses {
            guard let endpoint = Endpoint(parsing: text) else {
                throw Problem.unusable("'\(text)' is no address", remedy: "write HOST:PORT", field: "addresses")
            }
            if endpoint.canBeDialled { usable.append(endpoint) }
        }
        guard (1...8).contains(usable.count) else {
            throw Problem.conflict(
                addresses.isEmpty
                    ? "this site only dials out: nobody could redeem the ticket here"
                    : "a new site cannot dial \(addresses.joined(separator: ", "))",
                remedy: "say where it reaches this one: --address HOST:PORT (or restart with --listen and --advertise)",
                code: "no_address")
        }
        return usable
    }

    /// Another member of that name.
    private func owner(of name: String, but peer: PeerID? = nil) async throws -> PeerID? {
        if name == site { return try await host.ask { $0.identity.peerID } }
        return try await peers.list().first { $0.member && $0.name == name && $0.peer != peer?.hex }
            .flatMap { PeerID(hex: $0.peer) }
    }

    // MARK: For the new site

    /// Redeems a ticket: first on this disk, then as a member-add that every site will hear of.
    func redeem(_ request: JoinRequest, by peer: PeerID) async -> JoinMessage {
        let now = clock()
        func refused(_ reason: JoinRefusal.Reason, _ text: String) -> JoinMessage {
            log.warn("ticket-refused", ["peer": peer.short, "reason": text])
            return .refused(JoinRefusal(seconds: now, reason: reason, text: text))
        }
        do {
            let outcome = try book.withLock { book throws(SiteError) in
                try book.redeem(secret: request.secret, by: peer, now: now)
            }
            let invitation: InvitationBook.Invitation
            switch outcome {
            case .success(let found): invitation = found
            case .failure(.unknown): return refused(.unknown, "no such ticket is open here: it was withdrawn or lost")
            case .failure(.used(let used)):
                return refused(
                    .used, "the ticket for \(used.name) was used by another site, \(used.redeemed!.peer.short)…")
            case .failure(.expired(let old)):
                return refused(.expired, "the ticket for \(old.name) expired \(now - old.expires) s ago")
            }
            // Tickets put back with a backup do not admit a second site of the name.
            if let other = try await owner(of: invitation.name.text, but: peer) {
                return refused(.used, "there is a member of the name \(invitation.name) already, \(other.short)…")
            }
            try await admit(
                peer, invitation.name, at: request.addresses.lazy.compactMap { Endpoint(parsing: $0) }.first)
            log.info("joined", ["peer": peer.short, "name": invitation.name.text])
            return .granted(
                JoinGrant(
                    seconds: now, genesis: network.genesis.encode(), vocabularyKey: network.vocabularyKey,
                    members: try await members(but: peer)))
        } catch {
            return refused(.unable, String("\(error)".prefix(200)))
        }
    }

    /// Vouches for the site, remembers where to dial it, and says this site's yes to its vote.
    private func admit(_ peer: PeerID, _ name: SiteName, at endpoint: Endpoint?) async throws {
        let address = endpoint.flatMap { $0.port > 0 ? $0.description : nil }
        _ = try await peers.add(PeerAddRequest(peer: peer.hex, name: name.text, address: nil))
        if let address {
            // The site dials by itself; that this one can as well must not be what its joining fails at.
            do {
                _ = try await peers.add(PeerAddRequest(peer: peer.hex, name: name.text, address: address))
            } catch { log.warn("peer-not-kept", ["peer": peer.short, "cause": "\(error)"]) }
        }
        let mayAsk = try await host.ask { node in
            let electorate = node.state.consensus.latest.electorate
            return node.configuration.genesis.policy.hasVotes && electorate.index(of: peer) == nil
                && electorate.index(of: node.identity.peerID) != nil
        }
        if mayAsk { host.affirm(.admission(peer)) }
    }

    /// Whom the new site can dial, this one first.
    private func members(but peer: PeerID) async throws -> [JoinGrant.Member] {
        let me = try await host.ask { $0.identity.peerID }
        var members = [JoinGrant.Member(peer: me, name: site, address: "")]
        var bytes = members[0].byteCount
        for other in try await peers.list() where other.member && other.peer != peer.hex {
            guard let id = PeerID(hex: other.peer) else { continue }
            let name = other.name.utf8.count <= JoinLimits.nameBytes ? other.name : id.short
            let member = JoinGrant.Member(peer: id, name: name, address: other.address ?? "")
            bytes += member.byteCount
            guard members.count < JoinLimits.members, bytes <= JoinLimits.memberBytes else { break }
            members.append(member)
        }
        return members
    }
}
