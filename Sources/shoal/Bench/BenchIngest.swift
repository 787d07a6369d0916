internal import Benchmark
internal import FoundationEssentials
internal import Glibc
internal import Terminal

/// `shoal bench ingest`: how fast ops become durable.
enum BenchIngest {
    static let command = Command(
        "ingest", summary: "making verified ops durable in PostgreSQL, beside a plain COPY",
        discussion: """
            Writes 24,576 signed ops as a node does, in transactions of 512, to a PostgreSQL of its own in a temporary \
            folder; in turns with a COPY of the same envelopes to a table with a primary key. The exit code is 1 below \
            10,000 ops a second.
            """,
        examples: [
            .init("shoal bench ingest", "half a minute"), .init("shoal bench ingest --json", "for a program"),
        ],
        run: run)

    private static func run(_ call: Invocation) async throws -> ExitCode {
        let place = "/tmp/shoal-ingest-\(getpid())"
        // PostgreSQL runs as somebody else where this runs as root.
        try FileManager.default.createDirectory(
            atPath: place, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o755])
        defer { try? FileManager.default.removeItem(atPath: place) }
        return try SpeedTable.tell(call, [try IngestSpeed.measure(in: "\(place)/data")], anchor: "COPY")
    }
}
