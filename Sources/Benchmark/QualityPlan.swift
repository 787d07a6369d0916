public import Federation
internal import Graph
public import Learning
internal import Wire

/// How the models of a quality benchmark are trained.
public struct QualityPlan: Sendable {
    /// What is trained and compared.
    public enum Arm: String, Sendable, CaseIterable, Codable {
        /// Each site on its own triples.
        case isolated
        /// All sites, by deltas.
        case federated
        /// One model on the triples of all.
        case pooled
    }

    /// Which held-out triples are asked about.
    public enum Asked: String, Sendable, CaseIterable, Codable {
        case test
        /// To choose settings by, so that test triples stay unseen.
        case valid
    }

    public var shape: ModelShape
    public var rounds = StandardRecipe.rounds
    /// Steps of a site per round; nil: as its graph asks for (`StandardRecipe.steps`). A pooled round has as many as
    /// all sites make together.
    public var steps: Int?
    /// Walks per step.
    public var batch = StandardRecipe.batch
    /// Edges per walk.
    public var hops = StandardRecipe.hops
    /// Ask each question for all its known answers, as nodes do; else for the walk's own step alone.
    public var allAnswers = true
    /// The schedule is set by each training for the steps that it plans.
    public var options = TrainingOptions()
    public var rateFloor = StandardRecipe.rateFloor
    /// Most token rows of one delta; nil: all that changed.
    public var topRows: Int?
    /// Bits of each value of a delta that wait for later rounds, 0 to 6.
    public var coarseness = RoundBuilder.coarsest
    /// Share of the merged weights' last move that a site's round begins beyond them.
    public var lookahead = Lookahead.share
    /// What every site does to its changes before it sends them.
    public var privacy = PrivacyPolicy.off
    /// Rounds that a delta is on its way to the other sites.
    public var delay = 0
    /// Rounds between two measurements on validation triples, which choose the weights of a model that stands alone.
    public var measureEvery = 1
    /// Validation questions at most, spread evenly.
    public var validationLimit = 4_000
    public var seeds: [UInt64] = [1, 2, 3]
    public var arms: [Arm] = Arm.allCases
    /// The questions that the sites are asked.
    public var asked = Asked.test
    public var threads = 1
    /// Steps of mining for each relation; nil: without rules.
    public var ruleRounds: Int?
    /// Rules that a site proposes to the others, at most.
    public var ruleProposals = 400

    public init(shape: ModelShape) {
        self.shape = shape
        options.labelSmoothing = StandardRecipe.labelSmoothing
    }

    /// Steps per round of a site.
    func steps(of site: QualityData.Site) -> Int {
        steps ?? StandardRecipe.steps(edges: site.train.count, nodes: site.vocabulary.nodeCount)
    }

    /// The tokens of a site that others may see, in the order of its vocabulary.
    func shared(_ vocabulary: LocalVocabulary, _ graph: GraphIndex) -> [TokenID] {
        let edges = graph.edgesPerToken()
        return vocabulary.tokens.enumerated().filter { edges[$0.offset] >= privacy.minEdges }.map(\.element)
    }

    /// The options of a training of so many steps.
    func options(plannedSteps: Int) -> TrainingOptions {
        var options = options
        options.schedule = .cosine(plannedSteps: plannedSteps, floor: rateFloor)
        return options
    }
}
