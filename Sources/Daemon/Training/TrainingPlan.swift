internal import API
internal import Graph
internal import Learning

/// What a training run is to do, with every default filled in and every range checked.
struct TrainingPlan: Sendable {
    let weights: Weights
    /// None: the site only announces the rows that it will train, or only measures what it serves.
    var rounds: Int
    /// Rounds of these that an earlier run has done.
    var firstRound = 0
    /// Steps per round; a round becomes one op, or several where one cannot hold all rows.
    let steps: Int
    /// Walks per step.
    let batch: Int
    /// Tokens that the model reads of each walk: two per edge.
    let tokens: Int
    let walks: WalkRequest
    var options: TrainingOptions
    let seed: UInt64
    /// Most token rows of one op; nil: as many as change.
    let topRows: Int?
    /// Cores that a step uses.
    var threads = 1
    /// Whether the run leaves the processor to whatever else wants it, and is measured before it begins.
    var isService = false

    /// - Parameters:
    ///   - context: tokens that the model reads at most.
    ///   - edges: of the site's graph; the usual number of steps follows from it and `nodes`.
    init(_ request: TrainRequest, context: Int, edges: Int, nodes: Int) throws(Problem) {
        weights = request.weights ?? .federated
        let usual = weights == .served ? Adaptation.rounds : StandardRecipe.rounds
        rounds = try Self.check(request.rounds ?? usual, 0...10_000, "rounds")
        steps = try Self.check(request.steps ?? StandardRecipe.steps(edges: edges, nodes: nodes), 1...10_000, "steps")
        batch = try Self.check(request.batch ?? StandardRecipe.batch, 1...4_096, "batch")
        walks = try WalkRequest(request)
        let hops = request.hops ?? walks.rule.standardHops(context)
        guard (1...context / 2).contains(hops) else {
            throw .unusable(
                "hops is \(hops)", remedy: "use 1 to \(context / 2), which this model can read", field: "hops")
        }
        tokens = 2 * hops
        seed = UInt64(try Self.check(request.seed ?? Int(StandardRecipe.seed), 0...Int.max, "seed"))
        topRows = try request.topRows.map { (rows) throws(Problem) in try Self.check(rows, 1...1 << 20, "top_rows") }
        var options = StandardRecipe.options(plannedSteps: max(rounds, 1) * steps)
        if weights == .served {
            options.learningRate *= Adaptation.peak
            options.warmupSteps = 0
        }
        if let rate = request.learningRate {
            guard (1e-9...1).contains(rate) else {
                throw .badRequest("the learning rate is \(rate)", remedy: "use 1e-9 to 1", field: "learning_rate")
            }
            options.learningRate = Float(rate)
        }
        do {
            try options.validate()
        } catch {
            throw .unusable("\(error)", field: "learning_rate")
        }
        self.options = options
    }

    private static func check(_ value: Int, _ range: ClosedRange<Int>, _ field: String) throws(Problem) -> Int {
        guard range.contains(value) else {
            throw .badRequest(
                "\(field) is \(value)", remedy: "use \(range.lowerBound) to \(range.upperBound)", field: field)
        }
        return value
    }
}
