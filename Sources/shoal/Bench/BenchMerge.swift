internal import Benchmark
internal import Learning
internal import Terminal

/// `shoal bench merge`: how fast deltas are added to the sums.
enum BenchMerge {
    private static let rows = Option("rows", .integer(1...1_000_000), default: 15_000, "token rows of a delta")
    private static let dim = Option("dim", .integer(4...1024), default: 64, "width of a row; a multiple of 4")
    private static let seconds = Option("seconds", .number(0.1...3_600), default: 3, "how long to measure")

    static let command = Command(
        "merge", summary: "adding deltas, beside a plain C loop over the same blocks",
        discussion: """
            Both add the same int8 rows, each with its shift, to sums of 64 bits, in turns and on one core. The exit \
            code is 1 where merging reaches less than 70 % of the C loop.
            """,
        options: [rows, dim, seconds],
        examples: [
            .init("shoal bench merge", "a graph of some thousand nodes"),
            .init("shoal bench merge --rows 300 --dim 32", "a small one, in the caches"),
        ], run: run)

    private static func run(_ call: Invocation) async throws -> ExitCode {
        let speeds: [SpeedRow]
        do {
            speeds = try MergeSpeed.measure(rows: call[rows], dim: call[dim], seconds: call[seconds])
        } catch let error as LearningError {
            throw call.failure("--dim", "\(error)", remedy: "Use a multiple of 4", exit: .usage)
        }
        return try SpeedTable.tell(call, speeds, anchor: "C loop")
    }
}

/// What the commands print that measure beside an anchor.
enum SpeedTable {
    static func tell(_ call: Invocation, _ rows: [SpeedRow], anchor: String) throws -> ExitCode {
        if call[Shared.json] {
            try call.printJSON(rows)
        } else {
            var table = Table(
                .text("what"), .number(anchor), .number("shoal"), .number("ratio"), .number("asked"))
            for row in rows {
                let wanted =
                    row.asked.map { Format.fixed($0, 2) } ?? row.askedRate.map { "\(rate($0)) \(row.unit)/s" }
                let asked = wanted.map { "\(row.isReached ? "≥" : "missed: ≥") \($0)" } ?? "–"
                table.add(
                    row.name, "\(rate(row.anchor)) \(row.unit)/s", "\(rate(row.shoal)) \(row.unit)/s",
                    Format.fixed(row.ratio, 2), asked)
            }
            call.console.print(table)
        }
        return rows.allSatisfy(\.isReached) ? .done : .no
    }

    private static func rate(_ value: Double) -> String {
        value < 1e6 ? Format.count(Int(value)) : "\(Format.fixed(value / 1e6, 0)) M"
    }
}
