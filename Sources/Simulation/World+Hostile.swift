internal import Gossip
internal import Identity
internal import Membership
internal import Peer
internal import Replication
internal import Session
internal import Wire

/// What hostile parties do, and what must become of it.
extension World {
    /// Keeps HELLOs of honest initiators for whoever wants to play them back.
    mutating func overhear(_ bytes: Bytes, _ number: ConnectionNumber, from end: Int) {
        guard end == 0, overheard.count < 8, network.connections[number]?.pipes[end].sent == 0 else { return }
        overheard.append(bytes)
    }

    mutating func hostileActs(_ index: Int) throws(Violation) {
        guard !isHealed else { return }
        queue.schedule(.hostile(index), at: now + 200 + UInt64(random.below(1_500)))
        guard hostiles[index].connection != nil else { return approach(index) }
        guard hostiles[index].link?.isEstablished == true else { return }
        try harass(index)
    }

    private mutating func approach(_ index: Int) {
        let running = sites.indices.filter { sites[$0].node != nil }
        guard !running.isEmpty else { return }
        // Two of one key go to sites that hear different things.
        let others = twins(of: index).compactMap { hostiles[$0].connection == nil ? nil : hostiles[$0].target }
        let apart = running.filter { site in others.allSatisfy { $0 % 2 != site % 2 } }
        let target = (apart.isEmpty ? running : apart)[random.below(apart.isEmpty ? running.count : apart.count)]
        hostiles[index].target = target
        hostiles[index].connection = connect(.hostile(index), to: .site(target))
    }

    /// TLS is up: says HELLO, or what it calls one.
    mutating func hostileConnected(_ index: Int, _ number: ConnectionNumber, exporter: Bytes) {
        let party = hostiles[index]
        let position: Int
        if party.kind == .impostor {
            guard !overheard.isEmpty else { return hostileLeaves(index) }
            send(overheard[random.below(overheard.count)], to: number, from: 0)
            position = network.connections[number]!.pipes[0].sent
        } else {
            var link = Link(
                role: .initiator, identity: party.key, network: party.network,
                expected: sites[party.target].identity.peerID, exporter: exporter,
                offer: HelloOffer(frontier: .zero, state: .zero), now: Instant(milliseconds: now))
            let outputs = link.start()
            hostiles[index].link = link
            carryOut(outputs, of: index, number)
            position = network.connections[number]!.pipes[0].sent
        }
        let life = HostileParty.SiteLife(site: party.target, life: sites[party.target].life)
        guard !party.kind.isMember || party.shutOutBy.contains(life) else { return }
        note("hostile HELLO: \(party.kind.rawValue)\(party.kind.isMember ? ", shut out" : "")")
        shutOutCheck.expect(number, after: position, "the HELLO of a \(party.kind.rawValue)")
    }

    mutating func hostileReceived(_ index: Int, _ number: ConnectionNumber, _ bytes: Bytes) {
        guard hostiles[index].connection == number, hostiles[index].link != nil else { return }
        let outputs = hostiles[index].link!.received(bytes, now: Instant(milliseconds: now))
        carryOut(outputs, of: index, number)
    }

    private mutating func carryOut(_ outputs: [Link.Output], of index: Int, _ number: ConnectionNumber) {
        for output in outputs {
            switch output {
            case .write(let bytes): send(bytes, to: number, from: 0)
            case .established: note("hostile established")
            case .message(let message, let lane, let bytes):
                if case .blobWant(let want) = message { say(.blobNone(want.hash), index, number) }
                let credit = hostiles[index].link!.processed(
                    lane: lane, bytes: bytes, now: Instant(milliseconds: now))
                carryOut(credit, of: index, number)
            case .close:
                close(number, end: 0)
                hostileLost(index, number)
            }
        }
    }

    mutating func say(_ message: Message, _ index: Int, _ number: ConnectionNumber) {
        guard let outputs = try? hostiles[index].link!.send(message) else { return }
        carryOut(outputs, of: index, number)
    }

    mutating func hostileLost(_ index: Int, _ number: ConnectionNumber) {
        guard hostiles[index].connection == number else { return }
        hostiles[index].connection = nil
        hostiles[index].link = nil
    }

    mutating func hostileLeaves(_ index: Int) {
        guard let number = hostiles[index].connection else { return }
        close(number, end: 0)
        hostileLost(index, number)
    }

    // MARK: What it does to a site that took it in

    private mutating func harass(_ index: Int) throws(Violation) {
        let number = hostiles[index].connection!
        switch hostiles[index].kind {
        case .equivocator, .spender: return equivocate(index, number)
        case .voter: return misvote(index, number)
        case .forger: return forge(index, number)
        case .replayer, .stranger, .foreigner, .impostor: break
        }
        switch random.below(20) {
        case 0..<9: replay(index, number)
        case 9..<11: pushOwnOps(index, number)
        case 11..<13: pushStrangersOp(index, number)
        case 13: say(.pull(everything()), index, number)
        case 14: claimMuch(index, number)
        case 15: lieAboutState(index, number)
        case 16 where random.chance(0.5):
            offend(index, number, "an op in another form") { _, envelope in
                .ops([HostileParty.disguise(envelope)])
            }
        case 16:
            offend(index, number, "an altered op") { world, envelope in
                .ops([HostileParty.alter(envelope, &world.random)])
            }
        case 17:
            offend(index, number, "an op of another network") { world, _ in
                let other = NetworkID(Bytes(repeating: 7, count: 32))!
                let key = world.hostiles[index].key
                let op = Op(
                    signing: .openLog, body: [0x81, 0x01], log: LogID(rawValue: 5), seq: 1, prev: .zero, lamport: 1,
                    deps: [], network: other, with: key)
                return .ops([op.envelope])
            }
        case 18:
            offend(index, number, "a proof of nothing") { world, envelope in
                .equivocation(envelope, HostileParty.alter(envelope, &world.random))
            }
        default:
            send(Bytes(repeating: 0xFF, count: 8), to: number, from: 0)
            expectShutOut(index, number, "a frame of no known type")
        }
    }

    /// What others wrote, in any order, some twice, with gaps.
    private mutating func replay(_ index: Int, _ number: ConnectionNumber) {
        guard !published.isEmpty else { return }
        var envelopes = (0..<1 + random.below(30)).map { _ in published[random.below(published.count)] }
        random.shuffle(&envelopes)
        note("replayed")
        say(.ops(envelopes), index, number)
    }

    private mutating func pushOwnOps(_ index: Int, _ number: ConnectionNumber) {
        hostiles[index].writeOwnOps()
        for op in hostiles[index].ownOps { originCheck.allow(op) }
        var envelopes = hostiles[index].ownOps.map(\.envelope)
        random.shuffle(&envelopes)
        say(.ops(Array(envelopes.prefix(1 + random.below(4)))), index, number)
    }

    /// Well signed, by nobody who belongs: refused, and the sender is not to blame.
    private mutating func pushStrangersOp(_ index: Int, _ number: ConnectionNumber) {
        let stranger = KeyPair(seed: Bytes(repeating: UInt8(random.below(256)), count: 32))
        let op = Op(
            signing: .openLog, body: [0x81, 0x01], log: LogID(rawValue: random.next()), seq: 1, prev: .zero,
            lamport: 1, deps: [], network: genesis.networkID, with: stranger)
        say(.ops([op.envelope]), index, number)
    }

    /// Asks for every op of every log there is.
    private func everything() -> [PullRange] {
        let site = sites.first { $0.node != nil }
        let heads = site?.node?.summary.frontier.sorted ?? []
        let ranges = heads.map {
            PullRange(author: $0.key.author, log: $0.key.log, from: 1, through: $0.head.seq + 100)
        }
        let nobody = PullRange(author: .zero, log: LogID(rawValue: 0), from: 1, through: 1)
        return ranges.isEmpty ? [nobody] : ranges
    }

    /// Says that it has what nobody has.
    private mutating func claimMuch(_ index: Int, _ number: ConnectionNumber) {
        let heads = sites[hostiles[index].target].node?.summary.frontier.sorted ?? []
        let entries = heads.map { key, head in
            FrontierEntry(author: key.author, log: key.log, seq: head.seq + 1_000_000, head: head.id)
        }
        let pages = FrontierMessage.pages(
            digest: Hash32(Bytes(repeating: 3, count: 32))!, state: .zero, entries: entries)
        for page in pages { say(.frontier(page), index, number) }
    }

    /// Names the site's own frontier beside another state.
    private mutating func lieAboutState(_ index: Int, _ number: ConnectionNumber) {
        guard let summary = sites[hostiles[index].target].node?.summary else { return }
        let state = Hash32(Bytes(repeating: 4, count: 32))!
        say(.frontier(.summary(digest: summary.frontierDigest, state: state)), index, number)
    }

    /// Sends what only a liar sends.
    private mutating func offend(
        _ index: Int, _ number: ConnectionNumber, _ what: String, _ make: (inout World, Bytes) -> Message
    ) {
        guard !published.isEmpty else { return }
        let envelope = published[random.below(published.count)]
        let message = make(&self, envelope)
        say(message, index, number)
        // Something that would be answered, in the same piece or soon after it.
        send(Message.ping(nonce: 1).frame().encode(), to: number, from: 0)
        // What a later version might write is passed over, and its sender is not to blame.
        if case .ops(let ops) = message, ops.contains(where: isFromTheFuture) { return }
        guard let link = hostiles[index].link, link.queued(on: message.kind.lane) == 0 else { return }
        expectShutOut(index, number, what)
    }

    private func isFromTheFuture(_ envelope: Bytes) -> Bool {
        do {
            _ = try Op(verifying: envelope, network: genesis.networkID)
            return false
        } catch {
            return error.isFromTheFuture
        }
    }

    private mutating func expectShutOut(_ index: Int, _ number: ConnectionNumber, _ what: String) {
        guard let connection = network.connections[number], !connection.pipes[0].isDead else { return }
        note("offence: \(what)")
        shutOutCheck.expect(number, after: connection.pipes[0].sent, what)
    }
}
