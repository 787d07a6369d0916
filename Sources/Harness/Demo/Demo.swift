internal import API
internal import FoundationEssentials
internal import Glibc
internal import Learning
public import Terminal
internal import Wire

/// A whole network on this machine that learns one model from private graphs: real processes, real sockets,
/// a database each.
///
/// ```
/// start nodes ─▶ import graphs ─▶ model, announced rows ─▶ train alone ─▶ train together
///                                        ─▶ equal state ─▶ measure ─▶ show ─▶ run on, or stop
/// ```
public struct Demo: Sendable {
    private let options: DemoOptions
    private let dataset: Dataset
    private let view: DemoView
    private let start: ContinuousClock.Instant

    /// How long ops may take to reach everybody.
    private static let spreadPatience = Duration.seconds(60)
    private static let lookPause = Duration.milliseconds(500)

    /// Runs a demo to its end; what was started is stopped however that comes.
    ///
    /// - Returns: `no` if the sites did not come to the same state.
    public static func run(_ options: DemoOptions, console: Console) async throws -> ExitCode {
        let start = ContinuousClock.now
        let all = try options.data.map { path throws(Failure) in try Dataset.folder(path) } ?? Dataset.bundled()
        let demo = Demo(
            options: options, dataset: try all.prefix(options.sites), view: DemoView(console: console), start: start)
        return try await Interruption.guarding { try await demo.run($0) }
    }

    private func run(_ interruption: Interruption) async throws -> ExitCode {
        view.begin(dataset, isBundled: options.data == nil)
        let isTemporary = options.directory == nil
        let directory = try options.directory ?? Self.temporaryDirectory()
        let cluster: Cluster
        do {
            cluster = try Cluster(
                making: .init(
                    network: options.data == nil ? "hospitals" : "demo", names: dataset.sites.map(\.name),
                    binary: options.binary), in: directory)
        } catch {
            if isTemporary { try? FileManager.default.removeItem(atPath: directory) }
            throw error
        }
        let outcome: Result<ExitCode, any Error>
        do {
            outcome = .success(try await learnAndShow(cluster))
        } catch {
            outcome = .failure(error)
        }
        try await stop(cluster, keepingFiles: !isTemporary, interruption)
        return try outcome.get()
    }

    private func learnAndShow(_ cluster: Cluster) async throws -> ExitCode {
        let sites = try await prepare(cluster)
        let rounds = try await learn(sites)
        let report = try await measure(sites, rounds)
        if options.json {
            view.console.print(String(decoding: try JSON.encode(report), as: UTF8.self))
        } else {
            view.show(report)
        }
        guard !options.exits else { return report.digestsEqual ? .done : .no }
        if !options.json {
            let example = report.examples.first
            view.suggest(
                cluster, sites.first { $0.name == example?.site } ?? sites.first, command: options.command,
                example: example)
        }
        await Self.runOn(cluster)
        return report.digestsEqual ? .done : .no
    }

    /// Until somebody stops the demo, or its cluster is taken down by another command.
    private static func runOn(_ cluster: Cluster) async {
        while !Task.isCancelled, let nodes = try? cluster.nodes, !nodes.isEmpty {
            try? await Task.sleep(for: .seconds(1))
        }
    }

    private func stop(_ cluster: Cluster, keepingFiles: Bool, _ interruption: Interruption) async throws {
        guard (try? cluster.nodes) != nil else { return }
        let row = LiveRegion(view.console)
        let line = row.row("stop")
        line.status("the nodes and their databases")
        let before = interruption.count
        do {
            try await cluster.down(keepingFiles: keepingFiles) { interruption.count > max(before, 1) }
            line.finish("nothing is left running")
        } catch {
            line.fail("\(error)")
            row.close()
            throw error
        }
        row.close()
    }

    private static func temporaryDirectory() throws(Failure) -> String {
        // Root's PostgreSQL runs as another user, who must be able to get there.
        let isRoot = geteuid() == 0
        let base = isRoot ? "/tmp" : getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        var template = Array("\(base)/shoal-demo-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw Failure(
                "demo", base, String(cString: strerror(errno)), remedy: "Choose a place with --dir", exit: .unreachable)
        }
        let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        if isRoot { chmod(path, 0o711) }
        return path
    }
}

// MARK: Stages

extension Demo {
    /// Running nodes with their graphs, and a model that every site knows and announced its rows for.
    private func prepare(_ cluster: Cluster) async throws -> [DemoSite] {
        try await LiveRegion.show(on: view.console) { region in
            let nodes = region.row("nodes")
            nodes.status("keys, network file, \(DemoView.counted(dataset.sites.count, "PostgreSQL server"))")
            let ready = Counter()
            let count = dataset.sites.count
            try await cluster.up { _, step in
                if case .ready = step { nodes.progress(ready.next(), of: count, .count("nodes")) }
            }
            nodes.finish("\(DemoView.counted(count, "node")), each with a PostgreSQL of its own")

            let running = try cluster.nodes
            let sites = try zip(dataset.sites, running).map { try DemoSite(data: $0, node: $1) }
            let graphs = region.row("graphs")
            graphs.status("importing")
            _ = try await forEach(sites, atMost: Cluster.cores) { try await $0.importGraph() }
            let facts = sites.map { Format.count($0.data.facts(.train).count) }
            graphs.finish(
                count <= 4
                    ? zip(sites, facts).map { "\($0.name) \($1) facts" }.joined(separator: ", ")
                    : "\(DemoView.counted(dataset.sites.reduce(0) { $0 + $1.facts(.train).count }, "fact")) in all")
            let model = region.row("model")
            try await shareModel(sites, model)
            return sites
        }
    }

    /// Creates the model at the first site, and lets every site tell which rows it will train: the first
    /// round of each is then scaled by the true number of owners.
    private func shareModel(_ sites: [DemoSite], _ row: LiveRow) async throws {
        row.status("created at \(sites[0].name), on its way to the others")
        let created = try await sites[0].createModel(dim: options.dim)
        try await everywhere(sites, "the model reaches every site") { try await $0.model()?.id == created.id }
        let learners = sites.filter(\.data.learns)
        row.status("every site tells which rows it will train")
        _ = try await forEach(learners, atMost: learners.count) {
            try await $0.train(TrainRequest(agent: DemoSite.agent, weights: .federated, rounds: 0))
        }
        try await everywhere(sites, "the announcements reach every site") {
            try await $0.model()?.sites ?? 0 >= learners.count
        }
        let shape = "\(created.layers) layer\(created.layers == 1 ? "" : "s") of width \(created.dim)"
        row.finish("a transformer, \(shape); every site knows it")
    }

    private func everywhere(
        _ sites: [DemoSite], _ what: String, _ holds: @escaping @Sendable (DemoSite) async throws -> Bool
    ) async throws {
        for site in sites {
            guard try await Patience.poll(for: Self.spreadPatience, every: .milliseconds(50), { try await holds(site) })
            else {
                throw Failure(
                    "demo", site.name, "it takes more than \(Format.duration(Self.spreadPatience)) until \(what)",
                    remedy: "Look into \(site.node.outputPath)")
            }
        }
    }

    /// What each site's federated training came to.
    private func learn(_ sites: [DemoSite]) async throws -> [TrainingReport?] {
        let rounds = options.rounds ?? StandardRecipe.rounds
        let plan = "\(rounds) rounds of \(options.steps ?? StandardRecipe.steps) steps"
        view.heading("Alone: \(plan), each site on its own facts.")
        try await LiveRegion.show(on: view.console) { region in
            let rows = sites.map { region.row($0.name) }
            for row in rows { view.wait(row, "waiting for a free core") }
            _ = try await forEach(Array(zip(sites, rows)), atMost: Cluster.cores) { site, row in
                try await train(site, .isolated, row)
            }
        }
        view.heading("Together: the same, and each round's change of weights goes to all, signed.")
        return try await LiveRegion.show(on: view.console) { region in
            let rows = sites.map { region.row($0.name) }
            let exchange = view.exchangeRows(sites, in: region)
            let watch = Task {
                while !Task.isCancelled {
                    for (site, row) in zip(sites, exchange) {
                        if let status = try? await site.status() {
                            row.status(DemoView.exchange(status, at: site, of: sites))
                        }
                    }
                    try await Task.sleep(for: Self.lookPause)
                }
            }
            defer { watch.cancel() }
            let trained = try await forEach(Array(zip(sites, rows)), atMost: sites.count) { site, row in
                try await train(site, .federated, row)
            }
            let agreement = region.row("state")
            let status = try await agreed(sites, agreement)
            watch.cancel()
            for (place, row) in exchange.enumerated() {
                row.finish(DemoView.exchange(status[place], at: sites[place], of: sites))
            }
            return trained
        }
    }

    private func train(_ site: DemoSite, _ weights: Weights, _ row: LiveRow) async throws -> TrainingReport? {
        guard site.data.learns else {
            row.finish("no fact to learn from: it only relays, merges and serves")
            return nil
        }
        let request = TrainRequest(
            agent: DemoSite.agent, weights: weights, rounds: options.rounds, steps: options.steps, seed: options.seed)
        return try await site.train(request) { view.show($0, in: row) }
    }

    /// Waits until every site has applied the same ops.
    private func agreed(_ sites: [DemoSite], _ row: LiveRow) async throws -> [StatusReport] {
        row.status("the last ops are on their way")
        var status: [StatusReport] = []
        let isEqual = try await Patience.poll(for: Self.spreadPatience, every: .milliseconds(50)) {
            status = []
            for site in sites { status.append(try await site.status()) }
            return Set(status.map(\.frontierDigest)).count == 1
        }
        guard isEqual else {
            let ops = zip(sites, status).map { "\($0.name) \($1.ops)" }.joined(separator: ", ")
            throw Failure(
                "demo", "ops", "the sites still do not have the same ones (\(ops))", remedy: "Look into their logs")
        }
        let digests = Set(status.map(\.stateDigest))
        if digests.count == 1, let digest = digests.first {
            row.finish(
                "the same \(DemoView.counted(status[0].ops, "op")), the same state \(digest.prefix(12)) everywhere")
        } else {
            row.fail("the same ops led to different states")
        }
        return status
    }
}

// MARK: Measuring

extension Demo {
    private func measure(_ sites: [DemoSite], _ trained: [TrainingReport?]) async throws -> DemoReport {
        try await LiveRegion.show(on: view.console) { region in
            let filter = dataset.everything
            let row = region.row("measure")
            row.status("every site is asked about facts that were kept aside")
            let scores = try await forEach(sites, atMost: Cluster.cores) { site in
                (
                    try await site.evaluate(.isolated, filter: filter),
                    try await site.evaluate(.federated, filter: filter)
                )
            }
            row.finish("\(DemoView.counted(scores.reduce(0) { $0 + ($1.1?.queries ?? 0) }, "question"))")
            let pooled = options.pooled ? try await pool(sites, region) : nil
            let ranks = scores.map { alone, together in
                alone.flatMap { alone in together.map { (alone: alone.ranks ?? [], together: $0.ranks ?? []) } }
            }
            let examples = try await Examples(sites).find(ranks)
            var reports: [DemoReport.Site] = []
            for (place, site) in sites.enumerated() {
                let status = try await site.status()
                let federated = DemoScore(scores[place].1)
                reports.append(
                    DemoReport.Site(
                        name: site.name, isolated: DemoScore(scores[place].0), federated: federated, served: federated,
                        pooled: pooled?[place], ops: status.ops,
                        opsSigned: status.ops - status.peers.reduce(0) { $0 + $1.ops },
                        opBytesSigned: trained[place]?.opBytes ?? 0, bytesSent: status.traffic.bytesSent,
                        bytesReceived: status.traffic.bytesReceived, frontierDigest: status.frontierDigest,
                        stateDigest: status.stateDigest, triples: site.data.facts(.train).count))
            }
            let wall = start.duration(to: .now).components
            return DemoReport(
                dataset: dataset.name, sites: reports, examples: examples,
                wallSeconds: Double(wall.seconds) + Double(wall.attoseconds) * 1e-18)
        }
    }

    /// Trains the pooled model in this process, on a thread of its own.
    private func pool(_ sites: [DemoSite], _ region: LiveRegion) async throws -> [DemoScore] {
        guard let model = try await sites[0].model() else { return sites.map { _ in .none } }
        let shape = try ModelShape(dim: model.dim, heads: model.heads, layers: model.layers, context: model.context)
        let rounds = options.rounds ?? StandardRecipe.rounds
        // As many steps as all sites make together.
        let steps = (options.steps ?? StandardRecipe.steps) * sites.filter(\.data.learns).count
        let seed = options.seed.map { UInt64($0) } ?? StandardRecipe.seed
        let row = region.row("pooled")
        let dataset = dataset
        return try await OwnThread.run { isCancelled in
            var training = try PooledTraining(dataset, shape: shape, plannedSteps: rounds * steps, seed: seed)
            try training.run(rounds: rounds, stepsPerRound: steps) { round, loss in
                if isCancelled() { throw CancellationError() }
                row.progress(round, of: rounds, .count("rounds"), note: "loss \(Format.fixed(Double(loss), 2))")
            }
            row.finish("\(DemoView.counted(rounds * steps, "step")) on all facts together")
            return try dataset.sites.map { try training.score(at: $0) }
        }
    }
}

extension DemoScore {
    init(_ report: EvaluationReport?) {
        guard let report else {
            self = .none
            return
        }
        self.init(mrr: report.mrr, hits1: report.hits1, hits10: report.hits10, queries: report.queries)
    }
}
