internal import API
internal import Terminal

/// What a person sees of a demo. Progress goes to the errors stream, results to the output.
struct DemoView: Sendable {
    let console: Console
    /// More sites than this are not shown one by one where it would fill the screen.
    private static let fewSites = 4

    /// A heading between stages.
    func heading(_ text: String) { console.complain(console.errorStyle.bold(text)) }

    func begin(_ dataset: Dataset, isBundled: Bool) {
        let names = Self.listed(dataset.sites.map(\.name))
        let count = dataset.sites.count
        heading(
            isBundled && count == 3
                ? "Three hospitals: \(names). Each knows other facts."
                : "\(Self.counted(count, "site")) of \(dataset.name), each with a graph of its own.")
    }

    // MARK: Training

    /// A row that has nothing to tell yet; in a pipe that is no line.
    func wait(_ row: LiveRow, _ text: String) {
        if console.isLive { row.status(text) }
    }

    /// The row of a site that trains.
    func show(_ training: TrainingReport, in row: LiveRow) {
        let loss = training.loss.map { "loss \(Format.fixed($0, 2))" } ?? ""
        switch training.state {
        case "waiting": wait(row, "starting")
        case "done": row.finish(Self.summary(training))
        default:
            row.progress(training.round, of: training.rounds, note: loss)
        }
    }

    private static func summary(_ training: TrainingReport) -> String {
        if training.steps == 0 { return "nothing to learn from: it only relays, merges and serves" }
        let steps = counted(training.steps, "step")
        switch training.weights {
        case .isolated: return "\(steps) on its own graph"
        case .served: return "\(steps) on its own graph, from the merged weights"
        case .federated:
            return
                "\(steps); \(counted(training.ops, "op")) signed, \(Format.bytes(training.opBytes)) of weight changes"
        }
    }

    /// The rows that tell what arrives where; none in a pipe, or when the screen is too small for them.
    func exchangeRows(_ sites: [DemoSite], in region: LiveRegion) -> [LiveRow] {
        guard console.isLive, sites.count <= Self.fewSites, sites.count > 1 else { return [] }
        return sites.map { region.row("→ \($0.name)") }
    }

    /// `ops: 12 from river, 11 from harbour; 1.1 MiB in, 640 KiB out`.
    static func exchange(_ status: StatusReport, at site: DemoSite, of sites: [DemoSite]) -> String {
        let others = sites.filter { $0.name != site.name }
        let from = others.map { other in
            "\(status.peers.first { $0.peer == other.node.peer }?.ops ?? 0) \(other.name)"
        }.joined(separator: ", ")
        let traffic = status.traffic
        return
            "ops: \(from); \(Format.bytes(Int(traffic.bytesReceived))) in, \(Format.bytes(Int(traffic.bytesSent))) out"
    }

    // MARK: Results

    func show(_ report: DemoReport) {
        console.print()
        console.print(table(report))
        console.print(
            console.style.dim("MRR on facts that no site trained on: 1 if the right answer always comes first."))
        console.print()
        let digest = report.sites[0].stateDigest.prefix(12)
        let style = console.style
        if report.digestsEqual {
            let marks = report.sites.map { "\($0.name) \(style.green("✓"))" }.joined(separator: "  ")
            console.print("State digest \(style.bold(String(digest))) at every site:  \(marks)")
        } else {
            console.print(style.red("✗ The sites came to different states: this must not happen."))
            for site in report.sites { console.print("  \(site.name)  \(site.stateDigest)") }
        }
        show(report.examples)
        show(report.koi)
        show(report.patterns, of: report.sites.count)
    }

    private func show(_ koi: [DemoReport.Earnings]) {
        guard koi.contains(where: { $0.claims > 0 }) else { return }
        console.print()
        console.print("What each contributed, as the others measured it, and what that earned:")
        var table = Table(
            .text("SITE"), .number("CLAIMS"), .number("HELPED"), .number("GAIN"), .number("KOI"),
            .number("RULES ACCEPTED"), .number("MEASURED"), .number("KOI"), .number("BALANCE"))
        for site in koi {
            table.add(
                site.site, Format.count(site.claims), Format.count(site.claimsPaid), Format.fixed(site.gain, 2),
                Self.koi(site.claimsNkoi), "\(site.patternsAccepted) of \(site.patternsProposed)",
                Format.count(site.patternsMeasured), Self.koi(site.patternsNkoi), Self.koi(site.balanceNkoi))
        }
        console.print(table)
        console.print(
            console.style.dim(
                "GAIN: nats of the others' held-out loss, each claim's median. BALANCE: with 100 Koi to begin with."))
    }

    private static func koi(_ nkoi: Int) -> String { Format.fixed(Double(nkoi) / 1e9, 2) }

    /// Three that were accepted and one that was not.
    private func show(_ patterns: [PatternReport], of sites: Int) {
        guard !patterns.isEmpty else { return }
        let style = console.style
        console.print()
        let accepted = patterns.filter { $0.state == "accepted" }.prefix(3)
        if accepted.isEmpty {
            console.print("No rule was accepted: \(patterns.first { $0.why != nil }?.why ?? "nobody could tell").")
        } else {
            console.print("Rules that a quorum verified on facts of its own:")
        }
        for pattern in accepted {
            console.print("  \(style.green("✓")) \(style.bold(Self.plain(pattern.words)))")
            console.print(style.dim("    found by \(pattern.proposerName); \(Self.counts(pattern))"))
        }
        if let rejected = patterns.first(where: { $0.state == "rejected" }) {
            console.print("  \(style.red("✗")) \(style.bold(Self.plain(rejected.words)))")
            console.print(
                style.dim(
                    "    proposed by \(rejected.proposerName), rejected by \(rejected.votes) of "
                        + "\(rejected.quorum) votes; \(Self.counts(rejected))"))
        }
    }

    private static func counts(_ pattern: PatternReport) -> String {
        let measured = pattern.measurements.map { measurement in
            measurement.body.map { "\(measurement.support ?? 0) of \($0) at \(measurement.name)" }
                ?? "nothing at \(measurement.name)"
        }
        return "true in \(measured.joined(separator: ", "))"
    }

    private func table(_ report: DemoReport) -> Table {
        let hasPooled = report.pooledMrr != nil
        var columns: [Table.Column] = [
            .text("SITE"), .number("FACTS"), .number("ASKED"), .number("ALONE"), .number("TOGETHER"),
        ]
        if hasPooled { columns.append(.number("POOLED")) }
        columns += [.number("OPS"), .number("SENT"), .number("RECEIVED")]
        var table = Table(columns)
        for site in report.sites {
            var cells = [site.name, Format.count(site.triples), Format.count(site.isolated.queries)]
            cells += [Self.figure(site.isolated.mrr), Self.figure(site.federated.mrr)]
            if hasPooled { cells.append(Self.figure(site.pooled?.mrr)) }
            cells += [
                Format.count(site.opsSigned), Format.bytes(Int(site.bytesSent)), Format.bytes(Int(site.bytesReceived)),
            ]
            table.add(cells)
        }
        guard report.sites.count > 1 else { return table }
        let queries = report.sites.reduce(0) { $0 + $1.isolated.queries }
        var cells = ["all", Format.count(report.sites.reduce(0) { $0 + $1.triples }), Format.count(queries)]
        cells += [Self.figure(report.isolatedMrr), Self.figure(report.federatedMrr)]
        if hasPooled { cells.append(Self.figure(report.pooledMrr)) }
        cells += [Format.count(report.sites.reduce(0) { $0 + $1.opsSigned }), "", ""]
        table.add(cells, emphasis: .strong)
        return table
    }

    private func show(_ examples: [DemoReport.Example]) {
        guard !examples.isEmpty else { return }
        let style = console.style
        console.print()
        console.print("Asked what no site was told, alone and together:")
        for example in examples {
            let question = "\(Self.plain(example.head)) · \(Self.plain(example.relation)) · ?"
            console.print("  \(example.site) is asked: \(style.bold(question))")
            let place = Self.ordinal(Format.fixed(example.aloneRank, 0))
            console.print(
                "    alone     \(style.red("✗")) \(Self.plain(example.alone))"
                    + style.dim("  (right answer: \(place))"))
            console.print(
                "    together  \(style.green("✓")) \(Self.plain(example.answer))"
                    + style.dim("  (\(Format.percent(example.probability, digits: 0)) sure)"))
        }
    }

    /// Where the run can be watched in a browser.
    func watch(_ page: String) { console.complain("Watch it at \(page)/") }

    /// What to do with a network that runs on: lines that can be copied as they are.
    func suggest(
        _ cluster: Cluster, _ site: DemoSite?, dashboard: String?, command: String, example: DemoReport.Example?
    ) {
        let place = cluster.directory
        let name = site?.name ?? "NODE"
        var lines = dashboard.map { ["# in a browser: the network as \(name) sees it", "\($0)/"] } ?? []
        lines += [
            "# every node: whom it reaches, how many ops, which state",
            "\(command) cluster status --dir \(place)",
            "# kill -9 a node and bring it back: nothing is lost",
            "\(command) cluster kill \(name) --dir \(place)",
            "\(command) cluster start \(name) --dir \(place)",
            "# as \(name): ask the model, and see who taught it",
            "export SHOAL_DATA_DIR=\(place)/nodes/\(name)",
        ]
        if let example {
            lines.append("\(command) model predict --agent \(DemoSite.agent) \(example.head) \(example.relation)")
        }
        lines += [
            "# what earned what, every certificate checked from the genesis on",
            "\(command) koi history --limit 10",
            "\(command) pattern list",
        ]
        lines.append("\(command) ops list")
        console.print()
        console.print(console.style.bold("The network runs until you press Ctrl-C. In another terminal:"))
        for line in lines { console.print("  \(line.hasPrefix("#") ? console.style.dim(line) : line)") }
    }

    // MARK: Words

    private static func figure(_ value: Double?) -> String { value.map { Format.fixed($0, 3) } ?? "-" }

    /// Names in data files are written with underscores.
    private static func plain(_ name: String) -> String {
        printable(name).split(separator: "_", omittingEmptySubsequences: false).joined(separator: " ")
    }

    private static func ordinal(_ number: String) -> String {
        if number.hasSuffix("11") || number.hasSuffix("12") || number.hasSuffix("13") { return "\(number)th" }
        switch number.last {
        case "1": return "\(number)st"
        case "2": return "\(number)nd"
        case "3": return "\(number)rd"
        default: return "\(number)th"
        }
    }

    static func counted(_ count: Int, _ thing: String) -> String {
        "\(Format.count(count)) \(thing)\(count == 1 ? "" : "s")"
    }

    static func listed(_ words: [String]) -> String {
        guard words.count > 1, let last = words.last else { return words.first ?? "" }
        return "\(words.dropLast().joined(separator: ", ")) and \(last)"
    }
}
