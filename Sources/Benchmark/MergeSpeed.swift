internal import CPlain
internal import Federation
internal import Identity
internal import Learning
internal import Wire

/// Merging deltas, beside a plain C loop over the same blocks.
public enum MergeSpeed {
    private static let log = OwnerTable.LogName(
        author: PeerID(Bytes(repeating: 1, count: 32))!, log: LogID(rawValue: 1))

    /// - Parameters:
    ///   - rows: token rows of the model and of each delta, all of them.
    ///   - dim: a multiple of 4, 4 to 1024.
    /// - Returns: the merge alone, and with the judgement that goes before it.
    /// - Throws: for a shape that cannot be.
    public static func measure(rows: Int, dim: Int, seconds: Double) throws -> [SpeedRow] {
        let shape = try ModelShape.beyondDefaults(dim: dim, heads: 4, layers: 1, context: 16)
        var model = MergedModel(
            id: Seeds.model(1), spec: try ModelSpec(name: "merge", agent: "benchmark", shape: shape, caps: widest))
        var random = Random(seed: 1)
        var tokens: [TokenID] = []
        for _ in 0..<rows { tokens.append(TokenID(rawValue: UInt128(random.next()) << 64 | UInt128(random.next()))) }
        // Logs announce in the order of ids; the rows of a delta lie where their log announced them.
        for start in stride(from: 0, to: rows, by: RowAnnouncement.maxTokens) {
            let part = tokens[start..<min(start + RowAnnouncement.maxTokens, rows)].sorted()
            try model.apply(RowAnnouncement(model: model.id, tokens: part), author: log.author, log: log.log)
        }
        let block = RowBlock(
            indices: (0..<UInt32(rows)).map { $0 }, shifts: (0..<rows).map { UInt8(8 + $0 % 16) },
            values: .int8((0..<rows * dim).map { _ in Int8(truncatingIfNeeded: random.below(255) - 127) }))
        let delta = Delta(model: model.id, round: 1, steps: 1, tokensSeen: 1, dense: .empty, rows: block)
        let judged = try model.judge(delta, author: log.author, log: log.log)
        var plain = PlainSums(block, rows: rows, dim: dim)
        let turns = try Turns(
            seconds: seconds,
            [
                { plain.add(times: repeats) },
                {
                    for _ in 0..<repeats { model.merge(judged, by: log, negated: false) }
                    return repeats * rows * dim
                },
                {
                    for _ in 0..<repeats { try model.apply(delta, author: log.author, log: log.log) }
                    return repeats * rows * dim
                },
            ])
        let name = "\(rows) rows of \(dim)"
        return [("merge, \(name)", 0.7), ("judge and merge, \(name)", nil)].enumerated().map { at, row in
            SpeedRow(
                name: row.0, unit: "values", anchor: turns.rates[0], shoal: turns.rates[at + 1],
                ratio: turns.ratios[at + 1], asked: row.1)
        }
    }

    private static let repeats = 10
    private static var widest: ModelSpec.Caps {
        get throws { try ModelSpec.Caps(maxRowNorm: 1 << 46, maxOpNorm: 1 << 56, maxRows: 1 << 20) }
    }
}

/// What the C loop works on: one array of sums.
private struct PlainSums {
    private var sums: [Int64]
    private let values: [Int8]
    private let shifts: Bytes
    private let slots: [Int32]
    private let dim: Int

    init(_ block: RowBlock, rows: Int, dim: Int) {
        guard case .int8(let values) = block.values else { preconditionFailure("the benchmark's blocks are int8") }
        (self.values, shifts, slots) = (values, block.shifts, block.indices.map { Int32($0) })
        sums = Array(repeating: 0, count: rows * dim)
        self.dim = dim
    }

    mutating func add(times: Int) -> Int {
        for _ in 0..<times { shoal_plain_merge(values, shifts, slots, slots.count, dim, &sums) }
        return times * values.count
    }
}
