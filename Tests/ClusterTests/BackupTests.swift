import API
import Foundation
import Site
import Testing

@testable import Harness

extension ClusterTests {
    /// A site is backed up at work, learns more, loses its machine and is put back.
    @Suite struct BackupTests {
        private struct Restored: Decodable {
            let site: String
            let journal: Bool
        }

        private func shoal(_ words: String..., code: Int32 = 0) async throws -> Binary.Outcome {
            let outcome = try await Binary.run(program: Binary.path, words)
            #expect(outcome.code == code, "\(words): \(outcome.output)\(outcome.errors)")
            return outcome
        }

        private func logs(_ node: ClusterNode, of peer: String) async throws -> Set<String> {
            Set(try await node.allOps().filter { $0.author == peer }.map(\.log))
        }

        private func noForks(_ test: TestCluster) async throws {
            for node in try test.cluster.nodes {
                let metrics = try await node.client().send(Call(.get, "/metrics"))
                let text = String(decoding: metrics.body, as: UTF8.self)
                #expect(text.contains("\nshoal_forks_total 0\n"), "\(node.name) has seen a fork")
            }
        }

        @Test(arguments: [true, false])
        func `a site that is put back goes on without a fork, and has what it had and what the others kept`(
            losesJournal: Bool
        ) async throws {
            try await TestCluster.with(["a", "b"]) { test in
                let a = try test["a"]
                try await test.teach(["a", "b"])
                try await a.finish(try await a.train(rounds: 3))
                try await test.agree()
                let place = URL(filePath: a.dataDirectory).deletingLastPathComponent().path + "/.backup"
                _ = try await shoal("backup", place, "--data-dir", a.dataDirectory)
                #expect(!FileManager.default.fileExists(atPath: "\(place)/sign-journal"))
                #expect(!FileManager.default.fileExists(atPath: "\(place)/a.key"))

                // What the backup does not know, and others do.
                try await a.finish(try await a.train(rounds: 3))
                try await a.importTriples("later\thas\tcome\n")
                let before = try await test.agree()
                let signed = try await logs(a, of: a.peer)
                try await test.cluster.strike("a", .killNode)

                _ = try await shoal("restore", place, "--data-dir", a.dataDirectory, code: 4)
                if losesJournal {
                    try await eventually("its PostgreSQL has ended") { a.servers.isEmpty }
                    try FileManager.default.removeItem(atPath: a.dataDirectory)
                }
                let keys = URL(filePath: a.keyPath).deletingLastPathComponent().path
                let words = ["restore", place, "--data-dir", a.dataDirectory, "--keys", keys, "--json"]
                let told = try await Binary.run(program: Binary.path, words + (losesJournal ? [] : ["--replace"]))
                #expect(told.code == 0, "\(told.errors)")
                let report: Restored = try JSON.decode(Restored.self, from: Array(told.output.utf8))
                #expect(report.site == "a" && report.journal == !losesJournal)

                try await test.cluster.start("a")
                let again = try test["a"]
                let back = try await test.agree()
                #expect(back.nodes[0].ops ?? 0 >= before.nodes[0].ops ?? 0, "the newest ops are back from b")
                let edges = try await again.status().graph.edges
                #expect(edges > 0, "its graph is there as it was")
                try await again.finish(try await again.train(rounds: 2))
                let after = try await test.agree()
                #expect(after.nodes[0].ops ?? 0 > before.nodes[0].ops ?? 0, "it goes on")
                let now = try await logs(again, of: a.peer)
                #expect(now.isSuperset(of: signed))
                if losesJournal { #expect(now.count > signed.count, "in a log that nobody has seen before") }
                try await noForks(test)
                try await test.expectWholeLogs()
            }
        }

        @Test func `a backup that is cut off is refused before anything is touched`() async throws {
            try await TestCluster.with(["a"]) { test in
                let a = try test["a"]
                let place = URL(filePath: a.dataDirectory).deletingLastPathComponent().path + "/.backup"
                _ = try await shoal("backup", place, "--data-dir", a.dataDirectory, "--with-key")
                #expect(
                    try await shoal("backup", place, "--data-dir", a.dataDirectory, code: 4).errors.contains("exists"))
                let dump = "\(place)/database"
                let bytes = try Data(contentsOf: URL(filePath: dump))
                try bytes.dropLast(1).write(to: URL(filePath: dump))
                let new = "\(place)-new"
                let told = try await shoal("restore", place, "--data-dir", new, "--keys", "\(place)-keys", code: 4)
                #expect(told.errors.contains("cut off or was changed"))
                #expect(!FileManager.default.fileExists(atPath: new))
                try bytes.write(to: URL(filePath: dump))
                _ = try await shoal("restore", place, "--data-dir", a.dataDirectory, "--replace", code: 4)
                _ = try await shoal("restore", place, "--data-dir", new, "--keys", "\(place)-keys")
                #expect(FileManager.default.fileExists(atPath: "\(place)-keys/a.key"), "the key was packed")
            }
        }
    }
}
