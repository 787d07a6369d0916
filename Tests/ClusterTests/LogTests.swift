import API
import Foundation
import Glibc
import Testing

@testable import Harness

extension ClusterTests {
    /// Where a node says what it does: full, or read by nobody. It goes on.
    @Suite struct LogTests {
        /// Starts a node of a cluster by hand, with a standard error of the test's.
        private func run(_ node: ClusterNode, errors: FileHandle) throws -> Process {
            let process = Process()
            process.executableURL = URL(filePath: Binary.path)
            process.arguments = ["run", "--no-train", "--verbose", "--data-dir", node.dataDirectory]
            process.standardInput = FileHandle.nullDevice
            process.standardOutput = FileHandle.nullDevice
            process.standardError = errors
            try process.run()
            return process
        }

        private func stop(_ process: Process) async throws {
            process.terminate()
            try await eventually("it ends in order") { !process.isRunning }
            #expect(process.terminationStatus == 0)
        }

        private func works(_ node: ClusterNode, _ place: String) async throws {
            func shoal(_ words: String...) async throws -> Binary.Outcome {
                try await Binary.run(program: Binary.path, words + ["--data-dir", node.dataDirectory])
            }
            try await eventually("\(node.name) serves", within: .seconds(60)) { try await shoal("status").code == 0 }
            let path = "\(place)/triples.tsv"
            try Data(TinyGraph.part(0, of: 1).utf8).write(to: URL(filePath: path))
            let imported = try await shoal("graph", "import", path)
            #expect(imported.code == 0, "\(imported.errors)")
        }

        @Test func `a node whose words nobody reads serves, and ends, as always`() async throws {
            try await TestCluster.with(["a"]) { test in
                let a = try test["a"]
                try await test.cluster.strike("a", .terminate)
                let pipe = Pipe()
                let end = pipe.fileHandleForWriting.fileDescriptor
                let flags = fcntl(end, F_GETFL)
                try #require(fcntl(end, F_SETFL, flags | O_NONBLOCK) == 0)
                let filler = [UInt8](repeating: 0x2E, count: 4_096)
                while write(end, filler, filler.count) > 0 {}
                try #require(fcntl(end, F_SETFL, flags) == 0)
                let process = try run(a, errors: pipe.fileHandleForWriting)
                try await works(a, test.cluster.directory)
                try await stop(process)
                let log = try String(contentsOfFile: "\(a.dataDirectory)/log", encoding: .utf8)
                #expect(log.contains("event=ready") && log.contains("event=stopping"), "its file has it all")
            }
        }

        @Test func `a node whose log has no room serves on`() async throws {
            try await TestCluster.with(["a"]) { test in
                let a = try test["a"]
                try await test.cluster.strike("a", .terminate)
                for name in ["log", "audit"] {
                    try? FileManager.default.removeItem(atPath: "\(a.dataDirectory)/\(name)")
                    try #require(symlink("/dev/full", "\(a.dataDirectory)/\(name)") == 0)
                }
                let full = try #require(FileHandle(forWritingAtPath: "/dev/full"))
                let process = try run(a, errors: full)
                try await works(a, test.cluster.directory)
                try await stop(process)
            }
        }
    }
}
