internal import API
internal import Federation
internal import Graph
internal import Identity
internal import Peer
internal import Rules
internal import Storage
internal import Wire

/// Where people go from where: centroids of this site's trajectories, and those that a quorum of sites has verified.
final class CentroidService: Sendable {
    /// How loudly a centroid speaks, and which.
    struct Voice: Sendable {
        var pattern: CentroidPattern
        /// Confidence of an own one; of a verified one the share of hits, less the less was measured. 0...1.
        var strength: Double
    }
    /// What centroids say of each graph node of the vocabulary, 0...1, and which said most.
    struct Ranking: Sendable {
        var scores: [Double]
        var patterns: [Int32: Hash32] = [:]
    }

    private let host: NodeHost
    private let models: ModelService
    private let graphs: GraphService
    private let database: Database

    /// Graph nodes that fill up what was shown, so that there are twenty candidates.
    private static let fillers = 60
    /// Graph nodes that put a direction into words.
    private static let examples = 2

    init(host: NodeHost, graphs: GraphService, models: ModelService, database: Database) {
        (self.host, self.graphs, self.models, self.database) = (host, graphs, models, database)
    }

    // MARK: Finding

    /// - Parameter agent: nil: of every model.
    func mine(_ request: CentroidMineRequest) async throws -> CentroidMineReport {
        let seed = UInt64(bitPattern: Int64(request.seed ?? 1))
        var report = CentroidMineReport(trajectories: 0, readable: 0, centroids: 0, applied: 0)
        for model in try await named(request.agent) {
            let stored = try await trajectories(of: model)
            guard let merged = try await host.ask({ $0.state.models[model] }) else { continue }
            let (readable, found) = try await models.onWorker {
                let space = RowSpace(merged, RowSpace.tokens(of: stored))
                let trajectories = stored.compactMap(space.trajectory)
                return (trajectories.count, CentroidMiner(trajectories).centroids(seed: seed))
            }
            try await store { (store) throws(StorageError) in try store.save(found, of: model) }
            report.trajectories += stored.count
            report.readable += readable
            report.centroids += found.count
            report.applied += found.count { $0.isApplied }
        }
        return report
    }

    private func named(_ agent: String?) async throws -> [ModelID] {
        if let agent { return [try await models.find(agent)] }
        return try await host.ask { $0.models }
    }

    /// What was found last, the most valuable first.
    func list(agent: String?) async throws -> [CentroidReport] {
        var reports: [CentroidReport] = []
        for model in try await named(agent) {
            let found = try await centroids(of: model)
            let patterns = found.map { CentroidPattern(model: model, context: $0.context, choice: $0.choice) }
            let words = try await words(patterns)
            for (centroid, pattern) in zip(found, patterns) {
                reports.append(
                    CentroidReport(
                        id: pattern.id.hex, words: words[pattern.id] ?? "", size: centroid.size,
                        quality: centroid.quality, deviation: centroid.deviation, confidence: centroid.confidence,
                        applied: centroid.isApplied))
            }
        }
        return reports
    }

    private func centroids(of model: ModelID) async throws -> [Centroid] {
        try await store { (store) throws(StorageError) in try store.centroids(of: model) }
    }

    private func trajectories(of model: ModelID) async throws -> [StoredTrajectory] {
        try await store { (store) throws(StorageError) in try store.trajectories(of: model) }
    }

    private func store<Value: Sendable>(
        _ work: @escaping @Sendable (TrajectoryStore) throws(StorageError) -> Value
    ) async throws -> Value {
        let schema = database.schema
        return try await database.query { (connection) throws(StorageError) in
            try work(TrajectoryStore(connection, schema: schema))
        }
    }

    // MARK: Between sites

    /// Those of this site that rank searches, with what its own trajectories say: what can be proposed.
    func proposable() async throws -> [(pattern: CentroidPattern, counts: RuleCounts)] {
        var found: [(pattern: CentroidPattern, counts: RuleCounts)] = []
        for model in try await host.ask({ $0.models }) {
            for centroid in try await centroids(of: model) where centroid.isApplied {
                let pattern = CentroidPattern(model: model, context: centroid.context, choice: centroid.choice)
                if case .counts(let counts) = try await measurement(of: pattern) { found.append((pattern, counts)) }
            }
        }
        return found
    }

    /// What this site's trajectories say about a pattern of another; nil: nothing, or the network knows as much already.
    func measure(_ pattern: CentroidPattern) async -> [Int64]? {
        guard let known = try? await host.ask({ $0.state.patterns.accepted.compactMap(\.proposal.pattern.centroid) }),
            !known.contains(where: pattern.isSame(as:))
        else { return nil }
        return try? await measurement(of: pattern).numbers
    }

    private func measurement(of pattern: CentroidPattern) async throws -> PatternMeasurement {
        // Somebody who chooses the same again and again has shown one thing.
        var seen: Set<[TokenID]> = []
        let stored = try await trajectories(of: pattern.model).reversed().filter {
            seen.insert($0.context + [$0.choice]).inserted
        }
        guard !stored.isEmpty, let merged = try await host.ask({ $0.state.models[pattern.model] }) else {
            return .abstains
        }
        let graph = try await graphs.current()
        return try await models.onWorker {
            var random = Random(seed: UInt64(bigEndianBytes: pattern.id.bytes.prefix(8)) ?? 1)
            let vocabulary = graph.vocabulary
            var drawn: Set<Int32> = []
            while drawn.count < min(Self.fillers, vocabulary.nodeCount) {
                drawn.insert(Int32(random.below(vocabulary.nodeCount)))
            }
            let fillers = drawn.sorted().map { vocabulary[$0] }
            let space = RowSpace(merged, RowSpace.tokens(of: stored) + fillers)
            var distinct: Set<Direction> = []
            return pattern.counts(
                stored.compactMap(space.trajectory),
                fillers: fillers.compactMap { space[$0] }.filter { distinct.insert($0).inserted })
        }
    }

    /// Patterns in words: what lies nearest to where they begin and lead.
    func words(_ patterns: [CentroidPattern]) async throws -> [Hash32: String] {
        guard !patterns.isEmpty else { return [:] }
        let graph = try await graphs.current()
        var words: [Hash32: String] = [:]
        for (model, patterns) in Dictionary(grouping: patterns, by: \.model) {
            let merged = try await host.ask { $0.state.models[model] }
            let lines = try await models.onWorker { () -> [(Hash32, String)] in
                guard let merged else { return patterns.map { ($0.id, "of a model that is not here") } }
                let tokens = graph.vocabulary.tokens
                let nodes = Array(tokens.prefix(graph.vocabulary.nodeCount))
                let space = RowSpace(merged, tokens)
                func nearest(_ direction: Direction, _ tokens: [TokenID]) -> String {
                    let likely = tokens.compactMap { token in space[token].map { (token, $0.likeness(to: direction)) } }
                    let best = likely.sorted { ($1.1, $0.0) < ($0.1, $1.0) }.prefix(Self.examples)
                    return best.isEmpty
                        ? "what this site does not know" : best.map { graph.name(of: $0.0) }.joined(separator: ", ")
                }
                return patterns.map {
                    ($0.id, "from near \(nearest($0.context, tokens)) to near \(nearest($0.choice, nodes))")
                }
            }
            for (id, line) in lines { words[id] = line }
        }
        return words
    }

    // MARK: Ranking

    /// What centroids say of all graph nodes after a context; nil if none speaks.
    func ranking(_ context: [TokenID], of model: ModelID, _ graph: SiteGraph) async throws -> Ranking? {
        guard !context.isEmpty else { return nil }
        let voices = try await voices(for: model)
        guard !voices.isEmpty, let merged = try await host.ask({ $0.state.models[model] }) else { return nil }
        return try await models.onWorker {
            let vocabulary = graph.vocabulary
            let here = RowSpace(merged, context).place(of: context)
            let near = voices.filter {
                here.map($0.pattern.context.likeness(to:)).map { $0 > Centroid.Limits.near } ?? false
            }
            guard !near.isEmpty else { return nil }
            let nodes = vocabulary.tokens.prefix(vocabulary.nodeCount)
            let space = RowSpace(merged, nodes)
            var ranking = Ranking(scores: [Double](repeating: 0, count: nodes.count))
            for (at, token) in nodes.enumerated() {
                guard let direction = space[token] else { continue }
                for voice in near {
                    let score = voice.strength * direction.likeness(to: voice.pattern.choice)
                    guard score > ranking.scores[at] else { continue }
                    ranking.scores[at] = score
                    ranking.patterns[Int32(at)] = voice.pattern.id
                }
            }
            return ranking
        }
    }

    /// Own ones that are trusted enough, and all that are verified.
    private func voices(for model: ModelID) async throws -> [Voice] {
        let own = try await centroids(of: model).filter(\.isApplied).map {
            Voice(
                pattern: CentroidPattern(model: model, context: $0.context, choice: $0.choice),
                strength: $0.confidence)
        }
        let accepted = try await host.ask { $0.state.patterns.accepted }
        return own
            + accepted.compactMap { proposed in
                guard case .accepted(let hits, let trials, _)? = proposed.outcome,
                    let pattern = proposed.proposal.pattern.centroid, pattern.model == model
                else { return nil }
                return Voice(pattern: pattern, strength: Double(hits) / Double(trials + 1))
            }
    }
}
