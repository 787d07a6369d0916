import API
import Foundation
import Testing

@testable import Harness

extension ClusterTests {
    /// A site's own PostgreSQL is moved by the command that people type; the version is the same, the programs lie elsewhere.
    @Suite struct PostgresUpgradeTests {
        private struct Moved: Decodable {
            let from: Int
            let to: Int
            let tables: Int
            let rows: Int
            let old: String
        }

        /// Links to the server's programs, all in one directory.
        private func programs(in directory: String) throws -> String {
            let server = try #require(Binary.find("initdb").map { URL(filePath: $0).resolvingSymlinksInPath() })
            let place = "\(directory)/programs"
            try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: false)
            for name in ["initdb", "postgres", "pg_dump", "pg_restore"] {
                try FileManager.default.createSymbolicLink(
                    atPath: "\(place)/\(name)",
                    withDestinationPath: server.deletingLastPathComponent().appending(path: name).path)
            }
            return place
        }

        @Test func `a site goes on with the database that an upgrade has written anew`() async throws {
            try await TestCluster.with(["a", "b"]) { test in
                let a = try test["a"]
                try await test.teach(["a", "b"])
                try await a.finish(try await a.train(rounds: 3))
                try await test.agree()
                let programs = try programs(in: test.cluster.directory)
                let words = ["postgres", "upgrade", "--programs", programs, "--data-dir", a.dataDirectory]
                let busy = try await Binary.run(program: Binary.path, words)
                #expect(
                    busy.code == 4 && busy.errors.contains("another node runs there"), "its node runs: \(busy.errors)")

                try await test.cluster.strike("a", .terminate)
                let moved: Moved = try await shoal(a, "postgres", "upgrade", "--programs", programs)
                #expect(moved.from == moved.to && moved.tables > 20 && moved.rows > 50)
                #expect(FileManager.default.fileExists(atPath: "\(moved.old)/PG_VERSION"))
                try await test.cluster.start("a")
                try await test.agree()
                try await test.expectWholeLogs()
                let again = try test["a"]
                #expect(try await again.status().graph.edges > 0)
                try await again.finish(try await again.train(rounds: 1))
                try await test.agree()

                try await test.cluster.strike("a", .terminate)
                let discarded = try await Binary.run("postgres", "discard", "--data-dir", a.dataDirectory)
                #expect(discarded.code == 0, "\(discarded.errors)")
                #expect(!FileManager.default.fileExists(atPath: moved.old))
                let none = try await Binary.run("postgres", "discard", "--data-dir", a.dataDirectory)
                #expect(none.code == 1 && none.output.contains("There is none"))
                // This machine may have a newer one; then there is nothing to refuse.
                let newest = try await Binary.run("postgres", "upgrade", "--data-dir", a.dataDirectory)
                #expect(newest.code == 0 || newest.code == 3 && newest.errors.contains("none that is newer"))
                try await test.cluster.start("a")
                try await test.agree()
            }
        }
    }
}
