public import Identity
public import Membership
public import Wire

/// What a quorum made of a proposed pattern.
public enum PatternOutcome: Sendable, Equatable {
    /// `hits` of `trials` conclusions are true at the sites that measured; the share is at least `bound`, in millionths,
    /// as far as that can be told (`ValueRule`).
    case accepted(hits: Int64, trials: Int64, bound: Int64)
    case rejected(hits: Int64, trials: Int64, bound: Int64)
    /// Too few sites could tell.
    case undecided

    public var name: String {
        switch self {
        case .accepted: "accepted"
        case .rejected: "rejected"
        case .undecided: "undecided"
        }
    }
}

/// A pattern that a member has proposed.
public struct ProposedPattern: Sendable, Equatable {
    public let op: OpID
    public let author: PeerID
    public let position: LogPosition
    public let proposal: PatternProposal
    /// It stands beyond a proven fork.
    public internal(set) var isRetracted: Bool
    /// Nil as long as nothing is certified.
    public internal(set) var outcome: PatternOutcome?
}

/// All patterns that members have proposed, and what was certified of them: what follows from the set of ops.
public struct PatternTable: Sendable {
    private var byOp: [OpID: ProposedPattern] = [:]
    private var byPattern: [Hash32: [OpID]] = [:]
    private var byPosition: [LogPosition: OpID] = [:]
    /// Certified of proposals that are not here.
    private var early: [OpID: PatternOutcome] = [:]
    /// By author: those with effect about which nothing is certified.
    private var waiting: [PeerID: Set<OpID>] = [:]
    private var changed: Set<OpID> = []

    public init() {}

    public subscript(op: OpID) -> ProposedPattern? { byOp[op] }

    /// Every proposal, by op id. O(n log n).
    public var all: [ProposedPattern] { byOp.values.sorted { $0.op < $1.op } }

    /// Those of one pattern, whoever made them, by op id.
    public func proposals(of pattern: Hash32) -> [ProposedPattern] {
        (byPattern[pattern] ?? []).sorted().compactMap { byOp[$0] }
    }

    /// Of each accepted pattern the proposal with the smallest id, by op id.
    public var accepted: [ProposedPattern] {
        byPattern.values.compactMap { ops in
            ops.sorted().lazy.compactMap { byOp[$0] }.first { if case .accepted? = $0.outcome { true } else { false } }
        }
        .sorted { $0.op < $1.op }
    }

    /// A member's proposals about which nothing is certified, by op id.
    public func undecided(by author: PeerID) -> [OpID] {
        (waiting[author] ?? []).sorted()
    }

    /// Whether a proposal is the one that electors measure: the smallest of those that the same pattern has, and none of
    /// them is accepted.
    public func isFirst(_ op: OpID) -> Bool {
        guard let proposed = byOp[op] else { return false }
        let rivals = proposals(of: proposed.proposal.pattern.id).filter { other in
            if case .accepted? = other.outcome { return true }
            return !other.isRetracted && other.outcome == nil
        }
        return rivals.first { if case .accepted? = $0.outcome { true } else { false } } == nil && rivals.first?.op == op
    }

    public mutating func add(
        _ proposal: PatternProposal, _ op: OpID, by author: PeerID, at position: LogPosition, isRetracted: Bool
    ) {
        byOp[op] = ProposedPattern(
            op: op, author: author, position: position, proposal: proposal, isRetracted: isRetracted,
            outcome: early.removeValue(forKey: op))
        byPattern[proposal.pattern.id, default: []].append(op)
        byPosition[position] = op
        if !isRetracted, byOp[op]!.outcome == nil { waiting[author, default: []].insert(op) }
        changed.insert(op)
    }

    /// Its log forks there or before. What is certified of it stays certified.
    public mutating func retract(at position: LogPosition) {
        guard let op = byPosition[position] else { return }
        byOp[op]!.isRetracted = true
        waiting[byOp[op]!.author]?.remove(op)
        changed.insert(op)
    }

    /// A certificate takes effect, or loses it.
    public mutating func decide(_ op: OpID, _ outcome: PatternOutcome?) {
        guard byOp[op] != nil else { return early[op] = outcome }
        byOp[op]!.outcome = outcome
        if outcome == nil, !byOp[op]!.isRetracted {
            waiting[byOp[op]!.author, default: []].insert(op)
        } else {
            waiting[byOp[op]!.author]?.remove(op)
        }
        changed.insert(op)
    }

    /// What changed since the last call, by op id.
    public mutating func takeChanges() -> [ProposedPattern] {
        defer { changed = [] }
        return changed.sorted().compactMap { byOp[$0] }
    }
}
