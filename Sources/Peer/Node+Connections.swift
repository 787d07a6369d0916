internal import Gossip
internal import Identity
internal import Membership
internal import Replication
internal import Session
internal import Wire

/// Dialling, handshakes, and messages from and to peers.
extension Node {
    // MARK: Dialling

    mutating func dialContacts(now: Instant, _ effects: inout [Effect]) {
        guard stopped == nil, !overlay.isPartial, dials.count < NodeLimits.dialsAtOnce else { return }
        // At most events nobody is to be dialled, so the order comes last.
        let due = contacts.filter { peer, dialling in
            !dialling.inProgress && dialling.next <= now && established[peer] == nil && !isBanned(peer, now: now)
                && isDialled(peer)
        }
        for (peer, dialling) in due.sorted(by: { $0.key < $1.key }) where dials.count < NodeLimits.dialsAtOnce {
            if !isWelcome(peer) { contacts[peer]!.farewells += 1 }
            lastDial += 1
            dials[lastDial] = peer
            contacts[peer]!.inProgress = true
            effects.append(.dial(peer, address: dialling.contact.address, dial: lastDial))
        }
    }

    /// Full jitter: uniform between the minimum and the doubled bound, so that a network that
    /// restarts at once does not dial at once.
    mutating func dialEnded(_ dial: UInt64, now: Instant, _ effects: inout [Effect]) {
        guard let peer = dials.removeValue(forKey: dial) else { return }
        carryOut(overlay.failed(peer, now: now), now: now, &effects)
        guard contacts[peer] != nil else { return }
        contacts[peer]!.next = now + NodeLimits.backoffMinMs / 2 + backoff(peer)
        contacts[peer]!.inProgress = false
    }

    private mutating func backoff(_ peer: PeerID) -> UInt64 {
        let attempts = contacts[peer]!.attempts
        contacts[peer]!.attempts += 1
        let farewells = isWelcome(peer) ? nil : contacts[peer]!.farewells
        let isUrgent = farewells == nil && isListed(peer)
        let bound = min(
            isUrgent ? NodeLimits.backoffMaxMs : NodeLimits.backoffSeldomMs,
            NodeLimits.backoffMinMs << UInt64(min(farewells ?? attempts, 16)))
        return UInt64(random.below(Int(bound)))
    }

    /// Whom the operator has listed.
    var listed: [PeerID] { contacts.filter(\.value.isListed).map(\.key) }
    func isListed(_ peer: PeerID) -> Bool { contacts[peer]?.isListed ?? false }

    func isBanned(_ peer: PeerID, now: Instant) -> Bool { banned[peer].map { now < $0 } ?? false }

    // MARK: Connections

    mutating func opened(
        _ number: ConnectionNumber, role: Role, dial: UInt64?, exporter: Bytes, now: Instant,
        _ effects: inout [Effect]
    ) {
        guard connections.count < NodeLimits.connections, stopped == nil else {
            counters.refuse("too-many-connections")
            effects.append(.close(number))
            if let dial { dialEnded(dial, now: now, &effects) }
            return
        }
        counters.connectionsOpened += 1
        var link = Link(
            role: role, identity: identity, network: network, expected: dial.flatMap { dials[$0] }, exporter: exporter,
            offer: HelloOffer(
                features: HelloFeatures.reconcile | HelloFeatures.overlay | HelloFeatures.sums | HelloFeatures.trees
                    | (role == .acceptor ? HelloFeatures.join : 0),
                listenAddresses: configuration.listenAddresses, frontier: offeredFrontier,
                state: summary.stateDigest), now: now)
        let outputs = link.start()
        connections[number] = Connection(link: link, role: role, dial: dial)
        carryOut(outputs, of: number, now: now, &effects)
    }

    mutating func received(_ number: ConnectionNumber, _ bytes: Bytes, now: Instant, _ effects: inout [Effect]) {
        guard let outputs = connections[number]?.link.received(bytes, now: now) else { return }
        carryOut(outputs, of: number, now: now, &effects)
    }

    mutating func carryOut(
        _ outputs: [Link.Output], of number: ConnectionNumber, now: Instant, _ effects: inout [Effect]
    ) {
        for output in outputs {
            // Acting on one output may have ended the connection; the others came in the same piece.
            guard connections[number] != nil else { return }
            switch output {
            case .write(let bytes): effects.append(.write(number, bytes))
            case .established(let hello): greeted(number, hello, now: now, &effects)
            case .message(let message, let lane, let bytes):
                if connections[number]?.guest != nil {
                    heard(message, fromGuest: number, now: now, &effects)
                    continue
                }
                guard let peer = connections[number]?.peer else { continue }
                refusedBy[peer] = nil
                handle(message, from: peer, now: now, &effects)
                if let credit = connections[number]?.link.processed(lane: lane, bytes: bytes, now: now) {
                    carryOut(credit, of: number, now: now, &effects)
                }
            case .close(let error):
                effects.append(.close(number))
                if error.isBreach, let peer = connections[number]?.peer { ban(peer, "\(error)", now: now, &effects) }
                counters.refuse("link-\(error.code.rawValue)")
                if case .byeReceived(.unknownMember, let words) = error, let peer = connections[number]?.peer {
                    turnedAway(by: peer, words)
                }
                closed(number, reason: "\(error)", now: now, &effects)
            }
        }
    }

    private mutating func greeted(
        _ number: ConnectionNumber, _ hello: HelloInfo, now: Instant, _ effects: inout [Effect]
    ) {
        let peer = hello.peer
        if hello.features & HelloFeatures.join != 0 { return welcome(peer, number, now: now, &effects) }
        connections[number]!.peer = peer
        guard isWelcome(peer) else {
            let hasLeft = state.members.hasLeft(peer)
            let code = hasLeft ? "left-member" : "unknown-member"
            counters.refuse(code)
            effects.append(.notice(.refused(nil, code: code, from: peer)))
            let words = hasLeft ? Self.youHaveLeft : "you are not a member of this network"
            return end(number, .unknownMember, words, now: now, &effects)
        }
        guard !isBanned(peer, now: now) else {
            return end(number, .misbehaviour, "you are shut out for a while", now: now, &effects)
        }
        if let other = established[peer] {
            // Simultaneous open: both sides keep the connection whose initiator has the smaller id.
            // Between two of the same direction the newer one lives: the older may be half dead.
            let mine = connections[number]!.role
            let keepNew = connections[other]!.role == mine || (mine == .initiator) == (identity.peerID < peer)
            let loser = keepNew ? other : number
            if connections[other]!.role != mine { counters.simultaneousOpens += 1 }
            if keepNew { established[peer] = nil }
            end(loser, .duplicate, "another connection is kept", now: now, &effects)
            guard keepNew else { return }
        }
        established[peer] = number
        sumsWants[peer] = nil
        sumsFetch.reconnected(to: peer)
        if hello.features & HelloFeatures.sums != 0 { tellsSums.insert(peer) } else { tellsSums.remove(peer) }
        let isDialled = connections[number]!.dial != nil
        if let dial = connections[number]!.dial { dials[dial] = nil }
        if contacts[peer] != nil { contacts[peer]!.inProgress = false }
        connections[number]!.since = now
        effects.append(.authenticated(number))
        effects.append(.notice(.connected(peer)))
        if hello.frontier == summary.frontierDigest {
            confirmOwnLog(seenSeq: 0, by: peer)
            confirmAccount([], complete: true, by: peer)
        }
        if let entry = unsettledAccount(of: peer) {
            let page = FrontierMessage.full(
                digest: summary.frontierDigest, state: summary.stateDigest, entries: [entry], more: true)
            send(.frontier(page), to: peer, now: now, &effects)
        }
        let speaks = hello.features & HelloFeatures.overlay != 0
        let decisions = ops.connected(
            peer, frontier: hello.frontier, state: hello.state,
            comparesRanges: hello.features & HelloFeatures.reconcile != 0, begins: identity.peerID < peer,
            hasTree: speaks, hasTrees: hello.features & HelloFeatures.trees != 0,
            isPushedTo: !overlay.isPartial || overlay.isNeighbour(peer))
        exchange(decisions, now: now, &effects)
        let isInitiator = connections[number]?.role == .initiator
        let joined = overlay.connected(peer, isInitiator: isInitiator, speaks: speaks, now: now)
        carryOut(joined, now: now, &effects)
        greeted(
            by: peer, at: hello.listenAddresses.first, isDialled: isDialled, asks: speaks && isInitiator, now: now,
            &effects)
        fetchBodies(now: now, &effects)
    }

    mutating func end(
        _ number: ConnectionNumber, _ code: ByeCode, _ text: String, now: Instant, _ effects: inout [Effect]
    ) {
        guard let outputs = connections[number]?.link.close(code, text) else { return }
        carryOut(outputs, of: number, now: now, &effects)
    }

    mutating func closed(
        _ number: ConnectionNumber, reason: String, now: Instant, _ effects: inout [Effect]
    ) {
        guard let connection = connections.removeValue(forKey: number) else { return }
        counters.creditWaits += connection.link.metrics.waited
        counters.creditThrottled += connection.link.metrics.throttled
        if let dial = connection.dial, dials[dial] != nil { dialEnded(dial, now: now, &effects) }
        guard let peer = connection.peer, established[peer] == number else { return }
        established[peer] = nil
        if contacts[peer] != nil {
            // Whoever greets and hangs up at once (this node is shut out there) is dialled less and less often.
            if now - connection.since >= NodeLimits.steadyMs { contacts[peer]!.attempts = 0 }
            contacts[peer]!.inProgress = false
            contacts[peer]!.next = now + backoff(peer)
        }
        effects.append(.notice(.disconnected(peer, reason: reason)))
        bodies.disconnected(peer)
        exchange(decide { $0.disconnected(peer, headersThrough: $1, now: now) }, now: now, &effects)
        carryOut(overlay.disconnected(peer, now: now), now: now, &effects)
        fetchBodies(now: now, &effects)
    }

    /// For what the sender alone can be blamed for.
    mutating func ban(_ peer: PeerID, _ reason: String, now: Instant, _ effects: inout [Effect]) {
        let until = now + NodeLimits.banMs
        banned[peer] = until
        effects.append(.notice(.banned(peer, reason: reason, until: until)))
        replica.dropWaiting(from: peer)
        if let number = established[peer] { end(number, .misbehaviour, reason, now: now, &effects) }
    }

    /// Sends if the peer is connected and its queue has room; false if not.
    @discardableResult
    mutating func send(_ message: Message, to peer: PeerID, now: Instant, _ effects: inout [Effect]) -> Bool {
        guard let number = established[peer], connections[number] != nil else { return false }
        do {
            let outputs = try connections[number]!.link.send(message)
            carryOut(outputs, of: number, now: now, &effects)
            return true
        } catch {
            counters.refuse("send-queue-full")
            return false
        }
    }

    // MARK: Messages

    private mutating func handle(_ message: Message, from peer: PeerID, now: Instant, _ effects: inout [Effect]) {
        switch message {
        case .ops(let envelopes): receivedOps(envelopes, from: peer, now: now, &effects)
        case .frontier(.summary(let digest, let state)):
            if digest == summary.frontierDigest {
                confirmOwnLog(seenSeq: 0, by: peer)
                confirmAccount([], complete: true, by: peer)
            }
            exchange(ops.receivedSummary(from: peer, frontier: digest, state: state), now: now, &effects)
        case .frontier(.full(let digest, let state, let entries, let more)):
            confirmOwnLog(entries, complete: !more, by: peer)
            compareForks(entries, with: peer, now: now, &effects)
            let places = entries.map {
                OpExchange.Place(key: LogKey(author: $0.author, log: $0.log), seq: $0.seq, forkSeq: $0.forkSeq)
            }
            let decisions = decide {
                $0.receivedFrontier(
                    from: peer, digest: digest, state: state, entries: places, last: !more, headersThrough: $1,
                    now: now)
            }
            exchange(decisions, now: now, &effects)
        case .reconcile(let message): receivedRanges(message, from: peer, now: now, &effects)
        case .pull(let ranges):
            let asked = ranges.map {
                OpRange(key: LogKey(author: $0.author, log: $0.log), from: $0.from, through: $0.through)
            }
            let servable = ops.servable(asked)
            guard !servable.isEmpty, let request = beginLoad(.ops(peer), for: peer) else { return }
            effects.append(.loadOps(request: request, servable))
        case .blobWant(let want):
            if let body = recentBodies[want.hash] { return serve(body, want, to: peer, now: now, &effects) }
            guard let request = beginLoad(.body(peer, want), for: peer) else { return }
            effects.append(.loadBody(request: request, want.hash))
        case .blob(let blob):
            counters.bodyBytesReceived += blob.bytes.count
            fetched(bodies.received(blob, from: peer, now: now), now: now, &effects)
        case .blobNone(let hash):
            bodies.none(hash, from: peer)
            fetchBodies(now: now, &effects)
        case .sumsWant(let want): answer(want, to: peer, now: now, &effects)
        case .sums(let answer): received(answer, from: peer, now: now, &effects)
        case .join: ban(peer, "it sent JOIN as a member", now: now, &effects)
        case .equivocation(let one, let other): receivedProof(one, other, from: peer, now: now, &effects)
        case .iwant(let ids): serve(ids, to: peer, &effects)
        case .ihave(let ids): announced(ids, by: peer, now: now)
        case .graft(let ids): grafted(ids, by: peer, &effects)
        case .prune(let authors): pruned(authors, by: peer)
        case .peers(let message): received(message, from: peer, now: now, &effects)
        case .hello, .ping, .pong, .credit, .bye: preconditionFailure("the link keeps \(message.kind.name) to itself")
        }
    }

    /// The number of a question to the store; nil when the peer has too many of them open.
    mutating func beginLoad(_ load: Load, for peer: PeerID) -> UInt64? {
        guard loadsPerPeer[peer, default: 0] < NodeLimits.loadsPerPeer else {
            counters.refuse("too-many-loads")
            return nil
        }
        loadsPerPeer[peer, default: 0] += 1
        lastLoad += 1
        loads[lastLoad] = load
        return lastLoad
    }

    mutating func loadEnded(for peer: PeerID) {
        loadsPerPeer[peer]! -= 1
        if loadsPerPeer[peer] == 0 { loadsPerPeer[peer] = nil }
    }

    mutating func serve(
        _ body: Bytes?, _ want: BlobWant, to peer: PeerID, now: Instant, _ effects: inout [Effect]
    ) {
        guard let body else {
            send(.blobNone(want.hash), to: peer, now: now, &effects)
            return
        }
        for chunk in want.indexes(of: BodyHash.chunkCount(length: body.count)) {
            send(.blob(Blob(chunk: chunk, of: body, hash: want.hash)), to: peer, now: now, &effects)
        }
    }

    /// Lets dissemination decide, knowing which headers are here. The copy of the replica must not
    /// outlive this call, or the next change would copy all of it.
    mutating func decide(
        _ question: (inout OpExchange, (LogKey) -> UInt64) -> [OpExchange.Effect]
    ) -> [OpExchange.Effect] {
        let replica = replica
        return question(&ops) { replica.headersThrough($0) }
    }

    /// Carries out what dissemination decided.
    mutating func exchange(_ decisions: [OpExchange.Effect], now: Instant, _ effects: inout [Effect]) {
        for decision in decisions {
            switch decision {
            case .sendSummary(let peer):
                let message = FrontierMessage.summary(digest: summary.frontierDigest, state: summary.stateDigest)
                send(.frontier(message), to: peer, now: now, &effects)
            case .sendFrontier(let peer):
                let entries = summary.frontier.sorted.map {
                    FrontierEntry(
                        author: $0.key.author, log: $0.key.log, seq: $0.head.seq, head: $0.head.id,
                        forkSeq: $0.head.forkSeq)
                }
                let pages = FrontierMessage.pages(
                    digest: summary.frontierDigest, state: summary.stateDigest, entries: entries)
                for page in pages { send(.frontier(page), to: peer, now: now, &effects) }
            case .sendRanges(let peer, let ranges):
                let message = ReconcileMessage(
                    digest: summary.frontierDigest, state: summary.stateDigest, ranges: ranges)
                send(.reconcile(message), to: peer, now: now, &effects)
            case .sendPull(let peer, let ranges):
                let wire = ranges.map {
                    PullRange(author: $0.key.author, log: $0.key.log, from: $0.from, through: $0.through)
                }
                for message in Message.pulls(wire) { send(message, to: peer, now: now, &effects) }
            case .sendOps(let peer, let ids): push(ids, to: peer, now: now, &effects)
            case .tree(.announce(let peer, let ids)):
                for message in Message.ihaves(ids) { send(message, to: peer, now: now, &effects) }
            case .tree(.graft(let peer, let ids)): send(.graft(ids), to: peer, now: now, &effects)
            case .tree(.prune(let peer, let authors)): send(.prune(authors), to: peer, now: now, &effects)
            case .diverged(let peer, let ours, let theirs):
                effects.append(.notice(.diverged(peer, ours: ours, theirs: theirs)))
                disagreeing[peer] = summary.frontierDigest
                guard isOutvoted else { continue }
                stop(
                    "most other sites have the same ops and another state: this site's fold or database is damaged. "
                        + "Compare `shoal status` of all sites, then restore this one from the others", now: now,
                    &effects)
            }
        }
    }
}
