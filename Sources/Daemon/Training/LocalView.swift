internal import API
internal import Consensus
internal import Federation
internal import Gossip
internal import Identity
internal import Learning
internal import Membership
internal import Peer
internal import Replication
internal import Storage
internal import Synchronization
internal import Wire

/// Answers without what some members trained, at once and at this site alone: sums, digests and what is trained next stay
/// as the network has them. Until a quorum has revoked a member, or instead of that.
///
/// Beside each model the sums of the members' deltas are kept; a question subtracts them from the merged ones. Certified sums
/// stand for deltas whose bodies are not here.
final class LocalView: Sendable {
    /// What is to be taken out of one model.
    private struct Sums: Sendable {
        var sums: Accumulators
        var added: Set<OpID> = []
        var blocks: Set<LogBlock> = []
    }
    private struct Made: Sendable {
        var frontier: Hash32
        var tokens: [TokenID]
        var parameters: Parameters
    }
    /// A delta in the merged sums, by its op and its log.
    private struct Counted: Sendable, Hashable {
        var op: OpID
        var log: OwnerTable.LogName
    }
    /// What the members have in the merged sums.
    private struct Share: Sendable {
        var deltas: Set<Counted> = []
        var blocks: [LogBlock: BlockSums] = [:]
    }

    private let host: NodeHost
    private let states: TrainerStates
    /// Nil until they were read.
    private let members = Mutex<[PeerID]?>(nil)
    private let sums = Mutex<[ModelID: Sums]>([:])
    private let made = Mutex<[ModelID: Made]>([:])

    /// Bodies that are read at once.
    private static let atOnce = 64

    init(host: NodeHost, states: TrainerStates) { (self.host, self.states) = (host, states) }

    /// Whom this site answers without, ascending.
    func leftOut() async throws -> [PeerID] {
        if let known = members.withLock({ $0 }) { return known }
        let schema = states.database.schema
        let stored = try await states.database.query { (connection) throws(StorageError) in
            try LeftOutStore(connection, schema: schema).members()
        }
        return members.withLock { known in
            known = known ?? stored
            return known!
        }
    }

    /// From the next question on.
    func leaveOut(_ peers: [PeerID]) async throws {
        let peers = Set(peers).sorted()
        let (own, known) = try await host.ask { node in
            (
                node.identity.peerID,
                peers.filter { node.state.members.contains($0) || !node.trainedLogs(of: $0).isEmpty }
            )
        }
        if let stranger = peers.first(where: { !known.contains($0) }) {
            throw Problem.conflict("\(stranger.short)… is no member", remedy: "`shoal peers list` shows who is")
        }
        guard !peers.contains(own) else {
            throw Problem.conflict(
                "\(own.short)… is this site itself", remedy: "take its training back: `shoal ops retract`")
        }
        let schema = states.database.schema
        try await states.database.query { (connection) throws(StorageError) in
            try LeftOutStore(connection, schema: schema).set(peers)
        }
        members.withLock { $0 = peers }
        sums.withLock { $0 = [:] }
        made.withLock { $0 = [:] }
    }

    /// The merged weights without them; nil if nobody is left out.
    func parameters(of model: ModelID, tokens: [TokenID]) async throws -> Parameters? {
        let left = try await leftOut()
        guard !left.isEmpty else { return nil }
        let found = try await host.ask { node -> (MergedModel, ModelTable, Hash32, Share)? in
            guard let merged = node.state.models[model] else { return nil }
            return (merged, node.state.models, node.summary.frontierDigest, Self.share(of: left, node))
        }
        guard let (merged, models, frontier, share) = found else { throw TrainingError.modelGone }
        if let kept = made.withLock({ $0[model] }), kept.frontier == frontier, kept.tokens == tokens {
            return kept.parameters
        }
        let known = sums.withLock { $0[model] }
        let ids = Set(share.deltas.map(\.op))
        // What is not in the merged sums any more, or not by itself, must not be taken out of them: then all is added up anew.
        let isUsable = known.map { $0.added.isSubset(of: ids) && $0.blocks.isSubset(of: share.blocks.keys) } ?? false
        var kept = isUsable ? known! : Sums(sums: merged.noSums)
        try await add(share.deltas.filter { !kept.added.contains($0.op) }, of: merged, to: &kept)
        for (block, certified) in share.blocks where !kept.blocks.contains(block) {
            try await add(certified, of: merged, models, to: &kept)
        }
        let result = kept
        sums.withLock { $0[model] = result }
        var view = merged.without(result.sums)
        let parameters = view.parameters(tokens: tokens)
        made.withLock { $0[model] = Made(frontier: frontier, tokens: tokens, parameters: parameters) }
        return parameters
    }

    private static func share(of left: [PeerID], _ node: Node) -> Share {
        var share = Share()
        for peer in left {
            for log in node.trainedLogs(of: peer) {
                let key = LogKey(author: peer, log: log)
                for seq in node.countedDeltas(of: key) {
                    if let id = node.replica.id(key, seq) {
                        share.deltas.insert(Counted(op: id, log: .init(author: peer, log: log)))
                    }
                }
                for sums in node.countedSums(of: key) { share.blocks[sums.block] = sums }
            }
        }
        return share
    }

    private func add(
        _ block: BlockSums, of model: MergedModel, _ models: ModelTable, to sums: inout Sums
    ) async throws {
        let (schema, network) = (states.database.schema, states.network)
        let parts = try await states.database.query { (connection) throws(StorageError) in
            try OpStore(connection, schema: schema, network: network).parts(of: [block])
        }
        let bytes = try block.parts.flatMap { hash in
            guard let part = parts[hash] else {
                throw Problem.unavailable(
                    "certified sums of log \(block.block.key.log.hex) are missing", remedy: "run `shoal doctor`")
            }
            return part
        }
        sums.blocks.insert(block.block)
        let decoded = try DeltaSums.decode(bytes) { models.spec(of: $0) }
        if let own = decoded[model.id] { sums.sums.add(own) }
    }

    private func add(_ fresh: Set<Counted>, of model: MergedModel, to sums: inout Sums) async throws {
        let (schema, network) = (states.database.schema, states.network)
        let fresh = fresh.sorted { $0.op < $1.op }
        for start in stride(from: 0, to: fresh.count, by: Self.atOnce) {
            let part = fresh[start..<min(start + Self.atOnce, fresh.count)]
            let bodies = try await states.database.query { (connection) throws(StorageError) in
                try OpStore(connection, schema: schema, network: network).bodies(of: part.map(\.op))
            }
            for delta in part {
                // One that was just taken in and is not stored yet would count here and not there.
                guard let body = bodies[delta.op] else {
                    throw Problem.unavailable("op \(delta.op.short) is not stored yet", remedy: "try again in a moment")
                }
                sums.added.insert(delta.op)
                let read = try Delta(body: body)
                if read.model == model.id { try model.add(read, by: delta.log, to: &sums.sums) }
            }
        }
    }
}
