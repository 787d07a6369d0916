internal import Learning
internal import Wire

extension Accumulators {
    /// Takes the sums of some deltas out: what is left is as if these had never been added. O(values of `sums`).
    ///
    /// - Precondition: both are of one shape.
    public mutating func subtract(_ sums: Accumulators) { merge(sums, negated: true) }

    /// Adds the sums of some deltas. O(values of `sums`).
    ///
    /// - Precondition: both are of one shape.
    public mutating func add(_ sums: Accumulators) { merge(sums, negated: false) }

    /// Adds the sums of some deltas, or takes them out. O(values of `sums`).
    ///
    /// - Precondition: both are of one shape.
    mutating func merge(_ sums: Accumulators, negated: Bool) {
        precondition(dim == sums.dim && tensors.count == sums.tensors.count, "sums of one shape")
        root = nil
        for (at, tensor) in sums.tensors.enumerated() where !tensor.values.isEmpty {
            if tensors[at].values.isEmpty {
                tensors[at].values = ContiguousArray(repeating: 0, count: tensor.values.count)
            }
            for value in tensor.values.indices {
                tensors[at].values[value] &+= negated ? 0 &- tensor.values[value] : tensor.values[value]
            }
            tensors[at].isStale = true
            tensors[at].isDirty = true
        }
        for token in sums.names.tokens {
            let row = sums.row(token)
            guard row.contains(where: { $0 != 0 }) else { continue }
            let slot = Int(slot(of: token))
            let (page, place) = (slot / Accumulators.pageRows, slot % Accumulators.pageRows)
            for column in 0..<dim {
                pages[page].values[place * dim + column] &+= negated ? 0 &- row[column] : row[column]
            }
            pages[page].stale |= 1 << UInt64(place)
            pages[page].dirty |= 1 << UInt64(place)
        }
    }
}

extension MergedModel {
    /// The same model without deltas whose sums these are. The model itself stays as it is.
    public func without(_ sums: Accumulators) -> MergedModel {
        var copy = self
        copy.subtract(sums)
        return copy
    }

    /// Adds a delta of this model to sums that are kept beside it.
    ///
    /// - Throws: ``FederationError`` for one that this log cannot have had applied.
    public func add(
        _ delta: Delta, by log: OwnerTable.LogName, to sums: inout Accumulators
    ) throws(FederationError) {
        let judged = try judge(delta, author: log.author, log: log.log)
        sums.apply(judged, rowNames: owners.rows(of: log))
    }

    /// Sums without any delta.
    public var noSums: Accumulators { Accumulators(shape: spec.shape) }
}
