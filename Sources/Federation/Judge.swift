internal import Learning

/// A delta that fits its model and its log: the only kind that can be merged.
///
/// Made by ``ModelSpec/judge(_:announcedRows:)``. The verdict depends on the delta, the spec and the
/// number of rows that the same log announced before it, all in the op's causal past, so every node
/// reaches the same one (design §6).
public struct JudgedDelta: Equatable, Sendable {
    public let delta: Delta
    /// For each dense row of the delta: its tensor and its place there.
    let places: [DensePlace]
}

/// One row of a dense tensor.
struct DensePlace: Hashable, Sendable {
    let tensor: Int
    /// First element, counted within the tensor.
    let start: Int
    let columns: Int
}

extension ModelSpec {
    /// Decides whether `delta` may change a model of this spec.
    ///
    /// Norms are compared as integers. No product can overflow: with v the values of a row and s its
    /// shift, Σv²·2^2s ≤ cap² is tested as Σv² ≤ ⌊cap² / 2^2s⌋ before anything is shifted; the sum over
    /// an op's rows stays below 2^(92 + 23) in `UInt128`.
    ///
    /// - Parameter announcedRows: rows that the delta's log had announced for this model before it.
    /// - Throws: ``FederationError`` that makes the op void. The model id is the caller's to match.
    /// - Complexity: O(values), about 0.1 ns each.
    public func judge(_ delta: Delta, announcedRows: Int) throws(FederationError) -> JudgedDelta {
        guard delta.rows.indices.count <= caps.maxRows else {
            throw .tooManyRows(part: .tokens, found: delta.rows.indices.count, limit: caps.maxRows)
        }
        try checkRows(of: delta.dense, .dense, rows: layout.rowCount)
        try checkRows(of: delta.rows, .tokens, rows: announcedRows)
        let places = self.places(of: delta.dense)
        let denseNorm = try squaredNorm(of: delta.dense, .dense, widths: places.map(\.columns))
        let rowNorm = try squaredNorm(
            of: delta.rows, .tokens, widths: Array(repeating: shape.dim, count: delta.rows.indices.count))
        let cap = UInt128(caps.maxOpNorm)
        guard denseNorm + rowNorm <= cap * cap else { throw .opNormOverCap }
        return JudgedDelta(delta: delta, places: places)
    }

    /// Row numbers increase within `0 ..< rows`, one shift in range for each.
    private func checkRows(of block: RowBlock, _ part: DeltaPart, rows: Int) throws(FederationError) {
        guard block.shifts.count == block.indices.count else {
            throw .wrongShape(part: part, what: "shifts", found: block.shifts.count, expected: block.indices.count)
        }
        for position in block.indices.indices {
            let index = block.indices[position]
            guard Int(index) < rows else { throw .unknownRow(part: part, index: index, rows: rows) }
            guard position == 0 || block.indices[position - 1] < index else { throw .notIncreasing(index: position) }
            guard block.shifts[position] <= Delta.maxShift else {
                throw .shiftOutOfRange(part: part, index: index, shift: block.shifts[position])
            }
        }
    }

    /// Where the dense rows of a block lie; their numbers were checked.
    func places(of block: RowBlock) -> [DensePlace] {
        var tensor = 0
        return block.indices.map { index in
            while Int(index) >= layout.tensors[tensor].rows.upperBound { tensor += 1 }
            let found = layout.tensors[tensor]
            return DensePlace(
                tensor: tensor, start: (Int(index) - found.firstRow) * found.spec.columns, columns: found.spec.columns)
        }
    }

    /// Σ value²·2^(2·shift) over all rows of a block, units of 2^-64, after each row's own check.
    func squaredNorm(of block: RowBlock, _ part: DeltaPart, widths: [Int]) throws(FederationError) -> UInt128 {
        let expected = widths.reduce(0, +)
        guard block.values.count == expected else {
            throw .wrongShape(part: part, what: "values", found: block.values.count, expected: expected)
        }
        let cap = UInt128(caps.maxRowNorm) * UInt128(caps.maxRowNorm)
        var total: UInt128 = 0
        var start = 0
        for position in block.indices.indices {
            let range = start..<start + widths[position]
            start = range.upperBound
            let squares = block.values.squaredNorm(range)
            let doubleShift = 2 * UInt128(block.shifts[position])
            guard squares > 0 else { throw .zeroRow(part: part, index: block.indices[position]) }
            guard UInt128(squares) <= cap >> doubleShift else {
                throw .rowNormOverCap(part: part, index: block.indices[position])
            }
            total += UInt128(squares) << doubleShift
        }
        return total
    }
}

extension RowBlock.Values {
    /// Σ value² over `range`; exact, since a row has at most 2^12 values (a shape's dim ends at 1024).
    func squaredNorm(_ range: Range<Int>) -> UInt64 {
        switch self {
        case .int8(let values):
            return values.withUnsafeBufferPointer { buffer in
                var sum: UInt32 = 0
                for value in UnsafeBufferPointer(rebasing: buffer[range]) {
                    sum &+= UInt32(bitPattern: Int32(value) &* Int32(value))
                }
                return UInt64(sum)
            }
        case .int16(let values):
            return values.withUnsafeBufferPointer { buffer in
                var sum: UInt64 = 0
                for value in UnsafeBufferPointer(rebasing: buffer[range]) {
                    sum &+= UInt64(UInt32(bitPattern: Int32(value) &* Int32(value)))
                }
                return sum
            }
        }
    }
}
