internal import API
internal import Learning
internal import Terminal

/// How long ops may take to reach everybody.
private let spreadPatience = Duration.seconds(60)
/// Between two looks at what arrived where.
private let lookPause = Duration.milliseconds(500)

extension Demo {
    /// Running nodes with their graphs, and a model that every site knows and announced its rows for.
    func prepare(_ cluster: Cluster) async throws -> [DemoSite] {
        let sites = try await bringUp(cluster)
        if let page = try await sites[0].status().http { view.watch(page) }
        return sites
    }

    private func bringUp(_ cluster: Cluster) async throws -> [DemoSite] {
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
            guard try await Patience.poll(for: spreadPatience, every: .milliseconds(50), { try await holds(site) })
            else {
                throw Failure(
                    "demo", site.name, "it takes more than \(Format.duration(spreadPatience)) until \(what)",
                    remedy: "Look into \(site.node.outputPath)")
            }
        }
    }

    /// What each site's federated training came to, and how long it took until all had the same ops.
    struct Learned: Sendable {
        let trained: [TrainingReport?]
        let seconds: Double
    }

    func learn(_ sites: [DemoSite]) async throws -> Learned {
        let rounds = options.rounds ?? StandardRecipe.rounds
        let plan = "\(rounds) rounds\(options.steps.map { " of \($0) steps" } ?? "")"
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
                    try await Task.sleep(for: lookPause)
                }
            }
            defer { watch.cancel() }
            let begin = ContinuousClock.now
            let trained = try await forEach(Array(zip(sites, rows)), atMost: sites.count) { site, row in
                try await train(site, .federated, row)
            }
            let agreement = region.row("state")
            let status = try await agreed(sites, agreement)
            let seconds = Self.seconds(since: begin)
            watch.cancel()
            for (place, row) in exchange.enumerated() {
                row.finish(DemoView.exchange(status[place], at: sites[place], of: sites))
            }
            return Learned(trained: trained, seconds: seconds)
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
        let isEqual = try await Patience.poll(for: spreadPatience, every: .milliseconds(50)) {
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
