internal import Gossip
internal import Identity
internal import Membership
internal import Session
internal import Wire

/// Addresses in a network that is small enough for everybody to be connected with everybody: the members tell each other
/// where each of them says that it can be dialled, so that nobody hangs on the one site through which it came. In a
/// larger network the overlay does that (protocol §7.2).
///
/// ```
/// HELLO of a peer ─▶ told to others every 10 s, one after the other
/// told by a peer  ─▶ dialled, more and more seldom while nobody answers ─▶ reached: the shell keeps it
/// ```
/// What the operator has listed stays as it is. A liar can have members dialled in vain, no more: who answers must prove
/// that it has the key of that member.
extension Node {
    private var sharesAddresses: Bool { configuration.discovers && !overlay.isPartial && stopped == nil }

    /// Members that were found where others had said, and that the operator has not listed, ascending.
    public var reached: [Contact] {
        contacts.values.filter { !$0.isListed && $0.isKept }.map(\.contact).sorted { $0.peer < $1.peer }
    }

    /// When somebody is told next.
    var nextTelling: Instant? { sharesAddresses && !established.isEmpty ? tellsAgain : nil }

    mutating func tellAddresses(now: Instant, _ effects: inout [Effect]) {
        guard sharesAddresses, tellsAgain <= now, !established.isEmpty else { return }
        let interval = UInt64(OverlayLimits.visitEveryMs)
        tellsAgain = now + interval * 7 / 10 + UInt64(random.below(Int(interval) * 6 / 10))
        let peers = overlay.speakingNeighbours
        guard !peers.isEmpty else { return }
        tellAddresses(to: peers[random.below(peers.count)], asking: true, now: now, &effects)
    }

    private mutating func tellAddresses(to peer: PeerID, asking: Bool, now: Instant, _ effects: inout [Effect]) {
        var known = advertised.filter { $0.key != peer && state.members.contains($0.key) }
            .map { KnownPeer(peer: $0.key, address: $0.value) }.sorted { $0.peer < $1.peer }
        random.shuffle(&known)
        if let own = configuration.listenAddresses.first {
            known.insert(KnownPeer(peer: identity.peerID, address: own), at: 0)
        }
        known = Array(known.prefix(SessionLimits.knownPeersPerFrame))
        send(.peers(asking ? .shuffle(known) : .shuffleAnswer(known)), to: peer, now: now, &effects)
    }

    /// A peer says in its HELLO where it listens.
    ///
    /// - Parameters:
    ///   - isDialled: this node has found it at the address of its contact.
    ///   - asks: this end of the connection begins.
    mutating func greeted(
        by peer: PeerID, at address: String?, isDialled: Bool, asks: Bool, now: Instant, _ effects: inout [Effect]
    ) {
        defer { if asks, sharesAddresses { tellAddresses(to: peer, asking: true, now: now, &effects) } }
        advertised[peer] = address.flatMap { KnownPeer(peer: peer, address: $0).isWithinLimits ? $0 : nil }
        guard configuration.discovers else { return }
        if let contact = contacts[peer], !contact.isListed, isDialled {
            // Where it was found it can be found again, whatever it says.
            if !contact.isKept { effects.append(.notice(.reached(contact.contact))) }
            contacts[peer]!.isKept = true
        } else if let address = advertised[peer], state.members.contains(peer) {
            learn(KnownPeer(peer: peer, address: address), isCertain: true, now: now)
        }
    }

    /// A peer tells what it knows.
    ///
    /// - Parameter wantsAnswer: it asks for as much.
    mutating func heard(
        of sites: [KnownPeer], from peer: PeerID, wantsAnswer: Bool, now: Instant, _ effects: inout [Effect]
    ) {
        guard sharesAddresses else { return }
        for site in sites where state.members.contains(site.peer) && site.isWithinLimits {
            learn(site, isCertain: false, now: now)
        }
        if wantsAnswer { tellAddresses(to: peer, asking: false, now: now, &effects) }
    }

    /// - Parameter isCertain: it is the word of that site itself. Others are believed where nobody answers.
    private mutating func learn(_ site: KnownPeer, isCertain: Bool, now: Instant) {
        guard site.peer != identity.peerID else { return }
        guard let known = contacts[site.peer] else {
            let contact = Contact(peer: site.peer, address: site.address, name: state.members.name(of: site.peer))
            let pause = UInt64(random.below(Int(NodeLimits.backoffMinMs)))
            contacts[site.peer] = Dialling(contact: contact, isListed: false, next: now + pause)
            return
        }
        guard !known.isListed, known.contact.address != site.address,
            isCertain || (known.attempts > 0 && !known.inProgress && established[site.peer] == nil)
        else { return }
        contacts[site.peer]!.contact = Contact(
            peer: site.peer, address: site.address, name: known.contact.name)
        contacts[site.peer]!.isKept = false
    }
}
