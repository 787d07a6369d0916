public import Federation
public import Identity
public import Membership
internal import Learning
package import Replication
public import Wire

/// The state that follows from the applied ops: who belongs, and the models.
///
/// A fold whose result depends on the *set* of ops alone, not on their order. Each op is judged by
/// itself and its causal past (design §6), so every node reaches the same verdict.
public struct StateFold: Sendable {
    /// What is to become of an op.
    package enum Verdict: Equatable, Sendable {
        case applies
        case void(VoidReason)
        /// The author did not belong when it wrote this: not stored, not relayed.
        case notMember
    }

    public internal(set) var members: MemberTable
    public internal(set) var models = ModelTable()
    /// Where each model was created and by whom; kept when it is deleted.
    private var created: [ModelID: (at: LogPosition, author: PeerID)] = [:]
    /// What the ops of each line did, in the order of their seq, as far as it takes to undo it.
    var changes: [Int: [Change]] = [:]

    package init(genesis: Genesis) { members = MemberTable(genesis: genesis) }

    /// Equal states have equal digests; members and models, later the ledger and patterns.
    public mutating func digest() -> Hash32 {
        blake2b256(domain: "shoal/state/1", members.digest().bytes, models.digest().bytes)
    }

    /// Judges an op by its causal past and folds it in when it is valid.
    ///
    /// - Parameters:
    ///   - at: where the op will stand; no other op does.
    ///   - time: that of the op by what it builds on, see `Replica.time(of:)`.
    ///   - past: whether a position is in the op's causal past.
    ///   - isRetracted: it stands beyond a proven fork: it is void, and known to what builds on it.
    package mutating func apply(
        _ op: Op, body: Bytes, at position: LogPosition, time: UInt64, isRetracted: Bool = false,
        past: (LogPosition) -> Bool
    ) -> Verdict {
        guard members.contains(op.header.author, inPast: past) else { return .notMember }
        do throws(Invalid) {
            guard op.header.lamport == time else {
                throw Invalid("wrong-time", "it claims time \(op.header.lamport); what it builds on makes it \(time)")
            }
            if isRetracted {
                try foldRetracted(op, body: body, at: position)
                return .void(.forked)
            }
            try fold(op, body: body, at: position, past: past)
            return .applies
        } catch {
            return .void(error.reason)
        }
    }

    /// Folds a stored op in again, with the verdict of then.
    ///
    /// - Parameter accumulated: its delta is already in the restored accumulators.
    mutating func restore(_ stored: StoredOp, body: Bytes?, at position: LogPosition, accumulated: Bool)
        throws(RecoveryError)
    {
        if let void = stored.void {
            guard void == .forked else { return }
            do { try foldRetracted(stored.op, body: body ?? [], at: position) } catch {
                throw .invalidStoredOp(stored.op.id, error.reason)
            }
            return
        }
        if accumulated, stored.op.header.kind == .updateModelWeights {
            return changes[position.log, default: []].append(Change(seq: position.seq, what: .merged))
        }
        guard let body else { throw .missingBody(stored.op.id) }
        do {
            try fold(stored.op, body: body, at: position) { _ in true }
        } catch {
            throw .invalidStoredOp(stored.op.id, error.reason)
        }
    }

    private struct Invalid: Error {
        let reason: VoidReason

        init(_ code: String, _ detail: String) { reason = VoidReason(code: code, detail: detail) }
    }

    private mutating func fold(
        _ op: Op, body: Bytes, at position: LogPosition, past: (LogPosition) -> Bool
    ) throws(Invalid) {
        let change: Change.What
        switch op.header.kind {
        case .openLog:
            guard body == OpenLog.body else { throw Invalid("invalid-body", "an open-log has the body [1]") }
            return
        case .memberAdd: change = try admit(op, body, at: position)
        case .createModel: change = try create(op, body, at: position)
        case .deleteModel:
            let model = try decoded { () throws(CBORError) in try DeleteModel(decoding: body).model }
            guard try creator(of: model, past: past) == op.header.author else {
                throw Invalid("not-owner", "only the author of a model deletes it")
            }
            try judged { () throws(FederationError) in try models.apply(delete: model) }
            change = .deleted(model)
        case .announceRows:
            let announcement = try decoded { () throws(FederationError) in try RowAnnouncement(body: body) }
            _ = try creator(of: announcement.model, past: past)
            try judged { () throws(FederationError) in
                try models.apply(announcement, author: op.header.author, log: op.header.log)
            }
            change = .announced(announcement.model, rows: announcement.tokens.count)
        case .updateModelWeights:
            let delta = try decoded { () throws(FederationError) in try Delta(body: body) }
            _ = try creator(of: delta.model, past: past)
            try judged { () throws(FederationError) in
                try models.apply(delta, author: op.header.author, log: op.header.log)
            }
            change = .merged
        case .rotateKey, .memberRevoke, .trainStep, .transfer, .claim, .bountyPost, .bountyClaim, .bountySettle, .price,
            .patternPropose, .vote, .certificate, .attestation, .auction, .bid, .checkpointVote, .equivocation:
            throw Invalid("unsupported-kind", "fold version 1 has no rule for \(op.header.kind.name)")
        }
        changes[position.log, default: []].append(Change(seq: position.seq, what: change))
    }

    private mutating func admit(
        _ op: Op, _ body: Bytes, at position: LogPosition, isRetracted: Bool = false
    ) throws(Invalid) -> Change.What {
        let add = try decoded { () throws(MembershipError) in try MemberAdd(decoding: body) }
        members.apply(add, by: op.header.author, at: position, isRetracted: isRetracted)
        return .admitted(add.peer)
    }

    private mutating func create(_ op: Op, _ body: Bytes, at position: LogPosition) throws(Invalid) -> Change.What {
        let spec = try decoded { () throws(FederationError) in try ModelSpec(body: body) }
        created[op.id] = (position, op.header.author)
        models.apply(create: spec, id: op.id)
        return .created(op.id)
    }

    /// An op beyond a fork has no effect. But others built on it before they knew, and what they wrote is judged by
    /// its past: whom it admitted and which model it created must be known there as everywhere.
    private mutating func foldRetracted(_ op: Op, body: Bytes, at position: LogPosition) throws(Invalid) {
        switch op.header.kind {
        case .memberAdd: _ = try admit(op, body, at: position, isRetracted: true)
        case .createModel:
            _ = try create(op, body, at: position)
            models.retract(create: op.id)
        case .openLog, .deleteModel, .announceRows, .updateModelWeights, .rotateKey, .memberRevoke, .trainStep,
            .transfer, .claim, .bountyPost, .bountyClaim, .bountySettle, .price, .patternPropose, .vote, .certificate,
            .attestation, .auction, .bid, .checkpointVote, .equivocation:
            break
        }
    }

    private func creator(of model: ModelID, past: (LogPosition) -> Bool) throws(Invalid) -> PeerID {
        guard let creation = created[model], past(creation.at) else {
            throw Invalid("unknown-model", "model \(model.short) is not in the op's causal past")
        }
        return creation.author
    }

    private func decoded<Value, Failure: Error>(_ decode: () throws(Failure) -> Value) throws(Invalid) -> Value {
        do { return try decode() } catch { throw Invalid("invalid-body", "\(error)") }
    }

    private func judged(_ apply: () throws(FederationError) -> Void) throws(Invalid) {
        do { try apply() } catch { throw Invalid(error.code, "\(error)") }
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
        for id in created.keys.sorted() {
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

/// Body of an open-log op.
enum OpenLog {
    static let body: Bytes = {
        var encoder = CBOREncoder()
        encoder.array(1)
        encoder.uint(1)
        return encoder.bytes
    }()
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

/// Why a node cannot start from what its store holds.
public enum RecoveryError: Error, Equatable, Sendable, CustomStringConvertible {
    case missingBody(OpID)
    case invalidStoredOp(OpID, VoidReason)
    case brokenChain(OpID)
    case invalidSnapshot(ModelID, String)
    case foreignJournal(String)

    public var description: String {
        let remedy = "The database was changed by something else than shoal: restore it from a backup."
        switch self {
        case .missingBody(let id): return "the store lacks the body of op \(id.short). \(remedy)"
        case .invalidStoredOp(let id, let why):
            return "the stored op \(id.short) is not valid (\(why.detail)). \(remedy)"
        case .brokenChain(let id): return "the stored op \(id.short) does not continue its log. \(remedy)"
        case .invalidSnapshot(let id, let why):
            return "the stored accumulators of model \(id.short) do not fit it: \(why). \(remedy)"
        case .foreignJournal(let why):
            return "the sign journal is not this node's: \(why). Use the journal of this site."
        }
    }
}
