internal import Consensus
internal import Federation
internal import Gossip
internal import Identity
internal import Learning
internal import Membership
internal import Peer
internal import Replication
internal import Session
internal import Wire

/// A member that says one thing to some and another to others (protocol §6). Both are well signed and have
/// effect, so honest sites build on either until they compare.
extension World {
    mutating func equivocate(_ index: Int, _ number: ConnectionNumber) {
        guard hostiles[index].branches.isEmpty else { return tellBranch(index, number) }
        let twins = twins(of: index)
        if hostiles[index].training != nil { return awaitSums(index, number) }
        // Mostly it waits until both ends can speak: whatever is heard first is soon everywhere.
        let areReady = twins.allSatisfy { hostiles[$0].link?.isEstablished == true }
        guard areReady || random.chance(0.1) else { return }
        if hostiles[index].kind == .spender {
            spendTwice(index)
        } else if random.chance(0.5) {
            return train(index, number)
        } else {
            writeBranches(index)
        }
        tellBranch(index, number)
        for twin in twins {
            (hostiles[twin].ownOps, hostiles[twin].branches) = (hostiles[index].ownOps, hostiles[index].branches)
            guard let number = hostiles[twin].connection, hostiles[twin].link?.isEstablished == true else { continue }
            tellBranch(twin, number)
        }
    }

    // MARK: Forking what is certified

    /// It trains as everybody does.
    private mutating func train(_ index: Int, _ number: ConnectionNumber) {
        guard let (model, beginning) = beginning(of: index) else { return }
        var log = beginning
        for _ in 0..<3 + random.below(4) { log.append(.updateModelWeights, harm(model.id)) }
        for op in log.ops { originCheck.allow(op) }
        for party in [index] + twins(of: index) { hostiles[party].training = log }
        say(.ops(log.ops.map(\.envelope)), index, number)
    }

    /// It has the sums of its first deltas certified, and goes on from the middle of them in another way.
    private mutating func awaitSums(_ index: Int, _ number: ConnectionNumber) {
        let target = hostiles[index].target
        guard let node = sites[target].node, var log = hostiles[index].training else { return }
        let key = LogKey(author: log.key.peerID, log: log.log)
        let all = [index] + twins(of: index)
        if let certified = node.state.consensus.certifiedSums(of: key).first?.sums.block {
            note("forked inside certified sums")
            let last = Int(min(certified.through, UInt64(log.ops.count)))
            let first = max(3, last - random.below(3))
            var other = log.prefix(first - 1)
            other.append(.updateModelWeights, harm(other.ops[1].header.deps[0]))
            for op in other.ops { originCheck.allow(op) }
            for party in all {
                hostiles[party].ownOps = Array(log.ops.prefix(first - 1))
                hostiles[party].branches = [Array(log.ops[(first - 1)...]), Array(other.ops[(first - 1)...])]
            }
            return tellBranch(index, number)
        }
        if !hostiles[index].hasAskedForSums,
            let block = node.state.nextBlock(of: key, deltas: 2, id: { node.replica.id(key, $0) }),
            let sums = addUp(block, at: target)
        {
            let consensus = node.state.consensus
            let question = Proposition.sums(sums).question(by: key.author, electorate: consensus.latestDigest)
            let heads = node.summary.frontier.sorted.filter { $0.key != key && $0.head.seq > 0 }.map(\.head.id)
            let deps = Array(heads.sorted().prefix(64))
            let (kind, body) = ConsensusOp.question(question).op
            log.append(kind, body, deps: deps, time: node.replica.time(next: key, deps: deps))
            originCheck.allow(log.ops.last!)
            for party in all { (hostiles[party].training, hostiles[party].hasAskedForSums) = (log, true) }
        }
        say(.ops(log.ops.map(\.envelope)), index, number)
    }

    /// The others that speak with the same key.
    func twins(of index: Int) -> [Int] {
        hostiles.indices.filter {
            $0 != index && hostiles[$0].kind == hostiles[index].kind
                && hostiles[$0].key.peerID == hostiles[index].key.peerID
        }
    }

    private mutating func tellBranch(_ index: Int, _ number: ConnectionNumber) {
        let party = hostiles[index]
        guard !party.branches.isEmpty else { return }
        var ops = party.ownOps
        switch random.below(8) {
        case 0: ops += party.branches[0] + party.branches[1]
        case 1: ops += party.branches[random.below(2)].shuffled(using: &random)
        default:
            // Always the same way to the same site.
            let branch = party.branches[party.target % 2]
            ops += branch.prefix(1 + random.below(branch.count))
        }
        note(party.kind == .spender ? "spent twice" : "equivocated")
        say(.ops(ops.map(\.envelope)), index, number)
    }

    /// A log with some rows of a model.
    private mutating func beginning(of index: Int) -> (model: Op, log: HostileLog)? {
        let known = sites[hostiles[index].target].node?.state.models.ids ?? []
        guard let id = known.first(where: { publishedModels[$0] != nil }), let model = publishedModels[id] else {
            return nil
        }
        var log = HostileLog(key: hostiles[index].key, network: genesis.networkID, log: LogID(rawValue: random.next()))
        log.append(.openLog, OpenLogBody.bytes)
        let tokens = (0..<6).map { TokenID(rawValue: UInt128($0) << 64 | 7) }
        guard let announcement = try? RowAnnouncement(model: model.id, tokens: tokens) else { return nil }
        log.append(.announceRows, announcement.body, after: model)
        return (model, log)
    }

    /// A common beginning, and two branches that train, admit somebody and create a model.
    private mutating func writeBranches(_ index: Int) {
        guard let (model, beginning) = beginning(of: index) else { return }
        var log = beginning
        for _ in 0..<random.below(3) { log.append(.updateModelWeights, harm(model.id)) }
        hostiles[index].ownOps = log.ops
        hostiles[index].branches = (0..<2).map { _ in
            var branch = log
            for _ in 0..<2 + random.below(6) { step(&branch, model) }
            return Array(branch.ops.dropFirst(log.ops.count))
        }
        for op in hostiles[index].ownOps + hostiles[index].branches.joined() { originCheck.allow(op) }
    }

    private mutating func step(_ branch: inout HostileLog, _ model: Op) {
        switch random.below(6) {
        case 0:
            let stranger = KeyPair(seed: [0x55] + Bytes(repeating: UInt8(random.below(256)), count: 31))
            guard let add = try? MemberAdd(peer: stranger.peerID, name: "guest") else { return }
            branch.append(.memberAdd, add.encode())
        case 1:
            guard let shape = try? ModelShape(dim: 16, heads: 2, layers: 1, context: 8),
                let spec = try? ModelSpec(name: "of a branch", agent: "liar", shape: shape)
            else { return }
            branch.append(.createModel, spec.body)
        case 2:
            let tokens = (0..<3).map { _ in TokenID(rawValue: UInt128(10 + random.below(4_000)) << 64 | 7) }
            guard let more = try? RowAnnouncement(model: model.id, tokens: Array(Set(tokens)).sorted()) else { return }
            branch.append(.announceRows, more.body)
        case 3: branch.append(.transfer, [UInt8(random.below(24))])
        default: branch.append(.updateModelWeights, harm(model.id))
        }
    }

    /// A delta within all caps.
    mutating func harm(_ model: ModelID) -> Bytes {
        func block(_ indices: [UInt32]) -> RowBlock {
            let values = (0..<indices.count * 16).map { _ in Int8(1 + random.below(120)) }
            return RowBlock(indices: indices, shifts: indices.map { _ in 9 }, values: .int8(values))
        }
        return Delta(
            model: model, round: 1, steps: 1, tokensSeen: 1, dense: block([0, 3]), rows: block([1, 4, 5])
        ).body
    }
}

/// A log that somebody writes by hand, without a node.
struct HostileLog {
    let key: KeyPair
    let network: NetworkID
    let log: LogID
    private(set) var ops: [Op] = []

    init(key: KeyPair, network: NetworkID, log: LogID) {
        self.key = key
        self.network = network
        self.log = log
    }

    func prefix(_ count: Int) -> HostileLog {
        var copy = self
        copy.ops = Array(ops.prefix(count))
        return copy
    }

    mutating func append(_ kind: OpKind, _ body: Bytes, after dep: Op? = nil) {
        append(kind, body, deps: dep.map { [$0.id] } ?? [], time: (dep?.header.lamport ?? 0) + 1)
    }

    /// - Parameter time: one more than the latest time of `deps`.
    mutating func append(_ kind: OpKind, _ body: Bytes, deps: [OpID], time: UInt64) {
        ops.append(
            Op(
                signing: kind, body: body, log: log, seq: UInt64(ops.count + 1), prev: ops.last?.id ?? .zero,
                lamport: max(time, (ops.last?.header.lamport ?? 0) + 1), deps: deps, network: network, with: key))
    }
}

/// The body of an open-log op.
enum OpenLogBody {
    static let bytes: Bytes = [0x81, 0x01]
}

extension Array {
    fileprivate func shuffled(using random: inout Random) -> [Element] {
        var copy = self
        random.shuffle(&copy)
        return copy
    }
}
