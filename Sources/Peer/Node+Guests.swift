internal import Identity
internal import Session
internal import Wire

/// Strangers with a ticket: a connection of their own kind, on which JOIN is asked and answered once.
///
/// A guest is never a peer: nothing but its request is looked at, it hears of no op, and it leaves with the answer.
/// Whether the ticket is good is the shell's to say, which has a clock and keeps what was redeemed.
extension Node {
    mutating func welcome(_ peer: PeerID, _ number: ConnectionNumber, now: Instant, _ effects: inout [Effect]) {
        guard connections.values.count(where: { $0.guest != nil }) < NodeLimits.guests else {
            counters.refuse("too-many-guests")
            return end(number, .tooManyPeers, "too many sites join at once; try again", now: now, &effects)
        }
        connections[number]!.guest = Guest(peer: peer, until: now + NodeLimits.guestMs)
    }

    mutating func heard(
        _ message: Message, fromGuest number: ConnectionNumber, now: Instant, _ effects: inout [Effect]
    ) {
        guard let guest = connections[number]?.guest, case .join(.request(let request)) = message, !guest.hasAsked
        else {
            counters.refuse("guest-misbehaves")
            return end(number, .misbehaviour, "a site that joins sends one JOIN", now: now, &effects)
        }
        connections[number]!.guest!.hasAsked = true
        effects.append(.join(number, peer: guest.peer, request))
    }

    mutating func joinAnswered(
        _ number: ConnectionNumber, _ answer: JoinMessage, now: Instant, _ effects: inout [Effect]
    ) {
        // The guest may have left meanwhile: it asks again, and the shell remembers whom it admitted.
        guard connections[number]?.guest != nil, let outputs = try? connections[number]!.link.send(.join(answer)) else {
            return
        }
        carryOut(outputs, of: number, now: now, &effects)
        end(number, .shutdown, "that is all", now: now, &effects)
    }

    mutating func dismissGuests(now: Instant, _ effects: inout [Effect]) {
        for number in connections.keys.sorted() where connections[number]?.guest.map({ $0.until <= now }) ?? false {
            end(number, .shutdown, "a ticket is redeemed within half a minute", now: now, &effects)
        }
    }
}
