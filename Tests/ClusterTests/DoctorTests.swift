import API
import Foundation
import Glibc
import Testing

@testable import Harness

extension ClusterTests {
    @Suite struct DoctorTests {
        private struct Report: Decodable {
            struct Finding: Decodable {
                let kind: String
                let part: String
                let what: String
                let remedy: String
            }
            let ops: Int
            let findings: [Finding]
            let storedDigest: String?
            let calculatedDigest: String?
            let wasRebuilt: Bool
        }

        private func doctor(_ node: ClusterNode, _ words: String...) async throws -> (code: Int32, report: Report) {
            let outcome = try await Binary.run(
                program: Binary.path, ["doctor", "--json", "--data-dir", node.dataDirectory] + words)
            try #require(!outcome.output.isEmpty, "\(outcome.errors)")
            return (outcome.code, try JSON.decode(Report.self, from: Array(outcome.output.utf8)))
        }

        @Test(.enabled(if: ClusterNode.hasPSQL, "needs psql"))
        func `damage is found, named with its remedy, and what is safe to repair is repaired`() async throws {
            try await TestCluster.with(["a", "b"]) { test in
                try await test.teach(["a", "b"])
                let (a, b) = (try test["a"], try test["b"])
                try await a.finish(try await a.train(rounds: 30))
                let state = try #require(try await test.agree().nodes[0].stateDigest)
                let refused = try await Binary.run("doctor", "--data-dir", b.dataDirectory)
                #expect(refused.code > 1 && refused.errors.contains("another node runs there"), "\(refused.errors)")

                try await test.cluster.strike("b", .terminate)
                #expect(chmod(b.keyPath, 0o644) == 0)
                let first = try await doctor(b)
                #expect(first.code == 0 && first.report.findings.map(\.kind) == ["repaired"])
                #expect(first.report.findings[0].part == "modes" && first.report.calculatedDigest == state)
                #expect(first.report.storedDigest == state)

                // Somebody writes into the sums of a node that runs, and it is stopped.
                try await test.cluster.start("b")
                try await b.sql(
                    """
                    INSERT INTO shoal.node_meta VALUES ('watermark', (SELECT max(apply_index)::text FROM shoal.operations))
                    ON CONFLICT (key) DO UPDATE SET value = excluded.value
                    """)
                try await test.cluster.strike("b", .killNode)
                try await eventually("its database has ended") { b.servers.isEmpty }
                let wrong = try await doctor(b)
                #expect(wrong.code == 1 && wrong.report.findings.contains { $0.part == "digest" && $0.kind == "fault" })
                #expect(wrong.report.findings.contains { $0.remedy.contains("--rebuild") })
                let rebuilt = try await doctor(b, "--rebuild")
                #expect(rebuilt.code == 0 && rebuilt.report.wasRebuilt, "\(rebuilt.report.findings)")
                #expect(rebuilt.report.storedDigest == state && rebuilt.report.calculatedDigest == state)
                try await test.cluster.start("b")
                #expect(try await test.agree().nodes[1].stateDigest == state)

                // Ops of its own that the database lost: the journal knows them.
                try await test["b"].finish(try await test["b"].train(rounds: 3))
                try await b.sql(
                    "DELETE FROM shoal.operations WHERE apply_index = (SELECT max(apply_index) FROM shoal.operations)")
                try await test.cluster.strike("b", .killNode)
                try await eventually("its database has ended") { b.servers.isEmpty }
                let lost = try await doctor(b)
                #expect(lost.report.findings.contains { $0.part == "journal" && $0.kind == "note" })
                try await test.cluster.start("b")
                try await test.agree()
                try await test.expectWholeLogs()
            }
        }
    }
}
