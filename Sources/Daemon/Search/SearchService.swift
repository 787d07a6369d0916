internal import API
internal import Federation
internal import Graph
internal import Identity
internal import Learning
internal import Peer
internal import Search
internal import Storage
internal import Synchronization
internal import Wire

/// A search as it is asked for.
struct SearchRequest: Sendable {
    static let limits = 1...1_000
    static let maxContext = 64

    var query: String
    /// Whose model helps; nil for the only one, if there is one.
    var agent: String?
    var context: [String] = []
    var limit = 20
    var formula = Formula.combined
    var weights = Weights.served
    var why = false
    /// Rules of this site, and those that a quorum has verified, name candidates and count.
    var withRules = false
}

/// Finds graph nodes: candidates from full text, titles, texts of links, the context's neighbours and the model, ranked
/// by a ``Formula``.
///
/// ```
/// query ─▶ words ─┬─▶ full text, titles ───┐
///                 ├─▶ texts of links ──────┤
/// context ────────┼─▶ neighbours ──────────┼─▶ candidates ─▶ features ─▶ formula ─▶ hits ─▶ log
///                 └─▶ model: what follows ─┘        ▲ │
///                                                   └─┴ neighbours of the best
/// ```
final class SearchService: Sendable {
    /// Candidates from each source besides full text, and what a search looks around the best hits for.
    enum Reach {
        static let phrases = 200
        static let neighbours = 200
        static let tokens = 50
        static let hits = 10
        static let aroundHit = 16
    }

    let graphs: GraphService
    let models: ModelService
    let database: Database
    let log: AnswerLog
    let centroids: CentroidService
    private let host: NodeHost
    private let ground = Mutex<(age: Int, ground: SearchGround)?>(nil)

    init(host: NodeHost, graphs: GraphService, models: ModelService, database: Database, log: AnswerLog) {
        self.host = host
        self.graphs = graphs
        self.models = models
        self.database = database
        self.log = log
        centroids = CentroidService(host: host, graphs: graphs, models: models, database: database)
    }

    // MARK: Searching

    func search(_ request: SearchRequest) async throws -> SearchReport {
        let text = try Self.checked(request.query)
        guard SearchRequest.limits.contains(request.limit) else {
            throw Problem.badRequest("limit is \(request.limit)", remedy: "use 1 to 1000", field: "limit")
        }
        guard request.context.count <= SearchRequest.maxContext else {
            throw Problem.badRequest(
                "the context has \(request.context.count) items", remedy: "give at most \(SearchRequest.maxContext)",
                field: "context")
        }
        let ground = try await currentGround()
        let context = request.context.isEmpty ? [] : try ground.graph.context(request.context)
        let model = try await model(of: request.agent, request.weights, ground)
        let question = SearchQuestion(text: text, context: context)
        let rules = request.withRules ? try await ruleFindings(context, ground) : nil
        let candidates = try await candidates(question, ground, model, rules)
        let weights = model?.weights ?? .standard
        let ranking = request.formula.ranking(candidates.map(\.evidence), weights: weights)
        let best = ranking.prefix(request.limit).map { (candidate: candidates[$0.at], score: $0.score) }
        let shares = request.formula == .combined ? probabilities(ranking.map(\.score)) : []
        let vocabulary = ground.graph.vocabulary
        let inferences = try await log.append(
            LoggedInference(
                models: model.map { [$0.id] } ?? [], agent: model?.agent ?? "", query: text,
                context: context.map { vocabulary[$0] },
                answers: best.map { (vocabulary[$0.candidate.node], $0.score) }))
        let hits = best.indices.map { place in
            let (candidate, score) = best[place]
            let id = vocabulary[candidate.node]
            return SearchReport.Hit(
                inference: inferences[place].hex, id: id.hex, name: ground.graph.name(of: id),
                title: ground.index.titles[Int(candidate.node)], kind: ground.index.kinds[Int(candidate.node)],
                score: score, probability: shares.isEmpty ? nil : shares[place],
                why: request.why ? Self.why(candidate.evidence, request.formula, weights) : nil,
                pattern: request.why ? candidate.pattern?.hex : nil,
                rules: request.why ? rules?.reasons(for: candidate.node, ground.graph) : nil)
        }
        return SearchReport(
            query: text, agent: model?.agent, formula: request.formula.rawValue, candidates: candidates.count,
            hits: hits)
    }

    private static func checked(_ query: String) throws(Problem) -> String {
        guard query.unicodeScalars.contains(where: { !$0.properties.isWhitespace }) else {
            throw .unusable("the query is empty", remedy: "say what to look for", field: "query")
        }
        guard query.unicodeScalars.count <= SearchStore.maxQuery else {
            throw .badRequest(
                "the query has \(query.unicodeScalars.count) characters", remedy: "use at most \(SearchStore.maxQuery)",
                field: "query")
        }
        guard !query.unicodeScalars.contains("\0") else {
            throw .unusable("the query has a NUL character", remedy: "leave it out", field: "query")
        }
        return query
    }

    static func wordless(_ query: String) -> Problem {
        Problem(
            status: 422, detail: "the query '\(query)' has no word that is not in every second text",
            remedy: "add a word that says more", code: "no_words", field: "query")
    }

    private static func why(_ evidence: Evidence, _ formula: Formula, _ weights: FeatureVector) -> [String: Double] {
        switch formula {
        case .combined:
            let parts = Feature.allCases.map { ($0.name, weights[$0] * evidence.features[$0]) }
            return Dictionary(uniqueKeysWithValues: parts.filter { $0.1 != 0 })
        case .text: return ["text-rank": evidence.textRank]
        case .context: return ["text-rank": evidence.textRank, "perspective": evidence.features[.perspective]]
        case .seed: return ["text-rank": evidence.textRank, "probability": evidence.probability]
        }
    }

    // MARK: Candidates

    /// Every candidate with all that is known of it, ascending by index.
    ///
    /// - Throws: the problem `no_words` for a query of stop words.
    func candidates(
        _ question: SearchQuestion, _ ground: SearchGround, _ model: SearchModel?, _ rules: RuleFindings? = nil
    ) async throws -> [SearchCandidate] {
        let words = try await store { (store) throws(StorageError) in try store.words(of: question.text) }
        guard !words.isEmpty else { throw Self.wordless(question.text) }
        let probabilities: [Double] =
            if let model, !question.context.isEmpty {
                try await models.onWorker { try model.scorer.probabilities(question.context) }
            } else { [] }
        let (graph, index) = (ground.graph, ground.index)
        let context = question.context.map { graph.vocabulary[$0] }
        let patterns =
            if let model { try await centroids.ranking(context, of: model.id, graph) } else {
                CentroidService.Ranking?.none
            }
        let expected = Expected(probabilities: probabilities, patterns: patterns, rules: rules)
        let matches = index.phrases.matches(words.map(\.lexeme), excluding: question.hidden)
        let near = Neighbourhood(
            of: ground.nodes(of: question.context), index, graph.index,
            hidden: question.hidden == nil ? [] : question.answers)

        var named: Set<Int32> = []
        named.formUnion(
            matches.sorted { ($0.called, $0.like, $1.target) > ($1.called, $1.like, $0.target) }
                .prefix(Reach.phrases).map(\.target))
        named.formUnion(near.nearest.prefix(Reach.neighbours))
        named.formUnion(Self.top(Reach.tokens, probabilities))
        if let patterns {
            named.formUnion(Self.top(Reach.tokens, patterns.scores).filter { patterns.patterns[$0] != nil })
        }
        if let rules { named.formUnion(rules.top(Reach.tokens)) }
        var texts = try await evidence(question, words, ground, named, searching: true)
        let first = ground.candidates(question, texts: texts, matches: matches, expected: expected, near: near)

        let weights = model?.weights ?? .standard
        let known = Set(first.map(\.node))
        var around: Set<Int32> = []
        for hit in Formula.combined.ranking(first.map(\.evidence), weights: weights).prefix(Reach.hits) {
            let neighbours = Neighbourhood.neighbours(of: first[hit.at].node, graph.index)
            around.formUnion(neighbours.lazy.filter { !known.contains($0) }.prefix(Reach.aroundHit))
        }
        if around.isEmpty { return first }
        texts += try await evidence(question, words, ground, around, searching: false)
        return ground.candidates(question, texts: texts, matches: matches, expected: expected, near: near)
    }

    private func ruleFindings(_ context: [Int32], _ ground: SearchGround) async throws -> RuleFindings {
        guard !context.isEmpty else {
            throw Problem.badRequest(
                "rules answer from somewhere",
                remedy: "give a context of graph nodes, or of a graph node and a relation",
                field: "context")
        }
        let rules = try await models.rules.current(ground.graph)
        return try await models.onWorker { RuleFindings(context, ground, rules) }
    }

    private func evidence(
        _ question: SearchQuestion, _ words: [SearchWord], _ ground: SearchGround, _ named: Set<Int32>,
        searching: Bool
    ) async throws -> [TextEvidence] {
        let vocabulary = ground.graph.vocabulary
        let ids = named.sorted().map { vocabulary[$0] }
        let context = ground.nodes(of: question.context).map { vocabulary[$0] }
        return try await store { (store) throws(StorageError) in
            try store.evidence(
                for: question.text, words: words, nodes: vocabulary.nodeCount, ids: ids, context: context,
                searching: searching)
        }
    }

    private static func top(_ count: Int, _ probabilities: [Double]) -> ArraySlice<Int32> {
        probabilities.indices.sorted { (probabilities[$1], $0) < (probabilities[$0], $1) }.map { Int32($0) }
            .prefix(count)
    }

    // MARK: What a search stands on

    func store<Value: Sendable>(
        _ work: @escaping @Sendable (SearchStore) throws(StorageError) -> Value
    ) async throws -> Value {
        let schema = database.schema
        return try await database.query { (connection) throws(StorageError) in
            try work(SearchStore(connection, schema: schema))
        }
    }

    /// The graph as of the last change.
    func currentGround() async throws -> SearchGround {
        let age = graphs.age
        if let kept = ground.withLock({ $0 }), kept.age == age { return kept.ground }
        let graph = try await graphs.current()
        let (nodes, links) = try await store { (store) throws(StorageError) in try store.graph() }
        let fresh = SearchGround(graph: graph, index: SearchIndex(nodes: nodes, links: links, graph: graph))
        ground.withLock { $0 = (age, fresh) }
        return fresh
    }

    /// The model of an agent; without one named, the only model there is, or none.
    func model(of agent: String?, _ weights: Weights, _ ground: SearchGround) async throws -> SearchModel? {
        let name: String
        if let agent {
            name = agent
        } else {
            let agents = try await host.ask { node in node.models.compactMap { node.spec(of: $0)?.agent } }
            guard agents.count <= 1 else {
                throw Problem.conflict(
                    "the network has \(agents.count) models",
                    remedy: "name an agent: \(agents.joined(separator: ", "))",
                    code: "ambiguous_agent")
            }
            guard let only = agents.first else { return nil }
            name = only
        }
        let id = try await models.find(name)
        guard let spec = try await host.ask({ $0.spec(of: id) }) else { throw Self.gone(name) }
        let parameters: Parameters
        do {
            parameters = try await models.parameters(weights, of: id, ground.graph)
        } catch TrainingError.modelGone {
            throw Self.gone(name)
        }
        let stored = try await store { (store) throws(StorageError) in try store.weights(of: id) }
        let scorer = try ModelScorer(
            shape: spec.shape, parameters: parameters, graph: ground.graph, index: ground.index)
        return SearchModel(id: id, agent: spec.agent, scorer: scorer, weights: FeatureVector(stored))
    }

    static func gone(_ agent: String) -> Problem {
        .notFound(
            "the model of '\(agent)' was deleted meanwhile", remedy: "search without --agent, or create another model",
            code: "unknown_agent")
    }

    /// Forgets what searches kept of a deleted model.
    func forget(_ model: ModelID) async throws {
        try await store { (store) throws(StorageError) in try store.forget(model) }
    }
}

extension FeatureVector {
    /// Fitted weights; the standard ones for what was not fitted, or is no number.
    init(_ stored: StoredSearchWeights?) {
        self = .standard
        for (name, weight) in stored?.weights ?? [:] where weight.isFinite {
            if let feature = Feature(name: name) { self[feature] = weight }
        }
    }
}
