internal import Simulation
internal import Terminal

/// `shoal bench gossip`: what spreading costs and how fast a split heals, in simulated networks.
enum BenchGossip {
    private static let seeds = Option("seeds", .integer(1...1_000), default: 5, "seeds of each network")
    private static let sites = Option("nodes", .integer(17...1_000), default: 64, "sites of the large network")

    static let command = Command(
        "gossip", summary: "bytes, healing and speed of simulated networks, beside what was asked",
        discussion: """
            A large network is cut into two halves for half a minute and heals; another one has no trouble at all and is \
            counted. The exit code is 1 if something falls short.
            """,
        options: [seeds, sites],
        examples: [
            .init("shoal bench gossip", "64 sites, five seeds"),
            .init("shoal bench gossip --nodes 1000 --seeds 1", "a thousand, minutes"),
        ], run: run)

    struct Row: Encodable, Equatable {
        let name: String
        let median: Double
        let worst: Double
        let unit: String
        /// What the worst must not exceed, or reach if `isLeast`.
        let asked: Double?
        let isLeast: Bool
        /// What others do.
        let anchor: String

        var isReached: Bool { asked.map { isLeast ? worst >= $0 : worst <= $0 } ?? true }

        init(
            _ name: String, _ values: [Double], _ unit: String, asked: Double?, isLeast: Bool = false, anchor: String
        ) {
            self.name = name
            median = shoal.median(values)
            worst = isLeast ? values.min()! : values.max()!
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
                .text("what"), .number("median"), .number("worst"), .text("unit"), .text("asked"), .text("others"))
            for row in rows {
                let bound = row.asked.map { "\(row.isLeast ? "≥" : "≤") \(Format.fixed($0, 2))" } ?? "–"
                table.add(
                    row.name, Format.fixed(row.median, 2), Format.fixed(row.worst, 2), row.unit,
                    row.isReached ? bound : "missed: \(bound)", row.anchor)
            }
            call.console.print(table)
        }
        return rows.allSatisfy(\.isReached) ? .done : .no
    }

    private static func measure(nodes: Int, seeds: Int) throws(SimulationFailure) -> [Row] {
        var (split, calm, small): ([Run], [Run], [Run]) = ([], [], [])
        for seed in 1...UInt64(seeds) {
            small.append(try Run(SimulationOptions(seed: seed, overrides: .init(nodes: 16, minutes: 5))))
        }
        var seed: UInt64 = 0
        while split.count < seeds || calm.count < seeds {
            seed += 1
            let options = SimulationOptions(seed: seed, overrides: .init(nodes: nodes))
            if options.isCalm, calm.count < seeds { calm.append(try Run(options)) }
            if options.splits, split.count < seeds { split.append(try Run(options)) }
        }
        let half = "\(nodes / 2)|\(nodes - nodes / 2)"
        var rows = [
            Row(
                "\(half) heals", split.map { Double($0.report.convergedMs) / 1_000 }, "s", asked: 10,
                anchor: "others: never without help"),
            Row(
                "headers in vain, \(nodes) calm sites, many sources", calm.map(\.headerRedundancy), "x", asked: 0.6,
                anchor: "iroh-gossip < 1"),
        ]
        let bodies = calm.compactMap(\.bodyRedundancy)
        if !bodies.isEmpty {
            rows.append(
                Row("body bytes, \(nodes) calm sites", bodies, "x", asked: 1.05, anchor: "Ethereum's gossip about 5"))
        }
        rows.append(
            Row(
                "simulator, 16 sites", small.map(\.speed), "x real time", asked: 300, isLeast: true,
                anchor: "FoundationDB 10"))
        rows.append(
            Row(
                "simulator, \(nodes) sites", (split + calm).map(\.speed), "x real time", asked: nil, isLeast: true,
                anchor: "–"))
        return rows
    }
}
