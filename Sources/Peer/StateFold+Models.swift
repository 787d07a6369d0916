internal import Federation
public import Identity
internal import Learning
internal import Membership
internal import Replication
public import Wire

/// Models: created, announced, trained, deleted.
extension StateFold {
    /// What an op changed about models.
    enum ModelChange: Sendable {
        case created(ModelID)
        case deleted(ModelID)
        case announced(ModelID, rows: Int)
        /// A delta; its body says of which model. It is not in the sums while it is revoked.
        case merged(counts: Bool)
        /// A delta that the sums of its block stand for.
        case covered
    }

    /// A round may come in several ops.
    struct HeardRounds: Sendable {
        var count: UInt64 = 0
        var last: UInt64?
    }

    private mutating func heard(_ delta: Delta, of author: PeerID) {
        var heard = heardRounds[delta.model]?[author] ?? HeardRounds()
        guard heard.last != delta.round else { return }
        heard = HeardRounds(count: heard.count + 1, last: delta.round)
        heardRounds[delta.model, default: [:]][author] = heard
    }

    mutating func foldModel(
        _ op: Op, _ body: Bytes, at position: LogPosition, past: (LogPosition) -> Bool
    ) throws(Invalid) -> ModelChange {
        switch op.header.kind {
        case .createModel: return try create(op, body, at: position)
        case .deleteModel:
            let model = try decoded { () throws(CBORError) in try DeleteModel(decoding: body).model }
            guard try creator(of: model, past: past) == op.header.author else {
                throw Invalid("not-owner", "only the author of a model deletes it")
            }
            try judged { () throws(FederationError) in try models.apply(delete: model) }
            return .deleted(model)
        case .announceRows:
            let announcement = try decoded { () throws(FederationError) in try RowAnnouncement(body: body) }
            _ = try creator(of: announcement.model, past: past)
            try judged { () throws(FederationError) in
                try models.apply(announcement, author: op.header.author, log: op.header.log)
            }
            return .announced(announcement.model, rows: announcement.tokens.count)
        case .updateModelWeights:
            if cover(op, at: position) { return .covered }
            let delta = try decoded { () throws(FederationError) in try Delta(body: body) }
            _ = try creator(of: delta.model, past: past)
            let (author, log) = (op.header.author, op.header.log)
            trainedLines[position.log] = op.header.logKey
            let counts = !isTakenOut(op.header.logKey, op.header.seq)
            try judged { () throws(FederationError) in
                if counts {
                    try models.apply(delta, author: author, log: log)
                } else {
                    _ = try models.judge(delta, author: author, log: log)
                }
            }
            heard(delta, of: author)
            return .merged(counts: counts)
        default: preconditionFailure("\(op.header.kind.name) is no kind of models")
        }
    }

    mutating func foldRetractedModel(_ op: Op, _ body: Bytes, at position: LogPosition) throws(Invalid) {
        guard op.header.kind == .createModel else { return }
        _ = try create(op, body, at: position)
        models.retract(create: op.id)
    }

    private mutating func create(_ op: Op, _ body: Bytes, at position: LogPosition) throws(Invalid) -> ModelChange {
        let spec = try decoded { () throws(FederationError) in try ModelSpec(body: body) }
        created[op.id] = (position, op.header.author)
        models.apply(create: spec, id: op.id)
        return .created(op.id)
    }

    private func creator(of model: ModelID, past: (LogPosition) -> Bool) throws(Invalid) -> PeerID {
        guard let creation = created[model], past(creation.at) else {
            throw Invalid("unknown-model", "model \(model.short) is not in the op's causal past")
        }
        return creation.author
    }

    private func judged(_ apply: () throws(FederationError) -> Void) throws(Invalid) {
        do { try apply() } catch { throw Invalid(error.code, "\(error)") }
    }

    /// - Parameter body: of a delta; nil when it is not in these accumulators.
    mutating func undo(_ change: ModelChange, key: LogKey, body: Bytes?) throws {
        switch change {
        case .created(let model): models.retract(create: model)
        case .deleted(let model): try models.retract(delete: model)
        case .announced(let model, let rows):
            let name = OwnerTable.LogName(author: key.author, log: key.log)
            let latest = try models.withModel(model) { (model) throws(FederationError) in
                Array(model.owners.rows(of: name).suffix(rows))
            }
            try models.retract(
                try RowAnnouncement(model: model, tokens: latest), author: key.author, log: key.log)
        case .covered: break
        case .merged(let counts):
            guard counts, let body else { return }
            try models.retract(try Delta(body: body), author: key.author, log: key.log)
        }
    }

    /// - Precondition: the model exists.
    mutating func mergedParameters(of model: ModelID, tokens: [TokenID]) -> Parameters {
        try! models.withModel(model) { (model) throws(FederationError) in model.parameters(tokens: tokens) }
    }

    // MARK: Snapshots

    /// What changed in the accumulators since the last call. Deleted models go on merging out of
    /// sight, since their deletion may be concurrent to deltas.
    mutating func takeChanges() -> [StateSnapshot.Model] {
        var changes: [StateSnapshot.Model] = []
        for id in created.keys.sorted() where models.isDirty(id) {
            let change = try? models.withModel(id) { (model) throws(FederationError) in
                let dirty = model.takeDirty()
                let sums = model.accumulators
                return StateSnapshot.Model(
                    id: id,
                    tensors: dirty.tensors.map {
                        .init(index: $0, name: model.spec.shape.tensors[$0].name, bytes: sums.tensorBytes($0))
                    },
                    rows: dirty.tokens.map { .init(token: $0, bytes: sums.rowBytes($0)) })
            }
            guard let change, !(change.tensors.isEmpty && change.rows.isEmpty) else { continue }
            changes.append(change)
        }
        return changes
    }

    /// Puts stored accumulators in place; the models themselves come from the ops below the watermark.
    mutating func restore(_ snapshot: [StateSnapshot.Model]) throws(RecoveryError) {
        for stored in snapshot {
            do {
                try models.withModel(stored.id) { (model) throws(FederationError) in
                    for tensor in stored.tensors {
                        if let bytes = tensor.bytes { try model.load(tensor: tensor.index, bytes) }
                    }
                    for row in stored.rows {
                        if let bytes = row.bytes { try model.load(row: row.token, bytes) }
                    }
                }
            } catch {
                throw .invalidSnapshot(stored.id, "\(error)")
            }
        }
    }
}

/// Body of a delete-model op: `[1, model id]`.
public struct DeleteModel: Sendable, Equatable {
    public let model: ModelID

    public init(model: ModelID) { self.model = model }

    public init(decoding bytes: Bytes) throws(CBORError) {
        var decoder = CBORDecoder(bytes)
        try decoder.array(exactly: 2)
        guard try decoder.uint() == 1 else { throw .unexpected(at: 1, wanted: "version 1") }
        model = try decoder.id()
        try decoder.end()
    }

    public func encode() -> Bytes {
        var encoder = CBOREncoder()
        encoder.array(2)
        encoder.uint(1)
        encoder.bytes(model.bytes)
        return encoder.bytes
    }
}
