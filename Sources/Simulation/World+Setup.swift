internal import Identity
internal import Membership
internal import Peer
internal import Replication
internal import Wire

/// Who there is, and who knows whom.
extension World {
    init(_ options: SimulationOptions, tampering: Tampering, trace: ((String) -> Void)?) {
        var random = Random(seed: options.seed ^ 0x5348_4F41_4C00_0001)
        let keys = (0..<options.nodes).map { site in
            KeyPair(
                seed: (0..<4).flatMap { _ in random.next().bigEndianBytes }.dropLast() + [
                    UInt8(truncatingIfNeeded: site)
                ])
        }
        let villain = KeyPair(seed: (0..<4).flatMap { _ in random.next().bigEndianBytes })
        let founders = (options.lateJoiner ? Array(keys.dropLast()) : keys).prefix(Genesis.Limits.founders).map(
            \.peerID)
        let equivocator = KeyPair(seed: villain.peerID.bytes)
        let keyOf: [SimulationOptions.Hostile: KeyPair] = [
            .replayer: villain, .equivocator: equivocator,
            .spender: KeyPair(seed: equivocator.peerID.bytes),
            .voter: KeyPair(seed: Bytes(villain.peerID.bytes.reversed())),
            .forger: KeyPair(seed: Bytes(equivocator.peerID.bytes.reversed())),
        ]
        var policy = NetworkPolicy.standard
        policy.foldVersion = options.foldVersion
        policy.checkpointSeconds = UInt64(options.checkpointSeconds)
        if options.proposes { policy.questionSeconds = UInt64(options.questionSeconds) }
        do {
            genesis = try Genesis(
                name: "simulated", createdSeconds: 0, salt: Bytes(repeating: 1, count: 16),
                vocabularyKey: Bytes(repeating: 2, count: 32),
                founders: founders + options.hostiles.compactMap { keyOf[$0]?.peerID }, policy: policy)
        } catch {
            preconditionFailure("the genesis is within its bounds: \(error)")
        }
        self.options = options
        self.tampering = tampering
        self.trace = Trace(print: trace)
        network = Network(
            sites: options.nodes, latencyMs: options.latencyMs, jitterMs: options.jitterMs, random: random.split())
        load = LoadGenerator(
            random: random.split(), largeBodies: options.largeBodies, hugeBodies: options.hugeBodies,
            movesKoi: options.movesKoi, retracts: options.retracts)
        memory = OpMemory(
            network: genesis.networkID, signatures: SignatureMemory(limit: 1 << 20), limit: 1 << 16)
        koiCheck = KoiCheck(genesis: genesis, signatures: memory.signatures)
        gauge = SpreadGauge(sites: options.nodes)
        frontierCheck = FrontierCheck(sites: options.nodes)
        let edges =
            options.isLarge ? Self.sparseEdges(options.nodes, &random) : Self.edges(options, &random)
        let network = genesis.networkID
        hostiles = options.hostiles.flatMap { kind -> [HostileParty] in
            switch kind {
            case .replayer, .voter, .forger: [HostileParty(kind: kind, key: keyOf[kind]!, network: network)]
            // Who says different things to different sites says them at the same time.
            case .equivocator, .spender:
                Array(repeating: HostileParty(kind: kind, key: keyOf[kind]!, network: network), count: 2)
            case .foreigner:
                [HostileParty(kind: kind, key: villain, network: NetworkID(Bytes(repeating: 9, count: 32))!)]
            case .stranger, .impostor:
                [HostileParty(kind: kind, key: KeyPair(seed: Bytes(repeating: 0xEE, count: 32)), network: network)]
            }
        }
        sites = keys.enumerated().map { site, key in
            let contacts = edges[site].map {
                Contact(peer: keys[$0].peerID, address: "site-\($0):7000", name: "\($0)")
            }
            return Site(identity: key, contacts: contacts)
        }
        if let outdated = options.outdated { sites[outdated].isOutdated = true }
        places = Dictionary(uniqueKeysWithValues: keys.enumerated().map { ($1.peerID, $0) })
        self.random = random
        proposing = Random(seed: options.seed ^ 0x7061_7474_6572_6E73)
        departing = Random(seed: options.seed ^ 0x6465_7061_7274)
    }

    /// Whom each site dials. Of each pair of neighbours one dials, or both. A late joiner is a leaf, so
    /// that the founders hang together without it.
    private static func edges(_ options: SimulationOptions, _ random: inout Random) -> [[Int]] {
        let count = options.nodes
        var pairs: [(Int, Int)] = []
        switch options.topology {
        case .full: for a in 0..<count { for b in 0..<a { pairs.append((a, b)) } }
        case .line: for a in 1..<count { pairs.append((a, a - 1)) }
        case .star: for a in 1..<count { pairs.append((a, 0)) }
        case .random:
            for a in 1..<count { pairs.append((a, random.below(a))) }
            for a in 1..<count {
                for b in 0..<a - 1 where random.chance(0.2) && !(options.lateJoiner && a == count - 1) {
                    if !pairs.contains(where: { $0 == (a, b) }) { pairs.append((a, b)) }
                }
            }
        }
        var dials: [[Int]] = Array(repeating: [], count: count)
        for (a, b) in pairs {
            let both = random.chance(0.4)
            let first = random.chance(0.5)
            if both || first { dials[a].append(b) }
            if both || !first { dials[b].append(a) }
        }
        return dials
    }
}
