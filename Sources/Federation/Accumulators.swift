internal import Identity
public import Learning
public import Wire

/// The sums of all deltas of one model: `Int64` in units of 2^-32, added with wrapping `&+`.
///
/// Token rows are addressed by token id; a row that was never touched and a row whose deltas were all
/// retracted are the same zero row and leave no trace in digest, equality or stored bytes. Dense tensors
/// take memory from their first delta on.
///
/// A value type whose rows lie in pages of 64: a copy is a snapshot that costs O(pages), and a later
/// write copies only the pages it touches.
public struct Accumulators: Sendable {
    /// Rows of a page, and bits of its masks.
    static let pageRows = 64

    /// Sixty-four rows, in the order in which their tokens appeared here.
    struct Page: Sendable {
        /// (64, dim), row-major.
        var values: ContiguousArray<Int64>
        /// The rows' leaf hashes, 32 bytes each, right where `stale` has no bit.
        var leaves: ContiguousArray<UInt8>
        /// Rows that are not zero, as of their leaf hash.
        var present: UInt64 = 0
        /// Rows whose leaf hash is out of date.
        var stale: UInt64 = 0
        /// Rows to be stored.
        var dirty: UInt64 = 0
    }

    /// One dense tensor; no values as long as it is untouched.
    struct Tensor: Sendable {
        var values: ContiguousArray<Int64> = []
        /// Nil when the tensor is all zero.
        var leaf: Hash32?
        var isStale = false
        var isDirty = false
    }

    let layout: DenseLayout
    let dim: Int
    var names = RowNames()
    var pages: [Page] = []
    var tensors: [Tensor]
    /// Row slots in the order of their tokens, up to the last digest.
    var order: [Int32] = []
    /// The digest as of the last call, nil after a change.
    var root: Hash32?

    /// All zero.
    public init(shape: ModelShape) {
        self.init(layout: DenseLayout(shape: shape), dim: shape.dim)
    }

    init(layout: DenseLayout, dim: Int) {
        self.layout = layout
        self.dim = dim
        tensors = Array(repeating: Tensor(), count: layout.tensors.count)
    }

    /// Adds a delta.
    ///
    /// - Parameter rowNames: the rows that the delta's log had announced, in order, at least as many as
    ///   it was judged by.
    /// - Complexity: O(values), about 0.2 ns each.
    public mutating func apply(_ delta: JudgedDelta, rowNames: [TokenID]) {
        let slots = delta.delta.rows.indices.map { slot(of: rowNames[Int($0)]) }
        merge(delta, slots: slots, negated: false)
    }

    /// Subtracts a delta that was applied before; afterwards all is as if it never had been.
    public mutating func retract(_ delta: JudgedDelta, rowNames: [TokenID]) {
        let slots = delta.delta.rows.indices.map { slot(of: rowNames[Int($0)]) }
        merge(delta, slots: slots, negated: true)
    }

    /// The place of a token's row, which it keeps for life; a new token gets a zero row.
    mutating func slot(of token: TokenID) -> Int32 {
        let slot = names.slot(of: token)
        if Int(slot) >= pages.count * Accumulators.pageRows {
            pages.append(
                Page(
                    values: ContiguousArray(repeating: 0, count: Accumulators.pageRows * dim),
                    leaves: ContiguousArray(repeating: 0, count: Accumulators.pageRows * 32)))
        }
        return slot
    }

    /// - Parameter slots: the place of each token row of the delta, in its order.
    mutating func merge(_ judged: JudgedDelta, slots: [Int32], negated: Bool) {
        precondition(slots.count == judged.delta.rows.indices.count, "one slot a row")
        root = nil
        switch judged.delta.dense.values {
        case .int8(let values): mergeDense(judged, values, negated: negated)
        case .int16(let values): mergeDense(judged, values, negated: negated)
        }
        let shifts = judged.delta.rows.shifts
        switch judged.delta.rows.values {
        case .int8(let values): mergeRows(slots, values, shifts: shifts, negated: negated)
        case .int16(let values): mergeRows(slots, values, shifts: shifts, negated: negated)
        }
        #if DEBUG
            if FederationBugs.mergesInFloat { roundToFloat(slots) }
        #endif
    }

    #if DEBUG
        private mutating func roundToFloat(_ slots: [Int32]) {
            for slot in slots {
                let (page, start) = (Int(slot) / Self.pageRows, Int(slot) % Self.pageRows * dim)
                for at in start..<start + dim { pages[page].values[at] = Int64(Float(pages[page].values[at])) }
            }
        }
    #endif

    /// Token rows; neighbours on one page share the price of making it writable.
    private mutating func mergeRows<Value: QuantizedValue>(
        _ slots: [Int32], _ values: [Value], shifts: Bytes, negated: Bool
    ) {
        let dim = dim
        values.withUnsafeBufferPointer { values in
            var row = 0
            while row < slots.count {
                let page = Int(slots[row]) / Accumulators.pageRows
                var touched: UInt64 = 0
                pages[page].values.withUnsafeMutableBufferPointer { sums in
                    while row < slots.count, Int(slots[row]) / Accumulators.pageRows == page {
                        let place = Int(slots[row]) % Accumulators.pageRows
                        MergeKernel.add(
                            values.baseAddress! + row * dim, count: dim, shift: shifts[row], negated: negated,
                            to: sums.baseAddress! + place * dim)
                        touched |= 1 << UInt64(place)
                        row += 1
                    }
                }
                pages[page].stale |= touched
                pages[page].dirty |= touched
            }
        }
    }

    /// Dense rows, tensor by tensor.
    private mutating func mergeDense<Value: QuantizedValue>(
        _ judged: JudgedDelta, _ values: [Value], negated: Bool
    ) {
        let (places, shifts) = (judged.places, judged.delta.dense.shifts)
        values.withUnsafeBufferPointer { values in
            var (row, start) = (0, 0)
            while row < places.count {
                let tensor = places[row].tensor
                if tensors[tensor].values.isEmpty {
                    tensors[tensor].values = ContiguousArray(repeating: 0, count: layout.tensors[tensor].spec.count)
                }
                tensors[tensor].isStale = true
                tensors[tensor].isDirty = true
                tensors[tensor].values.withUnsafeMutableBufferPointer { sums in
                    while row < places.count, places[row].tensor == tensor {
                        MergeKernel.add(
                            values.baseAddress! + start, count: places[row].columns, shift: shifts[row],
                            negated: negated, to: sums.baseAddress! + places[row].start)
                        start += places[row].columns
                        row += 1
                    }
                }
            }
        }
    }

    /// The sum of a token's row: `dim` values, units of 2^-32.
    public func row(_ token: TokenID) -> [Int64] {
        guard let slot = names.find(token) else { return Array(repeating: 0, count: dim) }
        return Array(rowSlice(slot))
    }

    func rowSlice(_ slot: Int32) -> ArraySlice<Int64> {
        let start = Int(slot) % Accumulators.pageRows * dim
        return ArraySlice(pages[Int(slot) / Accumulators.pageRows].values[start..<start + dim])
    }

    /// The sums of one dense tensor, row-major, units of 2^-32.
    public func tensor(_ index: Int) -> [Int64] {
        let values = tensors[index].values
        return values.isEmpty ? Array(repeating: 0, count: layout.tensors[index].spec.count) : Array(values)
    }
}

/// Tokens and the small numbers that stand for them.
struct RowNames: Sendable {
    private(set) var tokens: [TokenID] = []
    private var slots: [TokenID: Int32] = [:]

    func find(_ token: TokenID) -> Int32? { slots[token] }

    mutating func slot(of token: TokenID) -> Int32 {
        if let known = slots[token] { return known }
        let slot = Int32(tokens.count)
        tokens.append(token)
        slots[token] = slot
        return slot
    }
}
