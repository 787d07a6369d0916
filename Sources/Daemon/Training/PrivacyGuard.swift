internal import API
internal import Federation
internal import Graph
internal import Identity
internal import Learning
internal import Wire

/// Stands between what this site learned and what it sends: withholds, clips, noises, and keeps the account.
final class PrivacyGuard: Sendable {
    let policy: PrivacyPolicy
    private let states: TrainerStates

    init(_ policy: PrivacyPolicy, states: TrainerStates) {
        self.policy = policy
        self.states = states
    }

    func shared(_ graph: SiteGraph) -> [TokenID] { policy.shared(graph) }

    /// The round as it may be sent: rows of `shared` alone, clipped and noised.
    ///
    /// - Parameter shares: of `shared`.
    func protect(
        _ round: TrainingRound, shared: [TokenID], shares: [RowShare], spec: ModelSpec
    ) throws(FederationError) -> TrainingRound {
        let visible = round.restricted(to: shared, shares: shares, dim: spec.shape.dim)
        // Fresh for every round: nothing that was ever sent tells anything about this noise.
        var generator = SecureRandom(seed: secureRandomBytes(SecureRandom.seedBytes))
        return try visible.protected(by: policy, spec: spec, using: &generator)
    }

    /// - Throws: when the budget does not allow another round.
    func check(_ model: ModelID) async throws {
        try await states.accountant(of: model).admit(policy)
    }

    /// Counts a round before it is sealed, durably: whatever happens then, the account is not too low.
    ///
    /// - Throws: when the budget does not allow another.
    func admitRound(of model: ModelID) async throws {
        var accountant = try await states.accountant(of: model)
        try accountant.admit(policy)
        accountant.record(policy)
        try await states.save(accountant, of: model)
    }

    /// Nil where nothing is protected and nothing ever was.
    func report(of model: ModelID, graph: SiteGraph) async throws -> PrivacyReport? {
        let accountant = try await states.accountant(of: model)
        guard !policy.isOff || accountant.noisedOps > 0 else { return nil }
        let epsilon = accountant.epsilon(delta: policy.delta)
        return PrivacyReport(
            policy: policy.words, epsilon: epsilon.isFinite ? epsilon : nil, delta: policy.delta,
            noisedOps: Int(clamping: accountant.noisedOps), plainOps: Int(clamping: accountant.plainOps),
            withheld: graph.vocabulary.count - shared(graph).count)
    }
}

extension PrivacyPolicy {
    /// The tokens whose rows may be announced and sent, in the order of the vocabulary. O(edges).
    func shared(_ graph: SiteGraph) -> [TokenID] {
        let tokens = graph.vocabulary.tokens
        guard minEdges > 0 else { return tokens }
        let edges = graph.index.edgesPerToken()
        return tokens.indices.filter { edges[$0] >= minEdges }.map { tokens[$0] }
    }
}
