/// One model, as `GET /api/models` lists them and `GET /api/models/:agent/info` shows it.
public struct ModelReport: Codable, Sendable, Equatable {
    /// The id of the op that created it.
    public var id: String
    public var agent: String
    public var name: String
    public var author: String
    public var dim: Int
    public var heads: Int
    public var layers: Int
    public var context: Int
    /// Tokens of this site, and the parameters that a model over them has.
    public var vocabulary: Int
    public var parameters: Int
    /// Sites that announced rows.
    public var sites: Int
    /// The last training run at this site since its node started.
    public var training: TrainingReport?
    /// Which weights this site answers with; nil before they were measured.
    public var served: ServedReport?
    /// What the node does for it by itself.
    public var trainer: TrainerReport?
    /// The runs at this site that ended, newest first; nil where only an overview was asked for.
    public var history: [TrainingRunReport]?
    /// What this site's ops have revealed, if it protects them or ever did.
    public var privacy: PrivacyReport?
    /// How training went round by round since the node started; nil where only an overview was asked for.
    public var curves: [CurveReport]?

    public init(
        id: String, agent: String, name: String, author: String, dim: Int, heads: Int, layers: Int, context: Int,
        vocabulary: Int, parameters: Int, sites: Int, training: TrainingReport?, served: ServedReport? = nil,
        trainer: TrainerReport? = nil, history: [TrainingRunReport]? = nil, privacy: PrivacyReport? = nil,
        curves: [CurveReport]? = nil
    ) {
        self.id = id
        self.agent = agent
        self.name = name
        self.author = author
        self.dim = dim
        self.heads = heads
        self.layers = layers
        self.context = context
        self.vocabulary = vocabulary
        self.parameters = parameters
        self.sites = sites
        self.training = training
        self.served = served
        self.trainer = trainer
        self.history = history
        self.privacy = privacy
        self.curves = curves
    }
}

/// Rounds of one kind of weights at this site, oldest first.
public struct CurveReport: Codable, Sendable, Equatable {
    public struct Point: Codable, Sendable, Equatable {
        /// When the round ended, seconds since 1970.
        public var at: Double
        public var round: Int
        /// Mean training loss, nats.
        public var loss: Double
        /// MRR on the site's validation questions, where it was measured.
        public var validation: Double?

        public init(at: Double, round: Int, loss: Double, validation: Double?) {
            self.at = at
            self.round = round
            self.loss = loss
            self.validation = validation
        }
    }
    public var weights: Weights
    public var points: [Point]

    public init(weights: Weights, points: [Point]) {
        self.weights = weights
        self.points = points
    }
}

/// A training run that ended, from the table `training_runs`.
public struct TrainingRunReport: Codable, Sendable, Equatable {
    /// When it ended, seconds since 1970.
    public var endedAt: Double
    /// `done`, `stopped` or `failed`.
    public var outcome: String
    public var walks: String
    /// The ltree path that walks stayed below; nil for the whole graph.
    public var scope: String?
    /// Walks and steps that were trained on.
    public var sequences: Int
    public var steps: Int
    /// Mean loss of the last round, nats.
    public var loss: Double?
    public var seconds: Double
    public var error: String?

    public init(
        endedAt: Double, outcome: String, walks: String, scope: String?, sequences: Int, steps: Int, loss: Double?,
        seconds: Double, error: String?
    ) {
        self.endedAt = endedAt
        self.outcome = outcome
        self.walks = walks
        self.scope = scope
        self.sequences = sequences
        self.steps = steps
        self.loss = loss
        self.seconds = seconds
        self.error = error
    }
}

/// `POST /api/models`. Absent fields take the defaults of design §5.
public struct ModelCreateRequest: StrictDecodable, Encodable, Sendable {
    public enum CodingKeys: String, CodingKey, CaseIterable {
        case agent, dim, heads, layers, context, beyondDefaults
    }
    public static let narrowed: [CodingKeys: JSONSchema] = [
        .agent: .name, .dim: .whole(4...1_024), .heads: .whole(1...64), .layers: .whole(1...24),
        .context: .whole(2...1_024),
    ]
    public var agent: String
    public var dim: Int?
    public var heads: Int?
    public var layers: Int?
    public var context: Int?
    /// Accept shapes beyond dim 16-128, heads 1-8, layers 1-2, context 8-64.
    public var beyondDefaults: Bool?

    public init(
        agent: String, dim: Int? = nil, heads: Int? = nil, layers: Int? = nil, context: Int? = nil,
        beyondDefaults: Bool? = nil
    ) {
        self.beyondDefaults = beyondDefaults
        self.agent = agent
        self.dim = dim
        self.heads = heads
        self.layers = layers
        self.context = context
    }
}

/// Which weights a site asks.
public enum Weights: String, Codable, Sendable, CaseIterable, Choices {
    /// The better of the merged weights and this site's adaptation of them, as measured at home.
    case served
    /// What the network merged.
    case federated
    /// What this site trained by itself, for comparison.
    case isolated
}

/// `POST /api/models/train`; answers 202 and a job.
public struct TrainRequest: StrictDecodable, Encodable, Sendable {
    public enum CodingKeys: String, CodingKey, CaseIterable {
        case agent, weights, rounds, steps, batch, learningRate, seed, walks, hops, scope, perspectiveAgent, topRows
    }
    public static let narrowed: [CodingKeys: JSONSchema] = [
        .agent: .name, .rounds: .whole(0...10_000), .steps: .whole(1...10_000), .batch: .whole(1...4_096),
        .learningRate: .real(from: .including(1e-9), to: .including(1)), .seed: .whole(0...Int.max),
        .walks: .text(choices: ["edge", "either-way", "random", "perspective", "tree"]), .hops: .whole(1...512),
        .scope: .pattern(#"[A-Za-z0-9_]{1,255}(\.[A-Za-z0-9_]{1,255}){0,999}"#), .perspectiveAgent: .name,
        .topRows: .whole(1...1 << 20),
    ]
    public var agent: String
    /// `federated` shares what is learned; `served` adapts the merged weights to this site and keeps them at
    /// home; `isolated` trains a private copy for comparison.
    public var weights: Weights?
    /// 0 only announces the rows that the site will train, so that others count it from their first round on;
    /// with `served`, it only measures again.
    public var rounds: Int?
    /// Steps per round.
    public var steps: Int?
    /// Walks per step.
    public var batch: Int?
    public var learningRate: Double?
    public var seed: Int?
    /// `edge`, `either-way`, `random`, `perspective` or `tree`.
    public var walks: String?
    /// Edges per walk.
    public var hops: Int?
    /// An ltree path: walks stay at it and below it.
    public var scope: String?
    /// Whose perspectives weigh the steps of `perspective` walks.
    public var perspectiveAgent: String?
    /// Most token rows of one op; the others wait for the next. Absent: all rows that changed.
    public var topRows: Int?

    public init(
        agent: String, weights: Weights? = nil, rounds: Int? = nil, steps: Int? = nil, batch: Int? = nil,
        learningRate: Double? = nil, seed: Int? = nil, walks: String? = nil, hops: Int? = nil, scope: String? = nil,
        perspectiveAgent: String? = nil, topRows: Int? = nil
    ) {
        self.agent = agent
        self.weights = weights
        self.rounds = rounds
        self.steps = steps
        self.batch = batch
        self.learningRate = learningRate
        self.seed = seed
        self.walks = walks
        self.hops = hops
        self.scope = scope
        self.perspectiveAgent = perspectiveAgent
        self.topRows = topRows
    }
}

/// How a training run stands.
public struct TrainingReport: Codable, Sendable, Equatable {
    /// `waiting`, `running`, `done`, `stopped` or `failed`.
    public var state: String
    public var weights: Weights
    public var round: Int
    public var rounds: Int
    public var steps: Int
    /// Mean training loss of the last round, nats.
    public var loss: Double?
    /// MRR on the site's validation questions after the last round that measured it.
    public var validation: Double?
    /// The same before the first round, of the merged weights; measured by runs that adapt.
    public var before: Double?
    /// Steps that Adam's moments have seen, those of earlier runs included.
    public var adamSteps: Int?
    public var seconds: Double
    /// Ops signed, and the bytes of their bodies.
    public var ops: Int
    public var opBytes: Int
    public var error: String?

    public init(
        state: String, weights: Weights, round: Int, rounds: Int, steps: Int, loss: Double?, validation: Double?,
        before: Double? = nil, adamSteps: Int? = nil, seconds: Double, ops: Int, opBytes: Int, error: String?
    ) {
        self.state = state
        self.weights = weights
        self.round = round
        self.rounds = rounds
        self.steps = steps
        self.loss = loss
        self.validation = validation
        self.before = before
        self.adamSteps = adamSteps
        self.seconds = seconds
        self.ops = ops
        self.opBytes = opBytes
        self.error = error
    }
}

/// A training run under way or ended: `GET /api/jobs/:id`.
public struct JobReport: Codable, Sendable, Equatable {
    public var id: Int
    public var agent: String
    public var training: TrainingReport

    public init(id: Int, agent: String, training: TrainingReport) {
        self.id = id
        self.agent = agent
        self.training = training
    }
}

/// `POST /api/models/predict`: what follows these names?
public struct PredictRequest: StrictDecodable, Encodable, Sendable {
    public enum CodingKeys: String, CodingKey, CaseIterable { case agent, context, top, weights, withRules }
    public static let narrowed: [CodingKeys: JSONSchema] = [
        .agent: .name, .context: .some(of: .name, 1...Int.max), .top: .whole(1...1_000),
    ]
    public var agent: String
    /// Names or ids, oldest first: graph nodes and relations in turn. A relation read backwards is `^name`.
    public var context: [String]
    public var top: Int?
    public var weights: Weights?
    /// Weigh the site's rules in, and tell which speak for each answer. The context is a graph node and a relation.
    public var withRules: Bool?

    public init(
        agent: String, context: [String], top: Int? = nil, weights: Weights? = nil, withRules: Bool? = nil
    ) {
        self.withRules = withRules
        self.agent = agent
        self.context = context
        self.top = top
        self.weights = weights
    }
}

public struct PredictReport: Codable, Sendable, Equatable {
    public struct Prediction: Codable, Sendable, Equatable {
        public var id: String
        public var name: String
        public var probability: Double
        /// Whether the site's own graph says so already.
        public var known: Bool
        /// The model's score before the softmax over this site's graph nodes.
        public var logit: Double?
        /// Names this answer in `POST /api/models/feedback`.
        public var inference: String?
        /// The best rules that speak for it, with `withRules`.
        public var why: [Reason]?

        public init(
            id: String, name: String, probability: Double, known: Bool, logit: Double? = nil, inference: String? = nil,
            why: [Reason]? = nil
        ) {
            self.why = why
            self.inference = inference
            self.id = id
            self.name = name
            self.probability = probability
            self.known = known
            self.logit = logit
        }
    }
    public var agent: String
    public var weights: Weights
    public var predictions: [Prediction]

    public init(agent: String, weights: Weights, predictions: [Prediction]) {
        self.agent = agent
        self.weights = weights
        self.predictions = predictions
    }
}

/// `POST /api/models/evaluate?agent=&weights=&protocol=&split=`; the body is the filter as TSV, or
/// empty for the site's own triples.
public struct EvaluationReport: Codable, Sendable, Equatable {
    public var agent: String
    public var weights: Weights
    /// `two-sided` or `fede`.
    public var `protocol`: String
    public var split: String
    /// `own` or `given`.
    public var filter: String
    /// Nil without queries.
    public var mrr: Double?
    public var hits1: Double?
    public var hits10: Double?
    public var queries: Int
    /// Held-out triples that this site cannot be asked about, since it does not know their names.
    public var unknown: Int
    /// The filtered rank of each query, in the order of the held-out triples, if they were asked for.
    public var ranks: [Double]?
    /// With rules: how many there were, and whether validation triples gave them a voice.
    public var rules: Int?
    public var rulesHelp: Bool?

    public init(
        agent: String, weights: Weights, protocol: String, split: String, filter: String, mrr: Double?, hits1: Double?,
        hits10: Double?, queries: Int, unknown: Int, ranks: [Double]?, rules: Int? = nil, rulesHelp: Bool? = nil
    ) {
        (self.rules, self.rulesHelp) = (rules, rulesHelp)
        self.agent = agent
        self.weights = weights
        self.protocol = `protocol`
        self.split = split
        self.filter = filter
        self.mrr = mrr
        self.hits1 = hits1
        self.hits10 = hits10
        self.queries = queries
        self.unknown = unknown
        self.ranks = ranks
    }
}
