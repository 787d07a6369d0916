public import Identity
public import Learning
public import Wire

/// One model as the applied ops make it: its spec, its sums and who trains what.
///
/// A value; a copy is a snapshot, see ``Accumulators``.
public struct MergedModel: Sendable {
    public let id: ModelID
    public let spec: ModelSpec
    public private(set) var accumulators: Accumulators
    public private(set) var owners = OwnerTable()

    let initializer: Initializer
    /// For each log, the places of its announced rows in the accumulators.
    private var slots: [OwnerTable.LogName: [Int32]] = [:]
    private var starts = Starts()

    /// Starting values, computed once.
    private struct Starts: Sendable {
        /// All dense tensors, flat; empty until first needed.
        var dense: [Int64] = []
        /// Rows by their slot in the accumulators; empty until first needed.
        var rows: [[Int64]] = []
    }

    /// A model without any delta.
    public init(id: ModelID, spec: ModelSpec) {
        self.id = id
        self.spec = spec
        accumulators = Accumulators(layout: spec.layout, dim: spec.shape.dim)
        initializer = Initializer(model: id, spec: spec)
    }

    /// Folds an announcement in.
    ///
    /// - Throws: ``FederationError`` that makes the op void; nothing has changed then.
    public mutating func apply(
        _ announcement: RowAnnouncement, author: PeerID, log: LogID
    ) throws(FederationError) {
        guard announcement.model == id else { throw .wrongModel(announcement.model) }
        let name = OwnerTable.LogName(author: author, log: log)
        try owners.announce(announcement.tokens, in: name)
        var places = slots.removeValue(forKey: name) ?? []
        for token in announcement.tokens { places.append(accumulators.slot(of: token)) }
        slots[name] = places
    }

    /// Takes the latest announcement of a log back, after the deltas that came behind it.
    public mutating func retract(
        _ announcement: RowAnnouncement, author: PeerID, log: LogID
    ) throws(FederationError) {
        guard announcement.model == id else { throw .wrongModel(announcement.model) }
        let name = OwnerTable.LogName(author: author, log: log)
        try owners.withdraw(announcement.tokens, in: name)
        slots[name]?.removeLast(announcement.tokens.count)
    }

    /// Decides whether a delta of this log may be merged now, in the order of its log.
    public func judge(_ delta: Delta, author: PeerID, log: LogID) throws(FederationError) -> JudgedDelta {
        guard delta.model == id else { throw .wrongModel(delta.model) }
        let announced = slots[OwnerTable.LogName(author: author, log: log)]?.count ?? 0
        return try spec.judge(delta, announcedRows: announced)
    }

    /// Judges and adds a delta.
    ///
    /// - Throws: ``FederationError`` that makes the op void; nothing has changed then.
    public mutating func apply(_ delta: Delta, author: PeerID, log: LogID) throws(FederationError) {
        try merge(delta, author: author, log: log, negated: false)
    }

    /// Subtracts a delta that was applied before.
    public mutating func retract(_ delta: Delta, author: PeerID, log: LogID) throws(FederationError) {
        try merge(delta, author: author, log: log, negated: true)
    }

    private mutating func merge(
        _ delta: Delta, author: PeerID, log: LogID, negated: Bool
    ) throws(FederationError) {
        merge(
            try judge(delta, author: author, log: log), by: OwnerTable.LogName(author: author, log: log),
            negated: negated)
    }

    /// Adds or subtracts a delta that was judged in this state.
    package mutating func merge(_ judged: JudgedDelta, by log: OwnerTable.LogName, negated: Bool) {
        let places = slots[log] ?? []
        accumulators.merge(judged, slots: judged.delta.rows.indices.map { places[Int($0)] }, negated: negated)
    }

    mutating func subtract(_ sums: Accumulators) { accumulators.subtract(sums) }

    mutating func merge(_ sums: Accumulators, negated: Bool) { accumulators.merge(sums, negated: negated) }

    /// BLAKE2b-256 over id, sums and owners; equal on all nodes that applied the same ops.
    public mutating func digest() -> Hash32 {
        blake2b256(domain: "shoal/model/1", id.bytes, accumulators.digest().bytes, owners.digest().bytes)
    }

    /// What changed since the last call, for the store.
    public mutating func takeDirty() -> Accumulators.Dirty { accumulators.takeDirty() }

    /// Loads a stored row of the sums; it does not become dirty.
    public mutating func load(row token: TokenID, _ bytes: Bytes) throws(FederationError) {
        try accumulators.load(row: token, bytes)
    }

    /// Loads a stored dense tensor of the sums; it does not become dirty.
    public mutating func load(tensor index: Int, _ bytes: Bytes) throws(FederationError) {
        try accumulators.load(tensor: index, bytes)
    }
}

extension MergedModel {
    /// The merged weights as floats, for a site: weight = Float(start + sum) · 2^-32.
    ///
    /// Equal bits on every processor. The first call computes starting values (about 1 ns each), later
    /// ones only add and convert.
    ///
    /// - Parameter tokens: the site's vocabulary in its local order, one row each.
    public mutating func parameters(tokens: [TokenID]) -> Parameters {
        Parameters(dense: denseWeights(), tokens: tokenWeights(tokens))
    }

    private mutating func denseWeights() -> [Float] {
        if starts.dense.isEmpty {
            for tensor in spec.layout.tensors.indices { starts.dense += initializer.tensor(tensor) }
        }
        let start = starts.dense
        return Array(unsafeUninitializedCapacity: start.count) { weights, filled in
            for (index, tensor) in spec.layout.tensors.enumerated() {
                let offset = tensor.spec.offset
                let sums = accumulators.tensors[index].values
                for at in 0..<tensor.spec.count {
                    let sum = sums.isEmpty ? 0 : sums[at]
                    weights.initializeElement(at: offset + at, to: Units.float(start[offset + at] &+ sum))
                }
            }
            filled = start.count
        }
    }

    private mutating func tokenWeights(_ tokens: [TokenID]) -> [Float] {
        let dim = spec.shape.dim
        let slots = tokens.map { token in
            let slot = Int(accumulators.slot(of: token))
            while starts.rows.count <= slot { starts.rows.append([]) }
            if starts.rows[slot].isEmpty { starts.rows[slot] = initializer.row(token) }
            return slot
        }
        return Array(unsafeUninitializedCapacity: tokens.count * dim) { weights, filled in
            for (row, slot) in slots.enumerated() {
                let start = starts.rows[slot]
                let place = slot % Accumulators.pageRows * dim
                accumulators.pages[slot / Accumulators.pageRows].values.withUnsafeBufferPointer { sums in
                    for column in 0..<dim {
                        weights.initializeElement(
                            at: row * dim + column, to: Units.float(start[column] &+ sums[place + column]))
                    }
                }
            }
            filled = tokens.count * dim
        }
    }
}
