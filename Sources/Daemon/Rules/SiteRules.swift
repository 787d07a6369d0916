internal import API
internal import Graph
internal import Identity
internal import Learning
internal import Rules
internal import Synchronization
internal import Wire

/// What mining found in one state of the site's graph.
final class MinedRules: Sendable {
    let graph: RuleGraph
    /// Best first.
    let rules: [MinedRule]
    let report: MineReport
    private let state: GraphState

    /// Mines until time is up.
    init(
        _ site: SiteGraph, _ graph: RuleGraph, seconds: Double, rounds: Int, seed: UInt64, isStopping: () -> Bool
    ) {
        (self.graph, state) = (graph, GraphState(site))
        let clock = ContinuousClock()
        let start = clock.now
        var miner = RuleMiner(graph, seed: seed)
        miner.mine(rounds: rounds) { (clock.now - start).seconds >= seconds || isStopping() }
        let rules = miner.rules
        self.rules = rules
        report = MineReport(
            rules: rules.count,
            paths: (1...3).map { length in rules.count { $0.rule.form == .path && $0.rule.length == length } },
            constants: rules.count { $0.rule.form != .path }, rounds: miner.miners.map(\.steps).min() ?? 0,
            seconds: (clock.now - start).seconds)
    }

    /// Whether they were mined from this graph.
    func isOf(_ site: SiteGraph) -> Bool { state == GraphState(site) }
}

/// Tells one state of a site's graph from another: an import makes new ones, with other edges.
struct GraphState: Equatable {
    private let vocabulary: LocalVocabulary
    private let edges: Int

    init(_ site: SiteGraph) { (vocabulary, edges) = (site.vocabulary, site.index.edgeCount) }
}

/// The rules of one state of the site's graph, the network's among them, and how much they count beside each model.
final class SiteRules: Sendable {
    let mined: MinedRules
    let graph: RuleGraph
    let set: RuleSet
    /// What the network has accepted of the rules that this graph can read.
    let certified: Set<Rule>
    /// The proposals that these rules took in.
    let accepted: [OpID]
    private let vocabulary: LocalVocabulary
    private let blends = Mutex<[BlendKey: FittedBlend]>([:])

    /// Validation questions that weights are fitted to: more than enough for five numbers.
    private static let examples = 2_000
    private static let reasons = 3

    /// Rules that a quorum has verified take the place of the own ones, with the counts of all who measured.
    init(_ site: SiteGraph, _ mined: MinedRules, accepted: [ProposedPattern], own: PeerID) {
        (self.mined, graph, vocabulary) = (mined, mined.graph, site.vocabulary)
        var counts: [Rule: RuleCounts] = [:]
        for pattern in accepted {
            guard case .accepted(let hits, let trials, _)? = pattern.outcome,
                let rule = pattern.proposal.pattern.rule?.rule(in: site.vocabulary)
            else { continue }
            // A proposer measures nothing for the network, but knows what it knows.
            let mine = pattern.author == own ? pattern.proposal.counts : RuleCounts(body: 0, support: 0)
            counts[rule] = RuleCounts(body: Int(trials) + mine.body, support: Int(hits) + mine.support)
        }
        let rules = counts.map { MinedRule($0.key, $0.value) } + mined.rules.filter { counts[$0.rule] == nil }
        set = RuleSet(counts.isEmpty ? mined.rules : rules.sorted(by: MinedRule.isBetter), for: mined.graph)
        certified = Set(counts.keys)
        self.accepted = accepted.map(\.op)
    }

    func report(_ mined: MinedRule, _ words: RuleWords) -> RuleReport {
        words.report(mined, isCertified: certified.contains(mined.rule))
    }

    /// What was fitted last, to whichever state of the weights.
    func kept(_ key: BlendKey) -> FittedBlend? { blends.withLock { $0[key] } }

    /// What rules count beside a model: fitted to the site's validation triples, and kept.
    ///
    /// - Parameter others: how many others have taught the weights each token of the vocabulary.
    @discardableResult
    func fit(
        _ key: BlendKey, _ shape: ModelShape, _ parameters: Parameters, _ site: SiteGraph, others: [Int]
    ) throws -> RuleBlend {
        let task = try HeldOutTask(
            heldOut: site.valid, filter: site.triples + site.valid, vocabulary: vocabulary, evaluation: .twoSided)
        let stride = max(1, task.queries.count / Self.examples)
        let queries = Swift.stride(from: 0, to: task.queries.count, by: stride).map {
            LinkQuery(
                context: task.queries[$0].context, answer: task.queries[$0].answer,
                filtered: task.queries[$0].filtered)
        }
        let worker = Answering(RuleAnswerer(graph, set))
        _ = try evaluate(
            shape: shape, parameters: parameters, candidates: vocabulary.nodeCount, queries: queries
        ) { _, at, scores in
            let query = queries[at]
            let directed = self.directed(query.context)
            worker.answerer.ask(query.context[0], directed)
            let sites = query.context.reduce(Int.max) { min($0, others[Int($1)]) }
            worker.examples.append(
                BlendExample(
                    directed: directed, answer: query.answer, others: query.filtered,
                    taught: self.graph.reached(from: query.context[0], along: directed), sites: sites,
                    scores: scores, worker.answerer))
        }
        let blend = RuleBlend(worker.examples)
        blends.withLock { $0[key] = FittedBlend(blend: blend, weights: WeightsSketch(parameters)) }
        return blend
    }

    /// For ``Learning/evaluate(shape:parameters:candidates:queries:threads:kernel:rescore:)`` on one thread.
    func rescorer(
        _ queries: [LinkQuery], _ blend: RuleBlend
    ) -> (Int, Int, UnsafeMutableBufferPointer<Float>) -> Void {
        let worker = Answering(RuleAnswerer(graph, set))
        return { [self] _, at, scores in
            let directed = directed(queries[at].context)
            worker.answerer.ask(queries[at].context[0], directed)
            blend.rescore(scores, worker.answerer, directed: directed)
        }
    }

    /// Logits with what the rules say about the last two tokens of a context.
    func rescored(_ logits: [Float], _ context: [Int32], _ blend: RuleBlend) -> ([Float], RuleAnswerer) {
        var (logits, answerer) = (logits, RuleAnswerer(graph, set))
        let directed = directed(context.suffix(2))
        answerer.ask(context[context.count - 2], directed)
        logits.withUnsafeMutableBufferPointer { blend.rescore($0, answerer, directed: directed) }
        return (logits, answerer)
    }

    private func directed(_ context: some Collection<Int32>) -> Int32 {
        context[context.index(context.startIndex, offsetBy: 1)] - Int32(vocabulary.nodeCount)
    }

    /// The best rules that speak for an answer, with what makes them hold.
    func reasons(for answer: Int32, _ context: [Int32], _ answerer: RuleAnswerer, _ site: SiteGraph) -> [Reason] {
        guard let slot = answerer.slot(of: answer) else { return [] }
        let words = RuleWords(site)
        let x = context[context.count - 2]
        return answerer.rules(ofCandidateAt: slot).prefix(Self.reasons).map { number in
            Reason(
                rule: report(set.rules[Int(number)], words),
                grounding: answerer.grounding(number, x, directed(context.suffix(2)), answer)
                    .map { site.name(of: vocabulary[$0]) })
        }
    }
}

/// What one evaluation writes into.
private final class Answering {
    var answerer: RuleAnswerer
    var examples: [BlendExample] = []

    init(_ answerer: RuleAnswerer) { self.answerer = answerer }
}
