internal import Graph
internal import Learning
internal import Rules
internal import Wire

extension QualityRun {
    /// Rules are measured beside the model that a site would answer with.
    func usesRules(_ stage: Stage) -> Bool {
        plan.ruleRounds != nil && stage.arm == (data.sites.count > 1 ? .federated : .pooled)
    }

    func isDone(_ stage: Stage) -> Bool {
        checkpoint.ranks(of: stage) != nil
            && (!usesRules(stage) || checkpoint.ranks(of: stage, with: rulesAndModel) != nil)
    }

    private var rulesAlone: String { "rules \(plan.ruleRounds ?? 0)" }
    private var rulesAndModel: String { "rules \(plan.ruleRounds ?? 0) and model" }

    /// Mines at every site, lets the sites verify each other's best rules, and asks the test questions.
    func measureRules(_ stage: Stage, _ parameters: (Int) -> Parameters) throws {
        let clock = ContinuousClock()
        let start = clock.now
        var sides = try data.sites.enumerated().map { place, site in
            try RuleSide(
                site.train, site.vocabulary, rounds: plan.ruleRounds ?? 0, seed: Seeds.own(stage.seed, place),
                threads: plan.threads)
        }
        let elapsed = clock.now - start
        var exchange = RuleExchange.verify(&sides, proposals: plan.ruleProposals)
        exchange.miningSeconds = Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) * 1e-18
        exchanges.append(exchange)
        var (alone, both): ([[Double]], [[Double]]) = ([], [])
        for (place, site) in data.sites.enumerated() {
            // What a site may know when it calibrates: its own triples, without those that it is asked about.
            let heldOut = plan.asked == .test ? site.valid : site.test
            let valid = try data.queries(heldOut, filter: site.train + heldOut, over: site.vocabulary)
            let ranks = try sides[place].ask(
                questions[place], valid: valid, others: othersTrain(place), shape: plan.shape, parameters(place),
                threads: plan.threads)
            alone.append(ranks.alone)
            both.append(ranks.both)
        }
        try checkpoint.add(alone, of: stage, with: rulesAlone)
        try checkpoint.add(both, of: stage, with: rulesAndModel)
    }

    /// How many other sites train each token of a site's vocabulary.
    private func othersTrain(_ place: Int) -> [Int] {
        var sites: [TokenID: Int] = [:]
        for other in data.sites.indices where other != place && data.sites[other].learns {
            for token in data.sites[other].vocabulary.tokens { sites[token, default: 0] += 1 }
        }
        return data.sites[place].vocabulary.tokens.map { sites[$0] ?? 0 }
    }

    func rulesReport() -> QualityReport.RulesReport? {
        let stages = stages.filter(usesRules)
        guard let arm = stages.first?.arm else { return nil }
        let alone = stages.compactMap { checkpoint.ranks(of: $0, with: rulesAlone) }
        let both = stages.compactMap { checkpoint.ranks(of: $0, with: rulesAndModel) }
        let model = stages.compactMap { checkpoint.ranks(of: $0) }
        func all(_ ranks: [[[Double]]]) -> [[Double]] { ranks.map { $0.flatMap { $0 } } }
        func at(_ place: Int, _ ranks: [[[Double]]]) -> [[Double]] { ranks.map { $0[place] } }
        return QualityReport.RulesReport(
            arm: arm, alone: .init(all(alone)), model: .init(all(model)), both: .init(all(both)),
            gain: .init(all(both), over: all(model)),
            sites: data.sites.enumerated().map { place, site in
                .init(
                    name: site.name, alone: .init(at(place, alone)), model: .init(at(place, model)),
                    both: .init(at(place, both)), gain: .init(at(place, both), over: at(place, model)))
            },
            exchanges: exchanges)
    }
}

/// Sites that verify each other's rules, by the bytes that travel.
enum RuleExchange {
    /// Each site proposes its best rules, the others measure, and what is accepted joins every site's rules.
    static func verify(_ sides: inout [RuleSide], proposals: Int) -> QualityReport.Exchange {
        var outcome = QualityReport.Exchange(
            mined: sides.reduce(0) { $0 + $1.rules.count }, miningSeconds: 0, proposed: 0, accepted: 0, rejected: 0,
            undecided: 0)
        guard sides.count > 1 else { return outcome }
        var measures = sides.map { RuleMeasure($0.graph) }
        var known: Set<RulePattern> = []
        var accepted: [(pattern: RulePattern, counts: RuleCounts)] = []
        for (proposer, side) in sides.enumerated() {
            for mined in side.proposals(proposals) {
                let pattern = travelled(RulePattern(mined.rule, side.vocabulary))
                guard known.insert(pattern).inserted else { continue }
                outcome.proposed += 1
                let others = sides.indices.filter { $0 != proposer }
                let measurements = others.map {
                    measures[$0].measure(pattern.rule(in: sides[$0].vocabulary), seed: 1)
                }
                switch PatternVerdict(measurements, members: sides.count) {
                case .accepted(let pooled):
                    outcome.accepted += 1
                    let own = mined.counts
                    accepted.append(
                        (pattern, RuleCounts(body: pooled.body + own.body, support: pooled.support + own.support)))
                case .rejected: outcome.rejected += 1
                case .undecided: outcome.undecided += 1
                }
            }
        }
        for place in sides.indices {
            sides[place].add(
                accepted.compactMap { pattern, counts in
                    pattern.rule(in: sides[place].vocabulary).map { MinedRule($0, counts) }
                })
        }
        return outcome
    }

    /// Through the encoding.
    private static func travelled(_ pattern: RulePattern) -> RulePattern {
        var encoder = CBOREncoder()
        pattern.encode(into: &encoder)
        var decoder = CBORDecoder(encoder.bytes)
        return try! RulePattern(&decoder)
    }
}

extension RuleSide {
    /// The best paths and the best rules with a constant, as many of each.
    func proposals(_ count: Int) -> [MinedRule] {
        Array(rules.filter { $0.rule.form == .path }.prefix(count / 2))
            + Array(rules.filter { $0.rule.form != .path }.prefix(count / 2))
    }
}
