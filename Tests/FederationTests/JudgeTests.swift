import Federation
import Learning
import Testing
import Wire

@Suite struct JudgeTests {
    let spec = Fixture.spec()
    let dim = Fixture.shape.dim

    private func delta(dense: RowBlock = .empty, rows: RowBlock = .empty) -> Delta {
        Delta(model: Fixture.model, round: 0, steps: 0, tokensSeen: 0, dense: dense, rows: rows)
    }

    /// Rows whose first value is given and whose others are zero.
    private func rows(_ rows: [(index: UInt32, shift: UInt8, value: Int16)], wide: Bool = false) -> RowBlock {
        var values: [Int16] = []
        for row in rows { values += [row.value] + Array(repeating: 0, count: dim - 1) }
        return RowBlock(
            indices: rows.map(\.index), shifts: rows.map(\.shift),
            values: wide ? .int16(values) : .int8(values.map { Int8($0) }))
    }

    private func verdict(_ delta: Delta, _ spec: ModelSpec? = nil, announced: Int = 10) -> FederationError? {
        do throws(FederationError) {
            _ = try (spec ?? self.spec).judge(delta, announcedRows: announced)
            return nil
        } catch {
            return error
        }
    }

    private func spec(rowNorm: UInt64 = 1 << 46, opNorm: UInt64 = 1 << 56, rows: Int = 100) -> ModelSpec {
        Fixture.spec(caps: try! .init(maxRowNorm: rowNorm, maxOpNorm: opNorm, maxRows: rows))
    }

    @Test func `ordinary deltas pass`() {
        var random = Random(seed: 5)
        for announced in [0, 1, 10, 100] {
            #expect(verdict(Fixture.delta(&random, announced: announced), announced: announced) == nil)
        }
        #expect(verdict(delta()) == nil, "an empty delta does no harm")
    }

    @Test func `rows beyond the announced and the dense ones are unknown`() {
        #expect(verdict(delta(rows: rows([(9, 0, 1)]))) == nil)
        #expect(verdict(delta(rows: rows([(10, 0, 1)]))) == .unknownRow(part: .tokens, index: 10, rows: 10))
        #expect(verdict(delta(rows: rows([(0, 0, 1)])), announced: 0) == .unknownRow(part: .tokens, index: 0, rows: 0))
        let dense = Fixture.denseRows(Fixture.shape)
        let last = RowBlock(
            indices: [UInt32(dense.count - 1)], shifts: [0], values: .int8(Array(repeating: 1, count: dense.last!)))
        #expect(verdict(delta(dense: last)) == nil)
        var beyond = last
        beyond.indices = [UInt32(dense.count)]
        #expect(
            verdict(delta(dense: beyond)) == .unknownRow(part: .dense, index: UInt32(dense.count), rows: dense.count))
    }

    @Test func `shifts end at 40`() {
        let wide = spec()
        #expect(verdict(delta(rows: rows([(0, 40, 64)])), wide) == nil)
        for shift: UInt8 in [41, 63, 64, 255] {
            #expect(
                verdict(delta(rows: rows([(0, shift, 1)])), wide)
                    == .shiftOutOfRange(part: .tokens, index: 0, shift: shift))
        }
    }

    @Test func `values must fill their rows exactly`() {
        var block = rows([(0, 0, 1), (1, 0, 1)])
        block.values = .int8(Array(repeating: 1, count: 2 * dim - 1))
        #expect(
            verdict(delta(rows: block))
                == .wrongShape(part: .tokens, what: "values", found: 2 * dim - 1, expected: 2 * dim))
        block = rows([(0, 0, 1)])
        block.shifts = []
        #expect(verdict(delta(rows: block)) == .wrongShape(part: .tokens, what: "shifts", found: 0, expected: 1))
        let dense = RowBlock(indices: [0], shifts: [0], values: .int16([1]))
        #expect(verdict(delta(dense: dense)) == .wrongShape(part: .dense, what: "values", found: 1, expected: dim))
    }

    @Test func `row numbers increase and no row is all zero`() {
        #expect(verdict(delta(rows: rows([(3, 0, 1), (3, 0, 1)]))) == .notIncreasing(index: 1))
        #expect(verdict(delta(rows: rows([(3, 0, 1), (2, 0, 1)]))) == .notIncreasing(index: 1))
        #expect(verdict(delta(rows: rows([(1, 0, 1), (4, 0, 0)]))) == .zeroRow(part: .tokens, index: 4))
    }

    @Test func `an op has at most as many token rows as its model allows`() {
        let few = spec(rows: 2)
        #expect(verdict(delta(rows: rows([(0, 0, 1), (1, 0, 1)])), few) == nil)
        #expect(
            verdict(delta(rows: rows([(0, 0, 1), (1, 0, 1), (2, 0, 1)])), few)
                == .tooManyRows(part: .tokens, found: 3, limit: 2))
    }

    @Test(arguments: [UInt8(0), 1, 7, 40]) func `the row cap is exact at every shift`(shift: UInt8) {
        let cap = UInt64(60) << UInt64(shift)
        let spec = spec(rowNorm: cap)
        #expect(verdict(delta(rows: rows([(0, shift, 60)])), spec) == nil)
        #expect(verdict(delta(rows: rows([(0, shift, -60)])), spec) == nil)
        #expect(verdict(delta(rows: rows([(0, shift, 61)])), spec) == .rowNormOverCap(part: .tokens, index: 0))
        var block = rows([(0, shift, 60)])
        block.values = .int8([60, 1] + Array(repeating: 0, count: dim - 2))
        #expect(verdict(delta(rows: block), spec) == .rowNormOverCap(part: .tokens, index: 0), "60² + 1² > 60²")
        // One unit below the cap cannot be reached by a multiple of 2^shift.
        if shift > 0 {
            #expect(
                verdict(delta(rows: rows([(0, shift, 60)])), self.spec(rowNorm: cap - 1))
                    == .rowNormOverCap(part: .tokens, index: 0))
        }
    }

    @Test func `the op cap is exact over dense and token rows together`() {
        // 3² + 4² + 12² = 13²
        let dense = RowBlock(
            indices: [0], shifts: [2], values: .int8([3] + Array(repeating: 0, count: dim - 1)))
        let two = delta(dense: dense, rows: rows([(0, 2, 4), (1, 2, 12)]))
        #expect(verdict(two, spec(opNorm: 52)) == nil)
        #expect(verdict(two, spec(opNorm: 51)) == .opNormOverCap)
    }

    @Test func `the largest deltas that can be written do not overflow`() {
        let count = 200
        let extremes = RowBlock(
            indices: (0..<UInt32(count)).map { $0 }, shifts: Array(repeating: 40, count: count),
            values: .int16(Array(repeating: .min, count: count * dim)))
        let spec = spec(rows: count)
        #expect(
            verdict(delta(rows: extremes), spec, announced: count) == .rowNormOverCap(part: .tokens, index: 0))
        let most = RowBlock(
            indices: extremes.indices, shifts: extremes.shifts,
            values: rows((0..<count).map { (UInt32($0), 40, 64) }).values)
        #expect(verdict(delta(rows: most), spec, announced: count) == nil, "each row at the largest cap there is")
    }

    @Test func `the smallest caps let the smallest delta through`() {
        let spec = spec(rowNorm: 1, opNorm: 1)
        #expect(verdict(delta(rows: rows([(0, 0, 1)])), spec) == nil)
        #expect(verdict(delta(rows: rows([(0, 0, 1), (1, 0, 1)])), spec) == .opNormOverCap)
        #expect(verdict(delta(rows: rows([(0, 0, 2)], wide: true)), spec) == .rowNormOverCap(part: .tokens, index: 0))
    }
}
