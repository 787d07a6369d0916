internal import Federation
internal import Graph
public import Learning
internal import Wire

/// How the valuation of claims is tried out.
public struct ValuationPlan: Sendable {
    public var shape: ModelShape
    /// Rounds that the schedule of each training is made for; claims are measured in the first half.
    public var rounds = StandardRecipe.rounds
    /// Rounds that one claim is about, one op each.
    public var range = 3
    /// The first round in which a poisoner may begin. Before it, a model that knows nothing learns something even
    /// from lies: which relations there are, and how many answers they have.
    public var poisonFrom = 4
    /// Questions that an elector holds out, at most.
    public var questions = 500
    public var seeds: ClosedRange<UInt64> = 1...100

    public init(shape: ModelShape) { self.shape = shape }

    /// A node's recipe.
    var training: QualityPlan {
        var plan = QualityPlan(shape: shape)
        plan.rounds = rounds
        return plan
    }
}

/// Trains sites together and has a claim of one of them measured by the others, honest and poisoned.
///
/// Each seed is a training of its own: starting values, walks, who claims, and when. From one state of it the claimed
/// rounds are trained once for each conduct, while the other sites go on honestly and build on what they hear.
public final class ValuationRun {
    private let data: QualityData
    private let plan: ValuationPlan
    /// Each site's held-out questions; only what the site itself knows counts as true.
    private let questions: [[LinkQuery]]

    /// - Throws: ``BenchmarkError`` for data with fewer than two sites that learn.
    public init(_ data: QualityData, _ plan: ValuationPlan) throws {
        guard data.sites.count(where: \.learns) > 1 else { throw BenchmarkError.nothingToLearn(data.name) }
        precondition(
            plan.range >= 1 && plan.rounds / 2 - plan.range >= plan.poisonFrom, "a claim lies in the first half")
        self.data = data
        self.plan = plan
        questions = try data.sites.map {
            let own = $0.train + $0.valid + $0.test
            return spread(try data.queries($0.valid, filter: own, over: $0.vocabulary), atMost: plan.questions)
        }
    }

    /// - Parameter tell: called after each seed with how many are done; throwing ends the run.
    public func run(tell: (Int) throws -> Void) throws -> ValuationReport {
        var trials: [ValuationTrial] = []
        for (index, seed) in plan.seeds.enumerated() {
            trials += try run(seed: seed)
            try tell(index + 1)
        }
        return ValuationReport(data, plan, questions: questions.map(\.count), trials)
    }

    func run(seed: UInt64) throws -> [ValuationTrial] {
        var random = Random(seed: seed)
        let learning = data.sites.indices.filter { data.sites[$0].learns }
        let claimant = learning[random.below(learning.count)]
        let latest = plan.rounds / 2 - plan.range
        let honestFrom = random.below(latest + 1)
        let poisonFrom = plan.poisonFrom + random.below(latest - plan.poisonFrom + 1)
        let trunk = try JointTraining(data, plan.training, seed: seed)
        var trials: [ValuationTrial] = []
        for (begin, conducts) in [(honestFrom, [Conduct.honest]), (poisonFrom, Conduct.poisons)]
            .sorted(by: { $0.0 < $1.0 })
        {
            while trunk.round < begin { _ = try trunk.train() }
            let state = try trunk.saved()
            for conduct in conducts {
                trials.append(try trial(seed, claimant, conduct, from: state, learning))
            }
        }
        return trials
    }

    private func trial(
        _ seed: UInt64, _ claimant: Int, _ conduct: Conduct, from state: SavedJoint, _ learning: [Int]
    ) throws -> ValuationTrial {
        let training = try JointTraining(data, plan.training, seed: seed)
        try training.resume(state)
        var deltas: [[Delta]] = learning.map { _ in [] }
        for _ in 0..<plan.range {
            _ = try training.train { $0 == claimant ? conduct : .honest }
            for index in learning.indices { deltas[index] += try training.latest[index].map { try Delta(body: $0) } }
        }
        let merged = training.sites[claimant].merged
        let claimed = deltas[learning.firstIndex(of: claimant)!]
        let electors = learning.filter { $0 != claimant }
        let gains = try electors.map {
            try valuation(of: $0).gain(of: claimed, by: JointSite.log(claimant), in: merged)
        }
        let shares = try shapley(merged, deltas, learning, seed)
        return ValuationTrial(
            conduct: conduct, round: state.round + plan.range, gains: gains.map { $0?.microNats },
            raw: gains.map { $0?.rawMicroNats }, share: shares[learning.firstIndex(of: claimant)!],
            others: learning.indices.filter { learning[$0] != claimant }.map { shares[$0] })
    }

    private func valuation(of site: Int) -> Valuation {
        let vocabulary = data.sites[site].vocabulary
        return Valuation(tokens: vocabulary.tokens, candidates: vocabulary.nodeCount, queries: questions[site])
    }

    /// Each site's share in what all claims of these rounds together are worth, mean over the sites' questions.
    private func shapley(
        _ merged: MergedModel, _ deltas: [[Delta]], _ learning: [Int], _ seed: UInt64
    ) throws -> [Double] {
        let valuations = learning.map { valuation(of: $0) }
        return try ShapleyShares.compute(players: learning.count, seed: seed) { (present) throws -> Double in
            var model = merged
            for (index, site) in learning.enumerated() where present & 1 << UInt64(index) == 0 {
                model = try model.without(deltas[index], log: JointSite.log(site))
            }
            var (sum, count) = (0.0, 0)
            for valuation in valuations {
                let losses = try valuation.losses(&model)
                sum -= losses.reduce(0, +)
                count += losses.count
            }
            return sum / Double(max(count, 1)) * 1e6
        }.shares
    }
}
