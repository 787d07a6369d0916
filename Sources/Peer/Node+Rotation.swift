internal import Gossip
internal import Identity
internal import Membership
internal import Session
internal import Wire

/// Following members that go on under another key.
extension Node {
    /// Whoever was dialled under a key that was passed on is dialled under the next one, at the same place. The old one
    /// stays a contact, since its node is there until it is let go.
    mutating func followKeys(now: Instant) {
        guard followedChanges != state.members.changes else { return }
        followedChanges = state.members.changes
        for peer in contacts.keys.sorted() {
            var known = peer
            while let next = state.members.successor(of: known), next != identity.peerID, contacts[next] == nil {
                let contact = Contact(
                    peer: next, address: contacts[peer]!.contact.address, name: contacts[peer]!.contact.name)
                contacts[next] = Dialling(contact: contact, isListed: isListed(peer), next: now)
                if isListed(peer) { overlay.list(KnownPeer(peer: next, address: contact.address)) }
                known = next
            }
        }
    }
}
