internal import Benchmark
internal import Terminal

/// `shoal bench verify-ops`: how fast ops from outside are checked.
enum BenchVerifyOps {
    private static let seconds = Option("seconds", .number(0.1...3_600), default: 3, "how long to measure")

    static let command = Command(
        "verify-ops", summary: "checking signed ops, beside libsodium's signature check alone",
        discussion: """
            Both check the same signatures, in turns and on one core; shoal also decodes, checks the canonical form, \
            calculates ids and drops duplicates. The exit code is 1 below what is asked.
            """,
        options: [seconds],
        examples: [
            .init("shoal bench verify-ops", "three seconds"), .init("shoal bench verify-ops --json", "for a program"),
        ],
        run: run)

    private static func run(_ call: Invocation) async throws -> ExitCode {
        try SpeedTable.tell(call, try VerifySpeed.measure(seconds: call[seconds]), anchor: "libsodium")
    }
}
