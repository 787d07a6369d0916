import API
import Federation
import Graph
import Identity
import Learning
import Replication
import Site
import Testing
import Wire

@testable import Daemon
@testable import Peer

/// Three sites that know different relations between the same graph nodes, without a network between them.
private struct PlayedNetwork {
    struct Site {
        let graph: SiteGraph
        let probe: Probe
        let test: [LinkQuery]
        let author: PeerID
        var log: LogKey { LogKey(author: author, log: LogID(rawValue: 1)) }
    }

    /// The same on every processor: what is trained here is compared with fixed distances.
    static let kernel = KernelVariant.baseline
    static let steps = 25
    static let rounds = 40
    let sites: [Site]
    let spec: ModelSpec
    var model: MergedModel
    /// The same without anything learned.
    let untrained: MergedModel

    init() throws {
        sites = try Self.makeSites()
        let id: ModelID = blake2b256(domain: "test/model", [1])
        spec = try ModelSpec(name: "a", agent: "a", shape: ModelShape(dim: 32, heads: 4, layers: 1, context: 16))
        model = MergedModel(id: id, spec: spec)
        for site in sites {
            let announcement = try RowAnnouncement(model: id, tokens: site.graph.vocabulary.tokens.sorted())
            try model.apply(announcement, author: site.author, log: site.log.log)
        }
        untrained = model
    }

    /// The bundled triples, with every third relation at each site: what one learns, others overwrite.
    private static func makeSites() throws -> [Site] {
        let parts = #filePath.split(separator: "/").dropLast(3)
        let data = "/" + parts.joined(separator: "/") + "/Sources/DemoData/umls-shared3"
        let key = try VocabularyKey(Bytes(repeating: 7, count: 32))
        var table = TripleTable(key: key)
        for site in 0..<3 { try table.add(file: Files.read("\(data)/\(site)/train.txt", limit: 1 << 20)) }
        let relations = table.relations.map { (tokens: $0.tokens, name: String(decoding: $0.name, as: UTF8.self)) }
        let all = Set(table.triples).sorted {
            ($0.head, $0.relation, $0.tail) < ($1.head, $1.relation, $1.tail)
        }
        return try (0..<3).map { place in
            let own = relations.enumerated().filter { $0.offset % 3 == place }.map(\.element)
            let known = Set(own.map(\.tokens.forward))
            let triples = all.filter { known.contains($0.relation) }
            let split = { (rest: Int) in triples.enumerated().filter { $0.offset % 10 == rest }.map(\.element) }
            let train = triples.enumerated().filter { $0.offset % 10 > 1 }.map(\.element)
            let nodes = Set(train.flatMap { [$0.head, $0.tail] }).sorted()
            let graph = try SiteGraph(
                nodes: nodes.map { (id: $0, name: $0.hex) }, relations: own, triples: train, valid: split(0),
                test: split(1))
            let test = try HeldOutTask(
                heldOut: graph.test, filter: triples, vocabulary: graph.vocabulary, evaluation: .twoSided)
            return Site(
                graph: graph, probe: try Probe(graph),
                test: test.queries.map { LinkQuery(context: $0.context, answer: $0.answer, filtered: $0.filtered) },
                author: blake2b256(domain: "test/author", [UInt8(place)]))
        }
    }

    func plan(_ weights: Weights = .federated) throws -> TrainingPlan {
        try TrainingPlan(
            TrainRequest(
                agent: "a", weights: weights, rounds: weights == .served ? nil : Self.rounds, steps: Self.steps,
                batch: 128), context: spec.shape.context, edges: 1_000, nodes: 100)
    }

    func correcting() throws -> TrainingPlan {
        var plan = try plan()
        plan.options.learningRate *= 0.3
        plan.options.warmupSteps = 0
        plan.options.schedule = .constant
        return plan
    }

    mutating func bench(_ site: Int, _ plan: TrainingPlan, after earlier: Workbench? = nil) throws -> Workbench {
        try Workbench(
            spec: spec, graph: sites[site].graph, plan: plan, site: sites[site].author, start: weights(site),
            saved: earlier?.state(at: .init(log: LogID(rawValue: 1), seq: 1)), kernel: Self.kernel)
    }

    mutating func weights(_ site: Int) -> Parameters { model.parameters(tokens: sites[site].graph.vocabulary.tokens) }

    /// A round of each of these sites at the same time.
    mutating func round(_ benches: [(site: Int, bench: Workbench)]) throws {
        var deltas: [(site: Int, delta: Delta)] = []
        for (site, bench) in benches {
            let log = sites[site].log
            let tokens = sites[site].graph.vocabulary.tokens
            let base = Node.RoundBase(
                spec: spec, parameters: weights(site), log: log, unannounced: [],
                shares: try model.owners.shares(of: tokens, in: .init(author: log.author, log: log.log)), sites: 3)
            _ = try bench.train(from: base)
            for delta in try bench.seal(from: base, model: model.id, damping: 1) { deltas.append((site, delta)) }
            bench.commit()
        }
        for (site, delta) in deltas {
            try model.apply(delta, author: sites[site].author, log: sites[site].log.log)
        }
    }

    func mrr(_ site: Int, _ parameters: Parameters) throws -> Double {
        try evaluate(
            shape: spec.shape, parameters: parameters, candidates: sites[site].graph.vocabulary.nodeCount,
            queries: sites[site].test, kernel: Self.kernel
        ).mrr ?? 0
    }

    /// The best of as many rounds that nobody else takes part in.
    func isolated(_ site: Int) throws -> Double {
        var start = untrained
        let own = sites[site]
        let bench = try Workbench(
            spec: spec, graph: own.graph, plan: try plan(.isolated), site: own.author,
            start: start.parameters(tokens: own.graph.vocabulary.tokens), saved: nil, kernel: Self.kernel)
        var best = (valid: -1.0, test: 0.0)
        for _ in 0..<Self.rounds {
            _ = try bench.steps()
            let valid = try bench.validate(own.probe) ?? 0
            if valid > best.valid { best = (valid, try mrr(site, bench.parameters)) }
        }
        return best.test
    }

    /// What the site would answer with after adapting.
    mutating func served(_ site: Int, after earlier: Workbench) throws -> Double {
        let bench = try bench(site, try plan(.served), after: earlier)
        let merged = weights(site)
        let others = sites[site].graph.vocabulary.tokens.map { model.owners.owners(of: $0) > 1 }
        let before = try bench.score(sites[site].probe, others: others)
        var adaptation = Adaptation()
        for _ in 0..<Adaptation.rounds where !adaptation.isOver {
            _ = try bench.steps()
            adaptation.completed(
                try bench.score(sites[site].probe, others: others).gain(over: before),
                SavedWeights(tokens: sites[site].graph.vocabulary.tokens, parameters: bench.parameters))
        }
        return try mrr(site, adaptation.best.map(\.weights.parameters) ?? merged)
    }
}

@Suite struct SkewTests {
    @Test
    func `a site that ends before others begin falls, and corrections by all and its adaptation each bring it back`()
        throws
    {
        var network = try PlayedNetwork()
        let isolated = try (0..<3).map { try network.isolated($0) }
        let early = try network.bench(0, try network.plan())
        for _ in 0..<PlayedNetwork.rounds { try network.round([(0, early)]) }
        let late = try (1..<3).map { (site: $0, bench: try network.bench($0, try network.plan())) }
        for _ in 0..<PlayedNetwork.rounds { try network.round(late) }

        let fallen = try network.mrr(0, network.weights(0))
        #expect(fallen < isolated[0] - 0.1, "this is what the rest is for: \(fallen), alone \(isolated[0])")
        let benches = [early] + late.map(\.bench)
        for site in 0..<3 {
            let served = try network.served(site, after: benches[site])
            #expect(served > isolated[site] - 0.04, "site \(site) serves \(served), alone \(isolated[site])")
        }

        let correcting = try (0..<3).map {
            (site: $0, bench: try network.bench($0, try network.correcting(), after: benches[$0]))
        }
        for _ in 0..<2 * PlayedNetwork.rounds { try network.round(correcting) }
        for site in 0..<3 {
            let federated = try network.mrr(site, network.weights(site))
            #expect(federated > isolated[site] - 0.04, "site \(site): \(federated), alone \(isolated[site])")
        }
    }
}
