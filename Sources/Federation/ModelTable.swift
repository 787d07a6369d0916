public import Identity
public import Wire

/// All models of a network, folded from applied ops.
///
/// The caller applies each op once, a log in the order of its seq, and retracts in the reverse order;
/// logs may interleave in any way. ``FederationError/unknownModel(_:)`` means that the op must wait; any
/// other error means that its body is void, and that nothing has changed.
public struct ModelTable: Sendable {
    private struct Entry: Sendable {
        var model: MergedModel
        /// Applied delete-model ops; the model is gone for users while there is one.
        var deletions = 0
        /// Its create-model op stands beyond a fork: nobody sees it, and what is said of it has no effect.
        var isRetracted = false
        var isVisible: Bool { deletions == 0 && !isRetracted }
    }

    private var entries: [ModelID: Entry] = [:] { didSet { knownDigest = nil } }
    /// Since a model changed last.
    private var knownDigest: Hash32?

    public init() {}

    /// The models that are not deleted, in the order of their ids.
    public var ids: [ModelID] { entries.keys.filter { entries[$0]!.isVisible }.sorted() }

    /// A copy of the model's state: a snapshot. Nil for an unknown or deleted one.
    public subscript(id: ModelID) -> MergedModel? {
        guard let entry = entries[id], entry.isVisible else { return nil }
        return entry.model
    }

    /// Whether the sums of a model, deleted or not, have changed since the store was told.
    public func isDirty(_ id: ModelID) -> Bool { entries[id]?.model.accumulators.isDirty ?? false }

    /// Works on a model in place: dirty rows, weights, loading from a store.
    ///
    /// - Throws: ``FederationError/unknownModel(_:)``, and what `body` throws.
    public mutating func withModel<Result>(
        _ id: ModelID, _ body: (inout MergedModel) throws(FederationError) -> Result
    ) throws(FederationError) -> Result {
        guard entries[id] != nil else { throw .unknownModel(id) }
        return try body(&entries[id]!.model)
    }

    /// Folds a create-model op in.
    ///
    /// - Parameter id: the op's id.
    public mutating func apply(create spec: ModelSpec, id: ModelID) {
        precondition(entries[id] == nil, "an op is applied once")
        entries[id] = Entry(model: MergedModel(id: id, spec: spec))
    }

    /// Takes a create-model op back. What others said of the model goes on being judged, out of sight and out of
    /// the digest, so that their ops are judged alike wherever they are heard of first.
    public mutating func retract(create id: ModelID) { entries[id]?.isRetracted = true }

    /// Folds a delete-model op in.
    ///
    /// A deleted model goes on merging, since a delta may be concurrent to the deletion and since the
    /// deletion may be retracted; it is out of sight and out of the digest.
    public mutating func apply(delete id: ModelID) throws(FederationError) {
        guard entries[id] != nil else { throw .unknownModel(id) }
        entries[id]!.deletions += 1
    }

    /// Takes a delete-model op back.
    public mutating func retract(delete id: ModelID) throws(FederationError) {
        guard entries[id] != nil else { throw .unknownModel(id) }
        entries[id]!.deletions -= 1
    }

    public mutating func apply(_ announcement: RowAnnouncement, author: PeerID, log: LogID) throws(FederationError) {
        try withModel(announcement.model) { (model) throws(FederationError) in
            try model.apply(announcement, author: author, log: log)
        }
    }

    public mutating func retract(_ announcement: RowAnnouncement, author: PeerID, log: LogID) throws(FederationError) {
        try withModel(announcement.model) { (model) throws(FederationError) in
            try model.retract(announcement, author: author, log: log)
        }
    }

    /// Decides about a delta without merging it.
    public func judge(_ delta: Delta, author: PeerID, log: LogID) throws(FederationError) -> JudgedDelta {
        guard let entry = entries[delta.model] else { throw .unknownModel(delta.model) }
        return try entry.model.judge(delta, author: author, log: log)
    }

    public mutating func apply(_ delta: Delta, author: PeerID, log: LogID) throws(FederationError) {
        try withModel(delta.model) { (model) throws(FederationError) in
            try model.apply(delta, author: author, log: log)
        }
    }

    public mutating func retract(_ delta: Delta, author: PeerID, log: LogID) throws(FederationError) {
        try withModel(delta.model) { (model) throws(FederationError) in
            try model.retract(delta, author: author, log: log)
        }
    }

    /// Adds the sums of many deltas at once, as ``DeltaSums`` has them, or takes them out.
    ///
    /// - Throws: ``FederationError/unknownModel(_:)``; nothing has changed then.
    public mutating func merge(_ sums: [ModelID: Accumulators], negated: Bool) throws(FederationError) {
        for id in sums.keys where entries[id] == nil { throw .unknownModel(id) }
        for (id, sums) in sums { entries[id]!.model.merge(sums, negated: negated) }
    }

    /// What the deltas of a log are judged by, of every model, deleted ones too.
    public func grounds(of log: OwnerTable.LogName) -> [ModelID: DeltaGround] {
        entries.mapValues { DeltaGround(spec: $0.model.spec, rows: $0.model.owners.rows(of: log)) }
    }

    /// Of a model, deleted or not.
    public func spec(of id: ModelID) -> ModelSpec? { entries[id]?.model.spec }

    /// BLAKE2b-256 over all models in the order of their ids; of deleted ones only the id counts.
    public mutating func digest() -> Hash32 {
        if let knownDigest { return knownDigest }
        let digest = makeDigest()
        knownDigest = digest
        return digest
    }

    private mutating func makeDigest() -> Hash32 {
        var hasher = Hasher32(domain: "shoal/models/1")
        for id in entries.keys.sorted() where !entries[id]!.isRetracted {
            hasher.update(id.bytes)
            let isDeleted = entries[id]!.deletions > 0
            hasher.update([isDeleted ? 1 : 0])
            if !isDeleted { hasher.update(entries[id]!.model.digest().bytes) }
        }
        return hasher.finish()
    }
}
