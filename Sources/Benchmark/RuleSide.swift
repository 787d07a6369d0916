internal import Graph
internal import Learning
internal import Rules

/// The rules of one site and how it answers with them.
struct RuleSide {
    let vocabulary: LocalVocabulary
    let graph: RuleGraph
    private(set) var rules: [MinedRule]

    init(_ triples: [TokenTriple], _ vocabulary: LocalVocabulary, rounds: Int, seed: UInt64, threads: Int) throws {
        self.vocabulary = vocabulary
        graph = RuleGraph(try GraphIndex(vocabulary, triples: triples))
        rules = mineRules(graph, rounds: rounds, seed: seed, threads: threads)
    }

    /// Rules that the network accepted take the place of the own ones, with the counts of all who measured.
    mutating func add(_ accepted: [MinedRule]) {
        let better = Set(accepted.map(\.rule))
        rules = (accepted + rules.filter { !better.contains($0.rule) }).sorted(by: MinedRule.isBetter)
    }

    /// Ranks of the answers: with rules alone, and with rules and the model.
    ///
    /// - Parameters:
    ///   - valid: questions that the weights of both are fitted to.
    ///   - others: how many other sites train each token of the vocabulary.
    func ask(
        _ questions: [LinkQuery], valid: [LinkQuery], others: [Int], shape: ModelShape, _ parameters: Parameters,
        threads: Int
    ) throws -> (alone: [Double], both: [Double], blend: RuleBlend) {
        let set = RuleSet(rules, for: graph)
        let nodes = Int32(vocabulary.nodeCount)
        let workers = (0..<threads).map { _ in Worker(RuleAnswerer(graph, set)) }
        func evaluated(
            _ queries: [LinkQuery], _ body: @escaping (Worker, LinkQuery, UnsafeMutableBufferPointer<Float>) -> Void
        ) throws -> [Double] {
            try evaluate(
                shape: shape, parameters: parameters, candidates: vocabulary.nodeCount, queries: queries,
                threads: threads
            ) { thread, query, scores in
                let query = queries[query]
                workers[thread].answerer.ask(query.context[0], query.context[1] - nodes)
                body(workers[thread], query, scores)
            }.ranks
        }
        _ = try evaluated(spread(valid, atMost: Self.examples)) { worker, query, scores in
            let directed = query.context[1] - nodes
            let sites = query.context.reduce(Int.max) { min($0, others[Int($1)]) }
            worker.examples.append(
                BlendExample(
                    directed: directed, answer: query.answer, others: query.filtered,
                    taught: graph.reached(from: query.context[0], along: directed), sites: sites,
                    scores: scores, worker.answerer))
        }
        let blend = RuleBlend(workers.flatMap(\.examples))
        let both = try evaluated(questions) { worker, query, scores in
            worker.alone.append(worker.answerer.rank(of: query.answer, filtered: query.filtered))
            blend.rescore(scores, worker.answerer, directed: query.context[1] - nodes)
        }
        let alone = workers.flatMap(\.alone)
        return (alone, both, blend)
    }

    private static let examples = 20_000
}

/// What belongs to one thread.
private final class Worker {
    var answerer: RuleAnswerer
    var examples: [BlendExample] = []
    /// Ranks by rules alone.
    var alone: [Double] = []

    init(_ answerer: RuleAnswerer) { self.answerer = answerer }
}
