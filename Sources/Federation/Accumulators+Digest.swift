public import Identity
public import Wire

/// The digest of a model's sums: a Merkle tree of two levels.
///
/// ```
/// row leaf    = BLAKE2b-256("shoal/row/1", token id || values little-endian)
/// tensor leaf = BLAKE2b-256("shoal/tensor/1", number:u32 || values little-endian)
/// digest      = BLAKE2b-256("shoal/accumulators/1", tensors:u32 || rows:u32 || tensor leaves || row leaves)
/// ```
/// Leaves in the order of tensor numbers and token ids; zero tensors and zero rows have none. Two nodes
/// whose digests differ find the rows by comparing leaves.
extension Accumulators {
    /// - Complexity: one leaf for every row and tensor touched since the last call, then one pass over
    ///   the leaves of all rows; O(1) when nothing was touched.
    public mutating func digest() -> Hash32 {
        if let root { return root }
        for page in pages.indices where pages[page].stale != 0 { renewLeaves(page: page) }
        for tensor in tensors.indices where tensors[tensor].isStale { renewLeaf(tensor: tensor) }
        renewOrder()

        let tensorLeaves = tensors.compactMap(\.leaf)
        let rows = pages.reduce(0) { $0 + $1.present.nonzeroBitCount }
        var leaves = Bytes()
        leaves.reserveCapacity(rows * 32)
        for slot in order {
            let page = Int(slot) / Accumulators.pageRows
            let place = Int(slot) % Accumulators.pageRows
            guard pages[page].present & 1 << UInt64(place) != 0 else { continue }
            leaves.append(contentsOf: pages[page].leaves[place * 32..<place * 32 + 32])
        }
        var hasher = Hasher32(domain: "shoal/accumulators/1")
        hasher.update(UInt32(tensorLeaves.count).bigEndianBytes)
        hasher.update(UInt32(rows).bigEndianBytes)
        for leaf in tensorLeaves { hasher.update(leaf.bytes) }
        hasher.update(leaves)
        let digest: Hash32 = hasher.finish()
        root = digest
        return digest
    }

    private mutating func renewLeaves(page: Int) {
        let dim = dim
        var stale = pages[page].stale
        pages[page].stale = 0
        while stale != 0 {
            let place = stale.trailingZeroBitCount
            stale &= stale - 1
            let token = names.tokens[page * Accumulators.pageRows + place]
            let leaf: Hash32? = pages[page].values.withUnsafeBufferPointer { values in
                let row = UnsafeBufferPointer(rebasing: values[place * dim..<(place + 1) * dim])
                guard row.contains(where: { $0 != 0 }) else { return nil }
                return hash(row, domain: "shoal/row/1", name: token.bytes)
            }
            if let leaf {
                pages[page].present |= 1 << UInt64(place)
                pages[page].leaves.replaceSubrange(place * 32..<place * 32 + 32, with: leaf.bytes)
            } else {
                pages[page].present &= ~(1 << UInt64(place))
            }
        }
    }

    private mutating func renewLeaf(tensor: Int) {
        tensors[tensor].isStale = false
        tensors[tensor].leaf = tensors[tensor].values.withUnsafeBufferPointer { values in
            guard values.contains(where: { $0 != 0 }) else { return nil }
            return hash(values, domain: "shoal/tensor/1", name: UInt32(tensor).bigEndianBytes)
        }
    }

    /// Sorts the slots that appeared since the last digest into ``order``.
    private mutating func renewOrder() {
        let tokens = names.tokens
        guard order.count < tokens.count else { return }
        let fresh = (Int32(order.count)..<Int32(tokens.count)).sorted { tokens[Int($0)] < tokens[Int($1)] }
        var merged: [Int32] = []
        merged.reserveCapacity(tokens.count)
        var rest = order[...]
        for slot in fresh {
            while let first = rest.first, tokens[Int(first)] < tokens[Int(slot)] {
                merged.append(first)
                rest = rest.dropFirst()
            }
            merged.append(slot)
        }
        order = merged + rest
    }
}

private func hash(_ values: UnsafeBufferPointer<Int64>, domain: String, name: Bytes) -> Hash32 {
    var hasher = Hasher32(domain: domain)
    hasher.update(name)
    #if _endian(little)
        hasher.update(raw: UnsafeRawBufferPointer(values))
    #else
        hasher.update(LittleEndian.bytes(of: values))
    #endif
    return hasher.finish()
}
