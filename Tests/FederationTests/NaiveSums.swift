import Federation
import Learning
import Wire

/// The twin of ``Accumulators``: one dictionary, one value at a time.
struct NaiveSums: Equatable {
    var dense: [Int: Int64] = [:]
    var rows: [TokenID: [Int64]] = [:]

    mutating func add(_ delta: Delta, rowNames: [TokenID], shape: ModelShape, sign: Int64 = 1) {
        let widths = Fixture.denseRows(shape)
        var starts = [0]
        for width in widths { starts.append(starts.last! + width) }
        var at = 0
        for (row, index) in delta.dense.indices.enumerated() {
            for column in 0..<widths[Int(index)] {
                dense[starts[Int(index)] + column, default: 0] &+= sign &* delta.dense.unit(at, row)
                at += 1
            }
        }
        at = 0
        for (row, index) in delta.rows.indices.enumerated() {
            for column in 0..<shape.dim {
                rows[rowNames[Int(index)], default: Array(repeating: 0, count: shape.dim)][column] &+=
                    sign &* delta.rows.unit(at, row)
                at += 1
            }
        }
    }

    func matches(_ sums: Accumulators, shape: ModelShape) -> Bool {
        let flat = shape.tensors.indices.flatMap { sums.tensor($0) }
        return flat.indices.allSatisfy { flat[$0] == dense[$0] ?? 0 }
            && rows.allSatisfy { sums.row($0.key) == $0.value }
            && Set(sums.nonzeroTokens) == Set(rows.filter { $0.value.contains { $0 != 0 } }.keys)
    }
}

extension RowBlock {
    /// Value number `at`, which lies in row number `row` of the block, in units of 2^-32.
    func unit(_ at: Int, _ row: Int) -> Int64 {
        let value: Int64 =
            switch values {
            case .int8(let values): Int64(values[at])
            case .int16(let values): Int64(values[at])
            }
        return value << Int64(shifts[row])
    }
}
