internal import Learning
public import Wire

/// Rows and tensors as bytes for a store, and back.
extension Accumulators {
    /// What changed since it was last asked for.
    public struct Dirty: Equatable, Sendable {
        /// In ascending order.
        public var tokens: [TokenID]
        /// Positions in `ModelShape.tensors`, ascending.
        public var tensors: [Int]

        public var isEmpty: Bool { tokens.isEmpty && tensors.isEmpty }
    }

    /// Whether ``takeDirty()`` would name anything.
    var isDirty: Bool { pages.contains { $0.dirty != 0 } || tensors.contains { $0.isDirty } }

    /// Returns what changed since the last call and starts anew.
    ///
    /// A row may have changed back to zero: ``rowBytes(_:)`` is nil then, and the store drops it.
    public mutating func takeDirty() -> Dirty {
        var dirty = Dirty(tokens: [], tensors: [])
        for page in pages.indices where pages[page].dirty != 0 {
            var mask = pages[page].dirty
            pages[page].dirty = 0
            while mask != 0 {
                dirty.tokens.append(names.tokens[page * Accumulators.pageRows + mask.trailingZeroBitCount])
                mask &= mask - 1
            }
        }
        for tensor in tensors.indices where tensors[tensor].isDirty {
            tensors[tensor].isDirty = false
            dirty.tensors.append(tensor)
        }
        dirty.tokens.sort()
        return dirty
    }

    /// `dim` little-endian Int64; nil for a zero row.
    public func rowBytes(_ token: TokenID) -> Bytes? {
        guard let slot = names.find(token) else { return nil }
        return rowSlice(slot).withUnsafeBufferPointer(LittleEndian.bytesUnlessZero)
    }

    /// `rows · columns` little-endian Int64, row-major; nil for a zero tensor.
    public func tensorBytes(_ index: Int) -> Bytes? {
        tensors[index].values.withUnsafeBufferPointer(LittleEndian.bytesUnlessZero)
    }

    /// Loads a stored row; it does not become dirty.
    ///
    /// - Throws: ``FederationError/wrongLength(name:found:expected:)``
    public mutating func load(row token: TokenID, _ bytes: Bytes) throws(FederationError) {
        let values = try LittleEndian.values(bytes, count: dim, name: "row \(token)")
        let slot = slot(of: token)
        let (page, place) = (Int(slot) / Accumulators.pageRows, Int(slot) % Accumulators.pageRows)
        pages[page].values.replaceSubrange(place * dim..<(place + 1) * dim, with: values)
        pages[page].stale |= 1 << UInt64(place)
        root = nil
    }

    /// Loads a stored tensor; it does not become dirty.
    ///
    /// - Throws: ``FederationError/outOfRange(name:value:allowed:)`` for a number that the shape lacks,
    ///   ``FederationError/wrongLength(name:found:expected:)``
    public mutating func load(tensor index: Int, _ bytes: Bytes) throws(FederationError) {
        guard tensors.indices.contains(index) else {
            throw .outOfRange(name: "tensor", value: "\(index)", allowed: "0 to \(tensors.count - 1)")
        }
        let spec = layout.tensors[index].spec
        tensors[index].values = ContiguousArray(try LittleEndian.values(bytes, count: spec.count, name: spec.name))
        tensors[index].isStale = true
        root = nil
    }

    /// Of sums that are built up: `dim` values of a row, nothing of which is stored.
    mutating func setSums(row token: TokenID, _ values: [Int64]) {
        let slot = Int(slot(of: token))
        let (page, place) = (slot / Accumulators.pageRows, slot % Accumulators.pageRows)
        pages[page].values.replaceSubrange(place * dim..<(place + 1) * dim, with: values)
        pages[page].stale |= 1 << UInt64(place)
        root = nil
    }

    mutating func setSums(tensor index: Int, _ values: [Int64]) {
        tensors[index].values = ContiguousArray(values)
        tensors[index].isStale = true
        root = nil
    }

    /// The tokens whose rows are not zero, in ascending order.
    ///
    /// - Complexity: O(all values).
    public var nonzeroTokens: [TokenID] {
        names.tokens.indices.filter { rowSlice(Int32($0)).contains { $0 != 0 } }.map { names.tokens[$0] }.sorted()
    }
}

extension Accumulators: Equatable {
    /// Equal sums, whatever the order in which rows appeared.
    ///
    /// - Complexity: O(all values).
    public static func == (a: Self, b: Self) -> Bool {
        let tokens = a.nonzeroTokens
        return a.layout == b.layout && tokens == b.nonzeroTokens
            && tokens.allSatisfy { a.row($0) == b.row($0) }
            && a.tensors.indices.allSatisfy { a.tensor($0) == b.tensor($0) }
    }
}

/// Int64 arrays as bytes, the same on every machine.
enum LittleEndian {
    static func bytes(of values: UnsafeBufferPointer<Int64>) -> Bytes {
        Bytes(unsafeUninitializedCapacity: values.count * 8) { buffer, filled in
            let raw = UnsafeMutableRawBufferPointer(buffer)
            for index in values.indices {
                raw.storeBytes(of: values[index].littleEndian, toByteOffset: index * 8, as: Int64.self)
            }
            filled = values.count * 8
        }
    }

    static func bytesUnlessZero(_ values: UnsafeBufferPointer<Int64>) -> Bytes? {
        values.contains { $0 != 0 } ? bytes(of: values) : nil
    }

    static func values(_ bytes: Bytes, count: Int, name: String) throws(FederationError) -> [Int64] {
        guard bytes.count == count * 8 else {
            throw .wrongLength(name: name, found: bytes.count, expected: count * 8)
        }
        return bytes.withUnsafeBytes { raw in
            (0..<count).map { Int64(littleEndian: raw.loadUnaligned(fromByteOffset: $0 * 8, as: Int64.self)) }
        }
    }
}
