internal import Dispatch
internal import Simulation
internal import Terminal

/// `shoal simulate`: the production node in a world of faults, seed by seed.
enum SimulateCommand {
    private static let seed = Option<Int?>("seed", .integer(0 ... .max), "run this one seed")
    private static let seeds = Option("seeds", .integer(1...1_000_000), default: 20, "run this many seeds")
    private static let from = Option(
        "from", .integer(0...(.max - 1_000_000)), default: 0, "the seeds are those behind this number")
    private static let nodes = Option<Int?>("nodes", .integer(2...1_000), "sites (default: by the seed, 2 to 7)")
    private static let minutes = Option<Int?>(
        "minutes", .integer(1...600), "simulated minutes with faults (default: by the seed, below one)")
    private static let seconds = Option<Int?>(
        "seconds", .integer(1...60), "simulated seconds with faults, in place of minutes")
    private static let submissions = Option<Int?>(
        "submissions", .integer(0...20_000), "ops that sites are asked to sign, at most (default: by the seed)")
    private static let writers = Option<Int?>(
        "writers", .integer(1...1_000), "of more than 16 sites, those that sign (default: all; 16 beyond 64 sites)")
    private static let questions = Option<Int?>(
        "questions", .integer(0...64), "what is put to all electors of more than 16 sites (default: 0)")
    private static let with = Option<[SimulationOptions.Hostile]>(
        repeated: "with", .choice(SimulationOptions.Hostile.self).named("PARTY"),
        "ill will in a network of more than 16 sites: "
            + SimulationOptions.Hostile.allCases.map(\.rawValue).joined(separator: ", "))
    private static let without = Option<[Trouble]>(
        repeated: "without", .choice(Trouble.self).named("TROUBLE"),
        "leave this out: \(Trouble.allCases.map(\.rawValue).joined(separator: ", "))")
    private static let shrink = Flag("shrink", "with --seed: look for the smallest run that fails like it")
    private static let required = Flag(
        "required", "exit code 1, too, if something never happened that some hundred runs must reach")
    private static let trace = Flag("trace", "print everything that happens; with --seed")

    static let command = Command(
        "simulate", summary: "run the node against seeded faults (exit code 1 if an invariant breaks)",
        discussion: """
            The same machines that production runs, on a simulated network, clock and disk: messages are lost, \
            doubled, late and out of order, networks part, nodes crash and lose writes, strangers interfere. Every \
            invariant is checked at every step. A seed decides all of it, so that a failure repeats, to the bit. \
            When one of several seeds fails, what it can fail without is left out, and the smallest run is printed. \
            With --required the runs must also reach what they are there to test: forks, torn journals, bodies from a \
            second source, Koi that is spent twice.
            """,
        options: [seed, seeds, from, nodes, minutes, seconds, submissions, writers, questions, with, without],
        flags: [shrink, required, trace, Shared.json],
        examples: [
            .init("shoal simulate --seeds 200", "the seeds 1 to 200"),
            .init("shoal simulate --seeds 200 --from 5000", "the seeds 5001 to 5200"),
            .init("shoal simulate --seeds 200 --required", "and do they reach far enough?"),
            .init("shoal simulate --seed 17 --trace", "one seed again, step by step"),
            .init("shoal simulate --seed 17 --without crashes --without koi", "the same run with less going on"),
        ], run: run)

    private static func run(_ call: Invocation) async throws -> ExitCode {
        let overrides = SimulationOptions.Overrides(
            nodes: call[nodes], minutes: call[minutes], seconds: call[seconds], submissions: call[submissions],
            writers: call[writers], questions: call[questions], including: Set(call[with]), without: Set(call[without]))
        if let seed = call[seed] {
            guard !call[required] else {
                throw call.failure(
                    "--required", "a single run cannot reach all of it", remedy: "Run some hundred with --seeds",
                    exit: .usage)
            }
            return try await runOne(call, SimulationOptions(seed: UInt64(seed), overrides: overrides))
        }
        guard !call[trace], !call[shrink] else {
            throw call.failure(
                call[trace] ? "--trace" : "--shrink", "it looks at a single run", remedy: "Say which one with --seed",
                exit: .usage)
        }
        let numbers = call[from] + 1...call[from] + call[seeds]
        var report = await LiveRegion.show(on: call.console) { region in
            let runs = SeedRuns(numbers.map { SimulationOptions(seed: UInt64($0), overrides: overrides) })
            var (report, failure) = await follow(runs, region)
            if let failure { report.smallest = await Self.smallest(failure, region) }
            return report
        }
        if call[required], report.failures.isEmpty {
            report.missing = Sometimes.allCases.filter { !$0.happened(in: report.occurrences) }.map(\.rawValue)
        }
        if call[Shared.json] {
            try call.printJSON(report)
        } else {
            tell(call.console, report)
        }
        return report.failures.isEmpty && report.missing?.isEmpty ?? true ? .done : .no
    }

    private static func runOne(_ call: Invocation, _ options: SimulationOptions) async throws -> ExitCode {
        let start = ContinuousClock.now
        var failure: SimulationFailure?
        var report = SimulateReport()
        if !call[Shared.json] { call.console.print("\(options)") }
        func line(_ text: String) {
            // With --json the output holds one object and nothing else.
            if call[Shared.json] { call.console.complain(printable(text)) } else { call.console.print(printable(text)) }
        }
        do throws(SimulationFailure) {
            report.add(try Simulator.run(options, trace: call[trace] ? line : nil))
        } catch {
            report.add(error)
            failure = error
        }
        if let failure, call[shrink] {
            report.smallest = await LiveRegion.show(on: call.console) { await smallest(failure, $0) }
        }
        report.wallSeconds = start.duration(to: .now) / .seconds(1)
        if call[Shared.json] { try call.printJSON(report) } else { tell(call.console, report) }
        return report.failures.isEmpty ? .done : .no
    }

    /// Shrinks on a thread of its own: the cooperative pool draws the progress.
    private static func smallest(_ failure: SimulationFailure, _ region: LiveRegion) async -> SimulateReport.Failure {
        let row = region.row("less of seed \(failure.options.seed)")
        return await withCheckedContinuation { continuation in
            DispatchQueue.global().async { @Sendable in
                var shrinking = Shrinking(failure)
                shrinking.run { row.progress($0.runs, of: $0.budget, .count("runs")) }
                row.finish("\(counted(shrinking.runs, "run")) with less going on")
                continuation.resume(returning: .init(shrinking.failure))
            }
        }
    }

    private static func follow(
        _ runs: SeedRuns, _ region: LiveRegion
    ) async -> (report: SimulateReport, failure: SimulationFailure?) {
        let start = ContinuousClock.now
        var first: SimulationFailure?
        var report = SimulateReport()
        let row = region.row("seeds")
        row.progress(0, of: runs.count, .count("seeds"))
        for await outcome in runs.outcomes() {
            switch outcome {
            case .success(let run): report.add(run)
            case .failure(let failure):
                report.add(failure)
                first = first ?? failure
            }
            row.progress(report.runs, of: runs.count, .count("seeds"), note: "\(Format.count(report.ops)) ops")
        }
        report.wallSeconds = start.duration(to: .now) / .seconds(1)
        let outcome = report.failures.isEmpty ? "all invariants held" : "an invariant broke"
        if report.failures.isEmpty {
            row.finish("\(counted(report.runs, "seed")), \(outcome)")
        } else {
            row.fail(outcome)
        }
        return (report, first)
    }

    private static func tell(_ console: Console, _ report: SimulateReport) {
        for failure in report.failures {
            console.print("\(console.style.red("✗")) seed \(failure.seed), invariant \(printable(failure.invariant))")
            console.print("  at \(failure.atMs) ms: \(printable(failure.detail))")
            console.print("  \(failure.options)")
            console.print("  To repeat it:  \(console.style.bold(failure.command))")
        }
        if let smallest = report.smallest {
            console.print("  The least that fails like it, \(smallest.options):")
            console.print("    \(console.style.bold(smallest.command))")
        }
        guard report.failures.isEmpty else { return }
        let simulated = Format.duration(.milliseconds(Int(clamping: report.simulatedMs)))
        console.print(
            "\(console.style.green("✓")) \(counted(report.runs, "seed")) held every invariant: "
                + "\(counted(report.ops, "op")), \(counted(report.events, "event")),")
        console.print("  \(simulated) simulated in \(Format.duration(.seconds(report.wallSeconds))).")
        if let spreading = report.spreading {
            console.print(
                "  \(counted(spreading.ops, "op")) came to everybody in \(spreading.everywhereMsMost) ms and "
                    + "\(counted(spreading.hopsMost, "hop")) at most; all were equal "
                    + "\(spreading.convergedMsMost) ms after the faults.")
        }
        guard let missing = report.missing else { return }
        guard !missing.isEmpty else {
            return console.print(
                "\(console.style.green("✓")) All \(Sometimes.allCases.count) things happened that runs must reach.")
        }
        console.print("\(console.style.red("✗")) The faults do not reach far enough; in no run it happened that:")
        for what in missing { console.print("  \(what)") }
    }
}
