public import Consensus
public import Federation
public import Identity
public import Ledger
public import Membership
package import Replication
public import Rules
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
    public internal(set) var ledger: Ledger
    public internal(set) var consensus: ConsensusTable
    public internal(set) var patterns = PatternTable()
    /// Whether votes and Koi are part of this network's rules: not in those founded before there were any.
    let hasVotes: Bool
    /// What certificates revoke, by member; and what of it is not yet out of the sums, or not yet back in.
    var revoked: [PeerID: Set<Revocation>] = [:]
    var recounts: [Recount] = []
    /// What members took back themselves, by the place of the op that says so.
    var retracted: [PeerID: [LogPosition: Revocation.Range]] = [:]
    /// From where each log is proven to fork.
    var forks: [LogKey: UInt64] = [:]
    /// Blocks that are certified or pinned, by log, ascending and apart; and the sums that stand for bodies.
    var blocks: [LogKey: [LogBlock]] = [:]
    var pinned: [LogKey: [PinnedSums]] = [:]
    /// Blocks of which sums are about to be pinned: no delta of them is to count by itself.
    var replaced: [LogKey: [LogBlock]] = [:]
    /// Whether pinned sums may have to go in or out.
    var looksAtSums = false
    /// The logs of lines with deltas.
    var trainedLines: [Int: LogKey] = [:]
    /// Rounds of training that were folded in this process, by model and author: no part of the state.
    var heardRounds: [ModelID: [PeerID: HeardRounds]] = [:]
    /// What settlements were measured at, by question.
    var settled: [QuestionID: (settlement: OpID, gain: Int64)] = [:]
    /// Certified, and carried by nothing that builds on what it names: of no effect in the ledger.
    var uncounted: Set<QuestionID> = []
    /// The last op of each log that pays for something.
    var lastDebits: [LogKey: UInt64] = [:]
    /// The ops come from the node's own store: their signatures were checked when they came.
    var isRestoring = false
    /// Where each model was created and by whom; kept when it is deleted.
    var created: [ModelID: (at: LogPosition, author: PeerID)] = [:]
    /// What the ops of each line did, in the order of their seq, as far as it takes to undo it.
    var changes: [Int: [Change]] = [:]

    /// - Parameter signatures: votes that need not be checked again.
    package init(genesis: Genesis, signatures: SignatureMemory? = nil) {
        members = MemberTable(genesis: genesis)
        ledger = Ledger(genesis: genesis)
        consensus = ConsensusTable(genesis: genesis, signatures: signatures)
        hasVotes = genesis.policy.hasVotes
    }

    /// Equal states have equal digests.
    ///
    /// A part that is as the genesis left it does not count, so that networks without votes have the digests that
    /// they always had.
    public mutating func digest() -> Hash32 {
        var parts = members.digest().bytes + models.digest().bytes
        if let consensus = consensus.digest() { parts += [1] + consensus.bytes }
        if let ledger = ledger.digest() { parts += [2] + ledger.bytes }
        if let left = members.leftDigest() { parts += [3] + left.bytes }
        if let rotated = members.rotationDigest() { parts += [4] + rotated.bytes }
        return blake2b256(domain: "shoal/state/1", parts)
    }

    /// What the digest is made of, to tell where two states differ.
    package mutating func parts() -> [(name: String, digest: Hash32?)] {
        [
            ("members", members.digest()), ("models", models.digest()), ("consensus", consensus.digest()),
            ("ledger", ledger.digest()), ("left", members.leftDigest()), ("rotated", members.rotationDigest()),
        ]
    }

    /// Judges an op by its causal past and folds it in when it is valid.
    ///
    /// - Parameters:
    ///   - at: where the op will stand; no other op does.
    ///   - time: that of the op by what it builds on, see `Replica.time(of:)`.
    ///   - causes: what it builds on.
    ///   - isRetracted: it stands beyond a proven fork: it is void, and known to what builds on it.
    package mutating func apply(
        _ op: Op, body: Bytes, at position: LogPosition, time: UInt64, isRetracted: Bool = false,
        causes: Causes
    ) -> Verdict {
        let past = causes.past
        guard members.contains(op.header.author, inPast: past) else { return .notMember }
        ledger.note(position, of: op.header.logKey, after: causes.prev)
        do throws(Invalid) {
            guard op.header.lamport == time else {
                throw Invalid("wrong-time", "it claims time \(op.header.lamport); what it builds on makes it \(time)")
            }
            if members.hasLeft(op.header.author, inPast: past), !op.header.kind.mayFollowLeaving {
                throw Invalid("has-left", "its author had left the network")
            }
            if isRetracted {
                try foldRetracted(op, body: body, at: position, causes)
                return .void(.forked)
            }
            try fold(op, body: body, at: position, causes)
            return .applies
        } catch {
            return .void(error.reason)
        }
    }

    /// Folds a stored op in again, with the verdict of then.
    ///
    /// - Parameter accumulated: its delta is already in the restored accumulators.
    mutating func restore(
        _ stored: StoredOp, body: Bytes?, at position: LogPosition, accumulated: Bool, causes: Causes
    ) throws(RecoveryError) {
        isRestoring = true
        defer { isRestoring = false }
        ledger.note(position, of: stored.op.header.logKey, after: causes.prev)
        if let void = stored.void {
            guard void == .forked else { return }
            do { try foldRetracted(stored.op, body: body ?? [], at: position, causes) } catch {
                throw .invalidStoredOp(stored.op.id, error.reason)
            }
            return
        }
        if cover(stored.op, at: position) {
            return changes[position.log, default: []].append(Change(seq: position.seq, what: .model(.covered)))
        }
        if accumulated, stored.op.header.kind == .updateModelWeights {
            trainedLines[position.log] = stored.op.header.logKey
            let change = Change(seq: position.seq, what: .model(.merged(counts: true)))
            return changes[position.log, default: []].append(change)
        }
        guard let body else { throw .missingBody(stored.op.id) }
        do {
            try fold(stored.op, body: body, at: position, causes)
        } catch {
            throw .invalidStoredOp(stored.op.id, error.reason)
        }
    }

    /// Why an op is void.
    struct Invalid: Error {
        let reason: VoidReason

        init(_ code: String, _ detail: String) { reason = VoidReason(code: code, detail: detail) }
    }

    /// Each domain judges and folds its own kinds, in a file of its own.
    private mutating func fold(
        _ op: Op, body: Bytes, at position: LogPosition, _ causes: Causes
    ) throws(Invalid) {
        let past = causes.past
        let change: Change.What
        switch op.header.kind {
        case .openLog:
            guard body == OpenLog.body else { throw Invalid("invalid-body", "an open-log has the body [1]") }
            return
        case .memberAdd: change = .member(try foldMember(op, body, at: position))
        case .createModel, .deleteModel, .announceRows, .updateModelWeights:
            change = .model(try foldModel(op, body, at: position, past: past))
        case .transfer, .claim, .bountyPost, .bountyClaim, .bountySettle, .price, .attestation, .auction, .bid:
            try foldLedger(op, body, at: position, causes)
            return noteSubject(op, at: position)
        case .memberRevoke, .vote, .certificate, .equivocation, .question, .measurement, .proposal:
            guard hasVotes else { throw Self.unsupported(op) }
            change = .consensus(try foldConsensus(op, body, at: position, causes))
        case .patternPropose:
            guard hasVotes else { throw Self.unsupported(op) }
            try foldPattern(op, body, at: position, causes)
            change = .pattern
        case .retraction:
            guard hasVotes else { throw Self.unsupported(op) }
            change = .retraction(try foldRetraction(op, body, at: position, causes))
        case .memberLeave:
            guard hasVotes else { throw Self.unsupported(op) }
            change = .member(try foldLeave(op, body, at: position))
        case .rotateKey:
            guard hasVotes, consensus.policy(inPast: past).hasRotation else { throw Self.unsupported(op) }
            change = .member(try foldRotation(op, body, at: position, past: past))
        case .trainStep, .checkpointVote: throw Self.unsupported(op)
        }
        noteSubject(op, at: position)
        changes[position.log, default: []].append(Change(seq: position.seq, what: change))
    }

    /// An op beyond a fork has no effect. But others built on it before they knew, and what they wrote is judged by
    /// its past: whom it admitted and which model it created must be known there as everywhere.
    private mutating func foldRetracted(
        _ op: Op, body: Bytes, at position: LogPosition, _ causes: Causes
    ) throws(Invalid) {
        switch op.header.kind {
        case .memberAdd: _ = try foldMember(op, body, at: position, isRetracted: true)
        case .createModel, .deleteModel, .announceRows, .updateModelWeights:
            try foldRetractedModel(op, body, at: position)
        case .transfer, .claim, .bountyPost, .bountyClaim, .bountySettle, .price, .attestation, .auction, .bid:
            try foldLedger(op, body, at: position, causes)
        case .memberRevoke, .vote, .certificate, .equivocation, .question, .measurement, .proposal:
            guard hasVotes else { return }
            _ = try foldConsensus(op, body, at: position, isRetracted: true, causes)
        case .patternPropose:
            guard hasVotes else { return }
            try foldPattern(op, body, at: position, isRetracted: true, causes)
        case .memberLeave:
            guard hasVotes else { return }
            _ = try foldLeave(op, body, at: position, isRetracted: true)
        case .rotateKey:
            guard hasVotes, consensus.policy(inPast: causes.past).hasRotation else { return }
            _ = try foldRotation(op, body, at: position, past: causes.past, isRetracted: true)
        case .openLog, .trainStep, .checkpointVote, .retraction:
            break
        }
    }

    private static func unsupported(_ op: Op) -> Invalid {
        Invalid("unsupported-kind", "this network's fold version has no rule for \(op.header.kind.name)")
    }

    func decoded<Value, Failure: Error>(_ decode: () throws(Failure) -> Value) throws(Invalid) -> Value {
        do { return try decode() } catch { throw Invalid("invalid-body", "\(error)") }
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

/// Why a node cannot start from what its store holds.
public enum RecoveryError: Error, Equatable, Sendable, CustomStringConvertible {
    case missingBody(OpID)
    case invalidStoredOp(OpID, VoidReason)
    case brokenChain(OpID)
    case invalidSnapshot(ModelID, String)
    case foreignJournal(String)
    case newerRules(UInt64)

    public var description: String {
        let remedy = "The database was changed by something else than shoal: restore it from a backup."
        switch self {
        case .missingBody(let id): return "the store lacks the body of op \(id.short). \(remedy)"
        case .invalidStoredOp(let id, let why):
            return "the stored op \(id.short) is not valid (\(why.detail)). \(remedy)"
        case .brokenChain(let id): return "the stored op \(id.short) does not continue its log. \(remedy)"
        case .invalidSnapshot(let id, let why):
            return "the stored accumulators of model \(id.short) do not fit it: \(why). \(remedy)"
        case .newerRules(let version): return Node.needsNewer(version)
        case .foreignJournal(let why):
            return "the sign journal is not this node's: \(why). Use the journal of this site."
        }
    }
}
