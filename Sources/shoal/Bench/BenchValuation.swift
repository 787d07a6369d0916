internal import Benchmark
internal import Graph
internal import Harness
internal import Learning
internal import Terminal

/// `shoal bench valuation`: does measuring claims tell honest training from poison?
enum BenchValuation {
    private static let data = Option<String?>(
        "data", .path.named("DIR"), "a folder with a sub-folder of train.txt and valid.txt for each site")
    private static let seeds = Option("seeds", .integer(1...100_000), default: 100, "trainings, one seed each")
    private static let from = Option("from", .integer(0...1 << 40), default: 1, "the first seed")
    private static let dim = Option("dim", .integer(16...128), default: 64, "width of the model")
    private static let heads = Option("heads", .integer(1...8), default: 4, "attention heads; they divide the width")
    private static let range = Option("range", .integer(1...8), default: 3, "rounds that one claim is about")
    private static let questions = Option(
        "questions", .integer(1...100_000), default: 500, "held-out questions of an elector, at most")

    static let command = Command(
        "valuation", summary: "what claims are worth: honest training against poison",
        discussion: """
            Trains the sites of a folder together in this process, once for each seed. At a random time in the first \
            half one site claims what it sent in its latest rounds, and the others measure it: held-out loss without \
            those deltas, which are subtracted exactly, minus loss with them. Then the same with poison in the place of \
            honest deltas: valid, within the norm caps, and harmful.

            An honest claim must be worth more than nothing in 90 of 100 trainings, poison nothing or less in 95. The \
            exit code is 1 where that is missed.
            """,
        options: [data, seeds, from, dim, heads, range, questions],
        examples: [
            .init("shoal bench valuation --data data/umls-shared3", "a hundred trainings: some two minutes")
        ], run: run)

    private static func run(_ call: Invocation) async throws -> ExitCode {
        guard let folder = call[data] else {
            throw call.failure("--data", "no folder is given", remedy: "Say where the triples are", exit: .usage)
        }
        let report = try await LiveRegion.show(on: call.console) { region in
            try await measure(folder, try plan(call), call, region)
        }
        if call[Shared.json] { try call.printJSON(report) } else { tell(call.console, report) }
        return report.isReached ? .done : .no
    }

    private static func plan(_ call: Invocation) throws -> ValuationPlan {
        let shape: ModelShape
        do {
            shape = try ModelShape(dim: call[dim], heads: call[heads], layers: 1, context: 16)
        } catch {
            throw call.failure("--heads", "\(error)", remedy: "Use a divisor of --dim", exit: .usage)
        }
        var plan = ValuationPlan(shape: shape)
        plan.range = call[range]
        plan.questions = call[questions]
        let first = UInt64(call[from])
        plan.seeds = first...first + UInt64(call[seeds]) - 1
        return plan
    }

    private static func measure(
        _ folder: String, _ plan: ValuationPlan, _ call: Invocation, _ region: LiveRegion
    ) async throws -> ValuationReport {
        let row = region.row(folder.split(separator: "/").last.map(String.init) ?? folder)
        do {
            let report = try await OwnThread.run { isCancelled in
                try ValuationRun(try QualityData(folder: folder), plan).run { done in
                    if isCancelled() { throw CancellationError() }
                    row.progress(done, of: plan.seeds.count, .count("trainings"), note: "")
                }
            }
            row.finish("measured")
            return report
        } catch let error as BenchmarkError {
            throw call.failure(folder, "\(error)", remedy: "Give a folder with a sub-folder for each of several sites")
        } catch let error as GraphError {
            throw call.failure(folder, "\(error)", remedy: "A line is HEAD, a tab, RELATION, a tab, TAIL")
        } catch let error as LearningError {
            throw call.failure(folder, "\(error)", remedy: "Change the options", exit: .usage)
        }
    }

    private static func tell(_ console: Console, _ report: ValuationReport) {
        console.print(
            "\(report.dataset), dim \(report.dim): claims of \(report.range) rounds, measured by the other sites on "
                + "\(report.questions.map { Format.count($0) }.joined(separator: ", ")) held-out questions; seeds "
                + "\(report.seeds[0]) to \(report.seeds[1])")
        console.print()
        var table = Table(
            .text("rounds claimed"), .number("claims"), .number("above 0"), .number("0"), .number("below"),
            .number("above 0 with noise"), .number("median gain (10% to 90%), millinats"),
            .number("Shapley share"), .number("of each other"), .number("right"))
        for row in report.rows {
            let gain =
                row.gain.isEmpty ? "–" : "\(milli(row.gain[0])) (\(milli(row.gain[1])) to \(milli(row.gain[2])))"
            table.add(
                row.conduct.rawValue, Format.count(row.claims), Format.count(row.positive), Format.count(row.zero),
                Format.count(row.negative), Format.count(row.rawPositive), gain,
                Format.fixed(row.share / 1_000, 1), Format.fixed(row.othersShare / 1_000, 1),
                "\(Format.percent(row.rightShare, digits: 0))\(row.isReached ? "" : ", missed")")
        }
        console.print(table)
        console.print()
        console.print("Of all poison \(Format.percent(report.poisonRefused, digits: 1)) is worth nothing or less.")
    }

    private static func milli(_ micro: Int64) -> String { Format.fixed(Double(micro) / 1_000, 1) }
}
