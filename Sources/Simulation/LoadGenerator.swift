internal import Consensus
internal import Federation
internal import Identity
internal import Learning
internal import Ledger
internal import Membership
internal import Peer
internal import Replication
internal import Wire

/// Ops that users and services of a site would ask for: mostly valid deltas, some without effect.
struct LoadGenerator {
    var random: Random
    private let largeBodies: Bool
    private let hugeBodies: Bool
    private var created = 0
    /// Announcements of thousands of rows so far.
    private var huge = 0
    private static let maxModels = 3
    private static let maxHuge = 2
    /// Sites share tokens, so that rows have several owners.
    private static let tokens = 4_000

    private let movesKoi: Bool
    private let retracts: Bool

    init(random: Random, largeBodies: Bool, hugeBodies: Bool, movesKoi: Bool, retracts: Bool) {
        self.random = random
        self.movesKoi = movesKoi
        self.retracts = retracts
        self.largeBodies = largeBodies
        self.hugeBodies = hugeBodies
    }

    /// Something to sign, given what the node knows now.
    ///
    /// - Parameter seconds: the time since 1970.
    mutating func next(for node: Node, at seconds: UInt64) -> (kind: OpKind, body: Bytes) {
        let models = node.state.models.ids
        if movesKoi, random.chance(0.35), let words = nextKoi(for: node, at: seconds), let op = words.op { return op }
        guard !models.isEmpty, !(created < Self.maxModels && random.chance(0.05)) else {
            created += 1
            return (.createModel, spec().body)
        }
        if retracts, random.chance(0.06), let range = range(of: node.identity.peerID, at: node) {
            return (.retraction, Retraction(range).encode())
        }
        if random.chance(0.08) { return invalid(models[random.below(models.count)]) }
        if random.chance(0.01) {
            return (.deleteModel, DeleteModel(model: models[random.below(models.count)]).encode())
        }
        let model = models[random.below(models.count)]
        let announced = announcedRows(of: model, by: node)
        if announced.isEmpty || random.chance(0.1) {
            if let announcement = announcement(of: model, after: announced) {
                return (.announceRows, announcement.body)
            }
        }
        return (.updateModelWeights, delta(for: model, rows: announced.count).body)
    }

    /// Some ops of a member's log that hold deltas which count; at times all of them, at times one.
    mutating func range(of peer: PeerID, at node: Node) -> Revocation.Range? {
        let logs = node.trainedLogs(of: peer)
        guard !logs.isEmpty else { return nil }
        let key = LogKey(author: peer, log: logs[random.below(logs.count)])
        let places = node.countedDeltas(of: key)
        guard !places.isEmpty else { return nil }
        let first = random.below(places.count)
        let last = min(places.count - 1, first + random.below(4))
        guard let (id, _) = node.span(key, places[first], places[last]) else { return nil }
        return .init(log: key.log, from: places[first], through: places[last], id: id)
    }

    private mutating func spec() -> ModelSpec {
        do {
            let shape = try ModelShape(dim: 16, heads: 1 << random.below(3), layers: 1, context: 8)
            return try ModelSpec(name: "model \(created)", agent: "agent", shape: shape)
        } catch {
            preconditionFailure("the shape is within its bounds: \(error)")
        }
    }

    private func announcedRows(of model: ModelID, by node: Node) -> [TokenID] {
        guard let log = node.ownLogKey, let merged = node.state.models[model] else { return [] }
        return merged.owners.rows(of: .init(author: log.author, log: log.log))
    }

    /// New tokens of a site; nil when it has announced enough.
    private mutating func announcement(of model: ModelID, after known: [TokenID]) -> RowAnnouncement? {
        let isHuge = hugeBodies && huge < Self.maxHuge && random.chance(0.3)
        if isHuge { huge += 1 }
        let count = isHuge ? 5_000 : largeBodies && random.chance(0.2) ? 350 : 1 + random.below(20)
        let range = isHuge ? 100_000 : Self.tokens
        guard known.count < 2_000 else { return nil }
        let known = Set(known)
        var tokens: Set<TokenID> = []
        for _ in 0..<count {
            let token = TokenID(rawValue: UInt128(random.below(range)) << 64 | 7)
            if !known.contains(token) { tokens.insert(token) }
        }
        return try? RowAnnouncement(model: model, tokens: tokens.sorted())
    }

    private mutating func delta(for model: ModelID, rows announced: Int) -> Delta {
        let wide = hugeBodies && random.chance(0.1)
        let few = largeBodies && random.chance(0.4) ? 350 : 8
        let rows = block(rowCount: announced, most: wide ? announced : few, columns: 16, wide: wide)
        // Row 0 to 7 are positions, each of 16 columns.
        let dense = block(rowCount: 8, most: 8, columns: 16, wide: false)
        return Delta(
            model: model, round: 1, steps: 100, tokensSeen: 1_000, dense: dense, rows: rows)
    }

    /// Some of the first rows, with values that are neither zero nor beyond the caps.
    private mutating func block(rowCount: Int, most: Int, columns: Int, wide: Bool) -> RowBlock {
        guard rowCount > 0 else { return .empty }
        let share = Double(most) / Double(rowCount)
        var indices = (0..<rowCount).filter { _ in share >= 1 || random.chance(share) }.map(UInt32.init)
        if indices.isEmpty { indices = [UInt32(random.below(rowCount))] }
        let shifts = indices.map { _ in UInt8(random.below(16)) }
        let count = indices.count * columns
        let values: RowBlock.Values =
            wide
            ? .int16((0..<count).map { _ in Int16(1 + random.below(30_000)) })
            : .int8((0..<count).map { _ in Int8(1 + random.below(120)) })
        return RowBlock(indices: indices, shifts: shifts, values: values)
    }

    /// Well-formed for its author, and void for everybody.
    private mutating func invalid(_ model: ModelID) -> (OpKind, Bytes) {
        let unknown = ModelID(Bytes(repeating: UInt8(random.below(256)), count: 32))!
        func delta(_ model: ModelID, shift: UInt8, values: Int) -> Bytes {
            let block = RowBlock(
                indices: [0], shifts: [shift], values: .int8(Array(repeating: 100, count: values)))
            return Delta(model: model, round: 1, steps: 1, tokensSeen: 1, dense: block, rows: .empty).body
        }
        switch random.below(7) {
        case 0: return (.updateModelWeights, delta(unknown, shift: 8, values: 16))
        case 1: return (.updateModelWeights, delta(model, shift: 8, values: 15))
        case 2: return (.updateModelWeights, delta(model, shift: 40, values: 16))
        case 3: return (.updateModelWeights, [1, 2, 3])
        case 4: return (.transfer, [1])
        case 5: return (.deleteModel, DeleteModel(model: unknown).encode())
        default: return (.createModel, [])
        }
    }
}
