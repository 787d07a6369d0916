internal import Identity
internal import Peer
internal import Session
internal import Wire

/// Connections of nodes, and what crosses them.
extension World {
    // MARK: What a node asks for

    mutating func dialled(_ peer: PeerID, from site: Int, dial: UInt64) {
        var target = self.site(of: peer)!
        let others = sites.indices.filter { $0 != site && $0 != target }
        if options.misdirects, !isHealed, !others.isEmpty, random.chance(0.1) {
            target = others[random.below(others.count)]
            note("dial led astray")
        }
        queue.schedule(
            .dial(site: site, life: sites[site].life, target: target, dial: dial), at: now + network.delay())
    }

    mutating func dialArrived(from site: Int, to target: Int, dial: UInt64) throws(Violation) {
        let parties = [Network.Party.site(site), .site(target)]
        let isCut = network.isBlocked(parties[0], parties[1]) || network.isBlocked(parties[1], parties[0])
        guard sites[target].node != nil, !isCut else {
            // Refused at once by a host without the process, or after a while by nobody.
            let patience = isCut ? 3_000 : 50
            let failed = Occurrence.answer(site: site, life: sites[site].life, .dialFailed(dial))
            return queue.schedule(failed, at: now + 1 + UInt64(random.below(patience)))
        }
        connect(parties[0], to: parties[1], dial: dial)
    }

    /// Opens a connection and tells both ends in time.
    @discardableResult
    mutating func connect(
        _ initiator: Network.Party, to acceptor: Network.Party, dial: UInt64? = nil
    ) -> ConnectionNumber {
        let (number, opens) = network.connect(initiator, to: acceptor, dial: dial, now: now)
        queue.schedule(.opened(number, end: 0), at: opens[0])
        queue.schedule(.opened(number, end: 1), at: opens[1])
        return number
    }

    /// Gathers what is written in a row: it goes out as one.
    mutating func write(_ bytes: Bytes, to number: ConnectionNumber, at site: Int) throws(Violation) {
        guard let end = network.end(of: .site(site), in: number), network.isOpen(number, end) else {
            throw Violation(.contract, "site \(site) writes to connection \(number), which it knows to be over")
        }
        if isQuiet, bytes.count > 4, !Self.idleKinds.contains(bytes[4]) { sites[site].idleFrames += 1 }
        if sites[site].unsent.last?.connection == number {
            sites[site].unsent[sites[site].unsent.count - 1].bytes += bytes
        } else {
            sites[site].unsent.append((number, bytes))
        }
    }

    /// PING, PONG, FRONTIER and CREDIT.
    private static let idleKinds: Set<UInt8> = [2, 3, 9, 21]

    /// Hands what was written to the network.
    mutating func flush(_ site: Int) throws(Violation) {
        let unsent = sites[site].unsent
        sites[site].unsent = []
        for (number, bytes) in unsent {
            guard let end = network.end(of: .site(site), in: number) else { continue }
            overhear(bytes, number, from: end)
            send(bytes, to: number, from: end)
        }
    }

    mutating func send(_ bytes: Bytes, to number: ConnectionNumber, from end: Int) {
        for arrival in network.write(bytes, to: number, from: end, now: now) {
            queue.schedule(.arrival(number, from: end, arrival.piece), at: arrival.time)
        }
    }

    mutating func close(_ number: ConnectionNumber, at site: Int) throws(Violation) {
        try flush(site)
        guard let end = network.end(of: .site(site), in: number), network.isOpen(number, end) else {
            throw Violation(.contract, "site \(site) closes connection \(number), which it knows to be over")
        }
        close(number, end: end)
        // A shell may or may not report an end that the node itself asked for.
        if random.chance(0.3) {
            queue.schedule(.answer(site: site, life: sites[site].life, .closed(number)), at: now + 1)
        }
    }

    mutating func close(_ number: ConnectionNumber, end: Int) {
        shutOutCheck.ended(number)
        if let arrival = network.close(number, end, now: now) {
            queue.schedule(.arrival(number, from: end, arrival.piece), at: arrival.time)
        }
    }

    // MARK: What reaches a party

    mutating func opened(_ number: ConnectionNumber, end: Int) throws(Violation) {
        guard let connection = network.open(number, end) else { return }
        switch connection.parties[end] {
        case .site(let site):
            let exporter = connection.exporter
            let event: Event =
                end == 0
                ? .opened(number, role: .initiator, dial: connection.dial, exporter: exporter)
                : .opened(number, role: .acceptor, dial: nil, exporter: exporter)
            try perform(event, at: site)
        case .hostile(let index): hostileConnected(index, number, exporter: connection.exporter)
        }
    }

    mutating func arrived(_ piece: Network.Piece, _ number: ConnectionNumber, from end: Int) throws(Violation) {
        guard let piece = network.arrive(piece, number, from: end),
            let party = network.connections[number]?.parties[1 - end]
        else { return }
        switch (piece, party) {
        case (.bytes(let bytes), .site(let site)):
            gauge.received += bytes.count
            try perform(.received(number, bytes), at: site)
            guard network.isOpen(number, 1 - end) else { return }
            try shutOutCheck.handled(number, through: network.connections[number]!.pipes[end].delivered, at: site)
        case (.bytes(let bytes), .hostile(let index)): hostileReceived(index, number, bytes)
        case (.end, _): try lost(number, 1 - end)
        }
    }

    /// An end hears that its connection is over.
    mutating func lost(_ number: ConnectionNumber, _ end: Int) throws(Violation) {
        guard network.isOpen(number, end), let connection = network.connections[number] else { return }
        network.breakStreams(number)
        network.drop(number, end)
        shutOutCheck.ended(number)
        switch connection.parties[end] {
        case .site(let site):
            if connection.isUp[end] {
                try perform(.closed(number), at: site)
            } else if end == 0, let dial = connection.dial {
                try perform(.dialFailed(dial), at: site)
            }
        case .hostile(let index): hostileLost(index, number)
        }
    }

    // MARK: Faults of the network

    /// A connection breaks; sometimes only one side is told.
    mutating func reset() {
        let open = network.open
        guard !open.isEmpty else { return }
        let number = open[random.below(open.count)]
        network.breakStreams(number)
        shutOutCheck.ended(number)
        let untold = random.chance(0.3) ? random.below(2) : nil
        note(untold == nil ? "connection reset" : "connection half open")
        for end in 0...1 where end != untold {
            queue.schedule(.reset(number, end: end), at: now + UInt64(random.below(200)))
        }
    }

    /// A site is gone: its connections break, and most other sides are told.
    mutating func severConnections(of site: Int) {
        for number in network.numbers(of: site).sorted() {
            guard let end = network.end(of: .site(site), in: number) else { continue }
            shutOutCheck.ended(number)
            // What was written may still arrive, as from a killed process, or not, as after a power cut.
            if random.chance(0.5) { network.breakStreams(number) } else { network.breakStream(number, from: 1 - end) }
            network.drop(number, end)
            if random.chance(0.7) {
                queue.schedule(.reset(number, end: 1 - end), at: now + network.delay() + UInt64(random.below(100)))
            }
        }
    }

    /// Some sites stop hearing others: all of one side or single pairs, both ways or one way only. Every
    /// pair heals in its own time.
    mutating func partition() {
        let side = sites.indices.map { _ in random.chance(0.5) }
        let isOneWay = random.chance(0.3)
        let block: Network.Block = random.chance(0.5) ? .hold : .lose
        let heals = now + 500 + UInt64(random.below(15_000))
        note(isOneWay ? "one-way partition" : "partition")
        for from in sites.indices {
            for to in sites.indices where side[from] != side[to] && !(isOneWay && side[from]) {
                guard !network.isBlocked(.site(from), .site(to)) else { continue }
                network.block(from, to, block)
                queue.schedule(.unblock(from: from, to: to), at: heals + UInt64(random.below(2_000)))
            }
        }
    }

    mutating func unblock(_ from: Int, _ to: Int) throws(Violation) {
        guard network.isBlocked(.site(from), .site(to)) else { return }
        network.block(from, to, nil)
        for (number, end, pieces) in network.release(from, to) {
            for piece in pieces { try arrived(piece, number, from: end) }
        }
    }
}
