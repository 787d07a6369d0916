internal import Federation
internal import Graph
internal import Rules
internal import Storage
internal import Wire

/// Where tokens lie among the merged rows of a model: the same place at all sites that have applied the same ops.
struct RowSpace: Sendable {
    private let directions: [TokenID: Direction]

    /// - Parameter tokens: the ones that will be asked for.
    init(_ model: MergedModel, _ tokens: some Sequence<TokenID>) {
        let wanted = Array(Set(tokens))
        var directions: [TokenID: Direction] = [:]
        for (token, row) in zip(wanted, model.centredRows(wanted)) { directions[token] = row.flatMap { Direction($0) } }
        self.directions = directions
    }

    /// Nil for a token that nobody has trained.
    subscript(token: TokenID) -> Direction? { directions[token] }

    /// The middle of a context's graph nodes and relations; nil if nobody has trained any of them.
    func place(of context: [TokenID]) -> Direction? {
        Direction.mean(context.compactMap { token in directions[token].map { ($0, 1) } })
    }

    /// Nil where the context or the choice lies nowhere.
    func trajectory(_ stored: StoredTrajectory) -> Trajectory? {
        guard let context = place(of: stored.context), let choice = directions[stored.choice] else { return nil }
        return Trajectory(
            context: context, choice: choice, others: stored.others.compactMap { directions[$0] }, rank: stored.rank)
    }

    static func tokens(of stored: [StoredTrajectory]) -> [TokenID] {
        stored.flatMap { $0.context + [$0.choice] + $0.others }
    }
}
