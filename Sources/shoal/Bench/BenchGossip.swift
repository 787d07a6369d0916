internal import Simulation
internal import Terminal

/// `shoal bench gossip`: what spreading costs and how fast a split heals, in simulated networks.
enum BenchGossip {
    private static let seeds = Option("seeds", .integer(1...1_000), default: 5, "seeds of each network")
    private static let sites = Option("nodes", .integer(17...1_000), default: 64, "sites of the large network")

    static let command = Command(
        "gossip", summary: "hops, bytes, healing and speed of simulated networks, beside what was asked",
        discussion: """
            Networks without trouble, with one site that signs and with many; a network that is cut into two halves for \
            half a minute; one with a member that signs two ops for one place; one that is asked questions; and \
            comparing frontiers alone, at 8, 32 and 100 nodes and as many as asked for. The exit code is 1 if something \
            falls short.
            """,
        options: [seeds, sites],
        examples: [
            .init("shoal bench gossip", "64 sites, five seeds"),
            .init("shoal bench gossip --nodes 1000 --seeds 1", "a thousand, a quarter of an hour"),
        ], run: run)

    struct Row: Encodable, Equatable {
        let name: String
        let least: Double
        let median: Double
        let most: Double
        let count: Int
        let unit: String
        /// What the worst must not exceed, or reach if `isLeast`.
        let asked: Double?
        let isLeast: Bool
        /// What others do.
        let anchor: String

        var isReached: Bool { asked.map { isLeast ? least >= $0 : most <= $0 } ?? true }

        /// Nil where nothing was measured.
        init?(
            _ name: String, _ values: [Double], _ unit: String, asked: Double? = nil, isLeast: Bool = false,
            anchor: String = "–"
        ) {
            guard let least = values.min(), let most = values.max() else { return nil }
            self.name = name
            (self.least, self.most, median, count) = (least, most, shoal.median(values), values.count)
            self.unit = unit
            self.asked = asked
            self.isLeast = isLeast
            self.anchor = anchor
        }
    }

    private struct Run {
        let report: SimulationReport
        let wallSeconds: Double

        init(_ options: SimulationOptions) throws(SimulationFailure) {
            let start = ContinuousClock.now
            report = try Simulator.run(options)
            wallSeconds = start.duration(to: .now) / .seconds(1)
        }

        func count(_ name: String) -> Double {
            Double(report.occurrences.first { $0.name == name }?.count ?? 0)
        }

        /// Times that a header came in vain, for each that was needed.
        var headerRedundancy: Double { count("headers known") / (count("headers received") - count("headers known")) }
        /// Bytes of bodies that came, for each that was needed; nil where none were.
        var bodyRedundancy: Double? {
            let useful = count("body bytes useful")
            return useful > 0 ? (useful + count("body bytes in vain")) / useful : nil
        }
        var speed: Double { Double(report.simulatedMs) / 1_000 / wallSeconds }
        /// Of the processor, for one op at one site: what a run costs is how much is signed in it (decision 34).
        var workMicroseconds: Double {
            wallSeconds * 1_000_000 / Double(max(report.ops, 1) * report.options.nodes)
        }
        var hops: [Double] { report.undivided.map { Double($0.hops) } }
        var everywhereMs: [Double] { report.undivided.map { Double($0.everywhereMs) } }
        /// Of a kind of question, in ways of an op to everybody.
        func ways(_ kind: String) -> [Double] {
            let ops = report.spreads.filter { $0.kind == "vote" || $0.kind == "measurement" }
            guard !ops.isEmpty else { return [] }
            let way = shoal.median(ops.map { Double($0.everywhereMs) })
            return report.decisions.filter { $0.kind == kind }.map { Double($0.certifiedMs) / way }
        }
        func decisions(_ kind: String, _ value: (Decision) -> Double) -> [Double] {
            report.decisions.filter { $0.kind == kind }.map(value)
        }
    }

    private static func run(_ call: Invocation) async throws -> ExitCode {
        let rows: [Row]
        do throws(SimulationFailure) {
            rows = try measure(nodes: call[sites], seeds: call[seeds])
        } catch {
            throw call.failure("the simulated network", "\(error)", exit: .no)
        }
        if call[Shared.json] {
            try call.printJSON(rows)
        } else {
            var table = Table(
                .text("what"), .number("median"), .number("least"), .number("most"), .number("of"), .text("unit"),
                .text("asked"), .text("others"))
            for row in rows {
                let bound = row.asked.map { "\(row.isLeast ? "≥" : "≤") \(Format.fixed($0, 2))" } ?? "–"
                table.add(
                    row.name, Format.fixed(row.median, 2), Format.fixed(row.least, 2), Format.fixed(row.most, 2),
                    "\(row.count)", row.unit, row.isReached ? bound : "missed: \(bound)", row.anchor)
            }
            call.console.print(table)
        }
        return rows.allSatisfy(\.isReached) ? .done : .no
    }

    /// Runs of the first seeds whose networks are as `isWanted` says.
    private static func runs(
        _ count: Int, _ overrides: SimulationOptions.Overrides, where isWanted: (SimulationOptions) -> Bool
    ) throws(SimulationFailure) -> [Run] {
        var runs: [Run] = []
        var seed: UInt64 = 0
        while runs.count < count {
            seed += 1
            let options = SimulationOptions(seed: seed, overrides: overrides)
            if isWanted(options) { runs.append(try Run(options)) }
        }
        return runs
    }

    private static func measure(nodes: Int, seeds: Int) throws(SimulationFailure) -> [Row] {
        let small = try runs(seeds, .init(nodes: 16, minutes: 1)) { _ in true }
        let split = try runs(seeds, .init(nodes: nodes, seconds: 40), where: \.splits)
        let many = try runs(seeds, .init(nodes: nodes, seconds: 40), where: \.isCalm)
        let one = try runs(seeds, .init(nodes: nodes, seconds: 40, writers: 1), where: \.isCalm)
        let asked = try runs(
            seeds, .init(nodes: nodes, seconds: 40, submissions: 0, questions: 2), where: \.isCalm)
        let forked = try runs(
            seeds, .init(nodes: nodes, seconds: 20, including: [.equivocator]), where: \.isCalm)
        return spreading(nodes, many + one) + rounds(nodes, seeds) + bytes(nodes, one: one, many: many)
            + [
                Row(
                    "\(nodes / 2)|\(nodes - nodes / 2) heals", split.map { Double($0.report.convergedMs) / 1_000 }, "s",
                    asked: 10, anchor: "others: never without help"),
                Row(
                    "fork proof everywhere, \(nodes) sites",
                    forked.flatMap(\.report.forkProofs).map { Double($0) / 1_000 },
                    "s", asked: 2, anchor: "others: silent divergence"),
            ].compactMap { $0 } + certificates(nodes, asked) + speed(nodes, small: small, large: split + many)
    }

    private static func spreading(_ nodes: Int, _ calm: [Run]) -> [Row] {
        // A tree in which each passes an op on to five; two steps more for bad luck.
        let tree = (1...).first { steps in (0..<steps).reduce(1) { size, _ in size * 5 } >= nodes }!
        return [
            Row(
                "hops to everybody, \(nodes) sites", calm.flatMap(\.hops), "hops", asked: Double(tree + 2),
                anchor: "simulated, degree 6: 32:3, 100:4, 1000:6"),
            Row("an op is everywhere, \(nodes) sites", calm.flatMap(\.everywhereMs), "ms"),
        ].compactMap { $0 }
    }

    private static func rounds(_ nodes: Int, _ seeds: Int) -> [Row] {
        Set([8, 32, 100, nodes]).sorted().compactMap { size in
            let log2 = (1...).first { 1 << $0 >= size }!
            let rounds = (1...UInt64(20 * seeds)).map { Double(AntiEntropyAlone.rounds(nodes: size, seed: $0)) }
            return Row(
                "anti-entropy alone, \(size) nodes", rounds, "rounds", asked: Double(log2 + 2),
                anchor: "p99 8:4, 32:6, 100:8, 1000:10")
        }
    }

    private static func bytes(_ nodes: Int, one: [Run], many: [Run]) -> [Row] {
        [
            Row(
                "headers in vain, one source, \(nodes) sites", one.map(\.headerRedundancy), "x", asked: 0.1,
                anchor: "iroh-gossip < 0.2"),
            Row(
                "headers in vain, many sources, \(nodes) sites", many.map(\.headerRedundancy), "x", asked: 0.6,
                anchor: "iroh-gossip < 1"),
            Row(
                "body bytes, \(nodes) sites", (one + many).compactMap(\.bodyRedundancy), "x", asked: 1.05,
                anchor: "Ethereum's gossip about 5"),
        ].compactMap { $0 }
    }

    /// A question goes to everybody, then each of the steps that follow does: measurements, a proposal, votes.
    private static func certificates(_ nodes: Int, _ runs: [Run]) -> [Row] {
        [("pattern", 4.0), ("finality", 2.0)].flatMap { kind, steps in
            [
                Row(
                    "\(kind) certified, \(nodes) electors", runs.flatMap { $0.ways(kind) }, "ways to everybody",
                    asked: steps, anchor: "Snowball, 20 nodes: 95 % stuck"),
                Row("\(kind) certified", runs.flatMap { $0.decisions(kind) { Double($0.certifiedMs) } }, "ms"),
                Row("\(kind), ops signed for it", runs.flatMap { $0.decisions(kind) { Double($0.ops) } }, "ops"),
                Row(
                    "\(kind), received by each site", runs.flatMap { $0.decisions(kind) { $0.bytesPerSite / 1_024 } },
                    "KiB"),
            ].compactMap { $0 }
        }
    }

    private static func speed(_ nodes: Int, small: [Run], large: [Run]) -> [Row] {
        [
            Row("simulator, 16 sites", small.map(\.speed), "x real time", isLeast: true, anchor: "FoundationDB 10"),
            Row("simulator, 16 sites, an op at a site", small.map(\.workMicroseconds), "µs", asked: 150),
            Row("simulator, \(nodes) sites", large.map(\.speed), "x real time", isLeast: true),
        ].compactMap { $0 }
    }
}
