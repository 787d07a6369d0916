/// `GET /api/models/search?query=&agent=&context=&limit=&formula=&weights=&why=&rules=`: what was found, best first.
public struct SearchReport: Codable, Sendable, Equatable {
    public struct Hit: Codable, Sendable, Equatable {
        /// Names this answer in `POST /api/models/feedback`.
        public var inference: String
        public var id: String
        /// The canonical name, and what people would call it.
        public var name: String
        public var title: String
        public var kind: String
        public var score: Double
        /// That this is what is wanted, among all candidates; nil for formulas that are not calibrated.
        public var probability: Double?
        /// What each feature added to the score; nil unless asked for.
        public var why: [String: Double]?
        /// The centroid that says most for it, if one does and the reasons were asked for.
        public var pattern: String?
        /// The best rules that speak for it, with what makes them hold, if rules and reasons were asked for.
        public var rules: [Reason]?

        public init(
            inference: String, id: String, name: String, title: String, kind: String, score: Double,
            probability: Double?, why: [String: Double]?, pattern: String? = nil, rules: [Reason]? = nil
        ) {
            self.inference = inference
            self.id = id
            self.name = name
            self.title = title
            self.kind = kind
            self.score = score
            self.probability = probability
            self.why = why
            self.pattern = pattern
            self.rules = rules
        }
    }
    public var query: String
    /// Whose model helped; nil where the network has none.
    public var agent: String?
    /// `text`, `context`, `seed` or `combined`.
    public var formula: String
    /// Graph nodes that were weighed.
    public var candidates: Int
    public var hits: [Hit]

    public init(query: String, agent: String?, formula: String, candidates: Int, hits: [Hit]) {
        self.query = query
        self.agent = agent
        self.formula = formula
        self.candidates = candidates
        self.hits = hits
    }
}

/// `POST /api/models/feedback`: this answer was the one that was wanted.
public struct FeedbackRequest: StrictDecodable, Encodable, Sendable {
    public enum CodingKeys: String, CodingKey, CaseIterable { case inference, agent }
    public static let narrowed: [CodingKeys: JSONSchema] = [
        .inference: .pattern("(-*[0-9a-fA-F]){32}-*")
    ]
    /// An id from a search or a prediction.
    public var inference: String
    /// Whose answer it was; an answer to another agent's model is refused then.
    public var agent: String?

    public init(inference: String, agent: String? = nil) {
        self.inference = inference
        self.agent = agent
    }
}

public struct FeedbackReport: Codable, Sendable, Equatable {
    public var inference: String
    /// The name of the graph node that was chosen.
    public var selected: String
    /// Whether it made an edge to train on: that takes a context.
    public var learns: Bool

    public init(inference: String, selected: String, learns: Bool) {
        self.inference = inference
        self.selected = selected
        self.learns = learns
    }
}

/// `POST /api/models/calibrate`: fits how much each feature counts to links and selections of this site.
public struct CalibrateRequest: StrictDecodable, Encodable, Sendable {
    public enum CodingKeys: String, CodingKey, CaseIterable { case agent, limit, seed }
    public static let narrowed: [CodingKeys: JSONSchema] = [
        .agent: .name, .limit: .whole(1...100_000), .seed: .int64,
    ]
    public var agent: String
    /// Most examples; drawn by `seed` where there are more.
    public var limit: Int?
    public var seed: Int?

    public init(agent: String, limit: Int? = nil, seed: Int? = nil) {
        self.agent = agent
        self.limit = limit
        self.seed = seed
    }
}

public struct CalibrationReport: Codable, Sendable, Equatable {
    public var agent: String
    /// `held-out`: links of the validation split, which the model never saw; `own`: links and selections of the graph,
    /// each left out in turn, with the weight of the model as it was, since it has seen them.
    public var source: String
    /// Questions asked, and those whose answer was among the candidates: only these can teach.
    public var questions: Int
    public var examples: Int
    /// Mean of -ln P(answer) before and after, nats; nil without examples.
    public var lossBefore: Double?
    public var lossAfter: Double?
    public var weights: [String: Double]

    public init(
        agent: String, source: String, questions: Int, examples: Int, lossBefore: Double?, lossAfter: Double?,
        weights: [String: Double]
    ) {
        self.agent = agent
        self.source = source
        self.questions = questions
        self.examples = examples
        self.lossBefore = lossBefore
        self.lossAfter = lossAfter
        self.weights = weights
    }
}

/// `POST /api/models/search/evaluate?agent=&split=`: held-out links, searched for by their texts.
public struct SearchEvaluationReport: Codable, Sendable, Equatable {
    public struct Row: Codable, Sendable, Equatable {
        /// A formula, or a variant: `any-word` is full text that asks for any word instead of all, `text-elsewhere`
        /// full text with the asking page last, `standard` is `combined` with the weights of a site that has fitted
        /// none, `no-phrases` and `no-model` are `combined` without what links say and without the model,
        /// `model` is the model's expectation alone.
        public var formula: String
        /// Nil without queries.
        public var mrr: Double?
        public var hits1: Double?
        public var hits10: Double?

        public init(formula: String, mrr: Double?, hits1: Double?, hits10: Double?) {
            self.formula = formula
            self.mrr = mrr
            self.hits1 = hits1
            self.hits10 = hits10
        }
    }
    public var agent: String
    public var split: String
    public var queries: Int
    /// Queries without a word that is not a stop word: no formula finds their answer.
    public var wordless: Int
    /// Queries whose answer was no candidate of `combined`.
    public var unfound: Int
    public var rows: [Row]
    /// What `combined` said its first hits' probability was, on average; to be compared with its `hits1`.
    public var confidence: Double?

    public init(
        agent: String, split: String, queries: Int, wordless: Int, unfound: Int, rows: [Row], confidence: Double?
    ) {
        self.agent = agent
        self.split = split
        self.queries = queries
        self.wordless = wordless
        self.unfound = unfound
        self.rows = rows
        self.confidence = confidence
    }
}

/// `POST /api/graph/holdout`: keeps links aside, for evaluations.
public struct HoldOutRequest: StrictDecodable, Encodable, Sendable {
    public enum CodingKeys: String, CodingKey, CaseIterable { case relation, valid, test, seed, restore }
    public static let narrowed: [CodingKeys: JSONSchema] = [
        .relation: .name, .valid: .real(from: .including(0), to: .including(0.5)),
        .test: .real(from: .including(0), to: .including(0.5)), .seed: .int64,
    ]
    /// Nil: every edge that came with words.
    public var relation: String?
    /// Shares, 0...0.5.
    public var valid: Double?
    public var test: Double?
    public var seed: Int?
    /// Put back first what was kept aside before.
    public var restore: Bool?

    public init(
        relation: String? = nil, valid: Double? = nil, test: Double? = nil, seed: Int? = nil, restore: Bool? = nil
    ) {
        self.relation = relation
        self.valid = valid
        self.test = test
        self.seed = seed
        self.restore = restore
    }
}

public struct HoldOutReport: Codable, Sendable, Equatable {
    /// Edges that are in the graph again.
    public var restored: Int
    /// Edges that were kept aside, and those of the same kind that stay.
    public var valid: Int
    public var test: Int
    public var left: Int

    public init(restored: Int, valid: Int, test: Int, left: Int) {
        self.restored = restored
        self.valid = valid
        self.test = test
        self.left = left
    }
}
