import Federation
import Identity
import Learning
import Wire

/// Small models, names and random deltas for all suites of this room.
enum Fixture {
    static let model: ModelID = blake2b256(domain: "test/model", [1])
    static let otherModel: ModelID = blake2b256(domain: "test/model", [2])
    static let shape = try! ModelShape.beyondDefaults(dim: 20, heads: 2, layers: 1, context: 4)

    static func author(_ number: UInt8) -> PeerID { blake2b256(domain: "test/author", [number]) }
    static func token(_ number: Int) -> TokenID {
        TokenID(rawValue: blake2b128(key: Bytes(repeating: 7, count: 32), UInt64(number).bigEndianBytes))
    }
    /// Tokens in ascending order, as announcements list them.
    static func tokens(_ numbers: Range<Int>) -> [TokenID] { numbers.map(token).sorted() }

    static func spec(
        shape: ModelShape = shape, caps: ModelSpec.Caps = .standard, initialScale: Int = ModelSpec.unitScale
    ) -> ModelSpec {
        try! ModelSpec(name: "facts", agent: "default", shape: shape, caps: caps, initialScale: initialScale)
    }

    /// Rows of each dense tensor in wire order: (rows, columns).
    static func denseRows(_ shape: ModelShape) -> [Int] {
        shape.tensors.flatMap { Array(repeating: $0.columns, count: $0.rows) }
    }

    /// A delta that passes the standard caps, with about a third of all rows.
    static func delta(
        _ random: inout Random, shape: ModelShape = shape, announced: Int, model: ModelID = model
    ) -> Delta {
        let wide = random.chance(0.3)
        let dense = block(&random, widths: denseRows(shape), wide: wide)
        let rows = block(&random, widths: Array(repeating: shape.dim, count: announced), wide: wide)
        return Delta(
            model: model, round: UInt64(random.below(1000)), steps: 200, tokensSeen: UInt64(random.below(1 << 40)),
            dense: dense, rows: rows)
    }

    static func block(_ random: inout Random, widths: [Int], wide: Bool) -> RowBlock {
        var indices: [UInt32] = []
        var shifts: [UInt8] = []
        var values: [Int16] = []
        for (index, width) in widths.enumerated() where random.chance(0.35) {
            indices.append(UInt32(index))
            shifts.append(UInt8(random.below(wide ? 14 : 22)))
            values += (0..<width).map { _ in Int16(truncatingIfNeeded: random.next()) }
            values[values.count - 1] = 1
        }
        guard !indices.isEmpty else { return .empty }
        return RowBlock(
            indices: indices, shifts: shifts,
            values: wide ? .int16(values) : .int8(values.map { Int8(truncatingIfNeeded: $0) }))
    }
}
