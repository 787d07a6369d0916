import Foundation
import Glibc
import Testing

/// The `shoal` binary under test: `SHOAL_BINARY`, or the newest build of this package.
enum Binary {
    static let path: String = {
        if let given = ProcessInfo.processInfo.environment["SHOAL_BINARY"], !given.isEmpty {
            precondition(FileManager.default.isExecutableFile(atPath: given), "SHOAL_BINARY=\(given) cannot be run")
            return given
        }
        // Tests/ClusterTests/Support/Binary.swift
        var package = URL(filePath: #filePath)
        for _ in 0..<4 { package.deleteLastPathComponent() }
        let builds = ["release", "debug"].map { package.appending(path: ".build/\($0)/shoal").path }
        let newest = builds.filter { FileManager.default.isExecutableFile(atPath: $0) }.max { built($0) < built($1) }
        guard let newest else {
            fatalError("there is no \(builds[0]): run `make build`, or name the binary in SHOAL_BINARY")
        }
        return newest
    }()

    private static func built(_ path: String) -> Date {
        (try? FileManager.default.attributesOfItem(atPath: path)[.modificationDate] as? Date) ?? .distantPast
    }

    /// How a command ended and what it printed.
    struct Outcome {
        let code: Int32
        let output: String
        let errors: String
    }

    /// Runs a command line of the binary to its end.
    static func run(_ arguments: String...) async throws -> Outcome {
        try await run(program: path, arguments)
    }

    static func run(program: String, _ arguments: [String], input: Data? = nil) async throws -> Outcome {
        let running = try Running(program, arguments, input: input)
        return await running.end()
    }

    /// The first of `names` that is on the path or where Debian puts PostgreSQL's programs.
    static func find(_ name: String) -> String? {
        let path = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map(String.init)
        let versions = (try? FileManager.default.contentsOfDirectory(atPath: "/usr/lib/postgresql")) ?? []
        let places =
            path + ["/usr/bin", "/bin", "/usr/sbin", "/sbin"] + versions.map { "/usr/lib/postgresql/\($0)/bin" }
        return places.map { "\($0)/\(name)" }.first { FileManager.default.isExecutableFile(atPath: $0) }
    }
}

/// A program that runs beside the test. What it prints goes to files, so that it never waits for a reader.
final class Running {
    private let process = Process()
    private let output: URL
    private let errors: URL
    private let ended = AsyncStream.makeStream(of: Void.self)

    init(_ program: String, _ arguments: [String], input: Data? = nil) throws {
        let base = URL(filePath: Place.base).appending(path: "shoal-run-\(UUID().uuidString)")
        output = base.appendingPathExtension("out")
        errors = base.appendingPathExtension("err")
        for file in [output, errors] { _ = FileManager.default.createFile(atPath: file.path, contents: nil) }
        process.executableURL = URL(filePath: program)
        process.arguments = arguments
        process.standardOutput = try FileHandle(forWritingTo: output)
        process.standardError = try FileHandle(forWritingTo: errors)
        if let input {
            let pipe = Pipe()
            process.standardInput = pipe
            try pipe.fileHandleForWriting.write(contentsOf: input)
            try pipe.fileHandleForWriting.close()
        } else {
            process.standardInput = FileHandle.nullDevice
        }
        let continuation = ended.continuation
        process.terminationHandler = { _ in continuation.finish() }
        try process.run()
    }

    var errorText: String { text(errors) }
    var isRunning: Bool { process.isRunning }

    /// Ctrl-C.
    func interrupt() { process.interrupt() }
    func terminate() { process.terminate() }
    func kill() { Glibc.kill(process.processIdentifier, SIGKILL) }

    func end() async -> Binary.Outcome {
        for await _ in ended.stream {}
        process.waitUntilExit()
        defer { for file in [output, errors] { try? FileManager.default.removeItem(at: file) } }
        return Binary.Outcome(code: process.terminationStatus, output: text(output), errors: text(errors))
    }

    private func text(_ file: URL) -> String {
        String(decoding: (try? Data(contentsOf: file)) ?? Data(), as: UTF8.self)
    }
}
