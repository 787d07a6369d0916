import API
import Foundation
import Terminal
import Testing

@testable import Harness

extension ClusterTests {
    /// A quorum changes what a network has agreed on, by the command that people type.
    @Suite struct PolicyTests {
        private func policy(_ node: ClusterNode, _ words: String...) async throws -> Binary.Outcome {
            try await Binary.run(
                program: Binary.path, ["consensus", "policy"] + words + ["--data-dir", node.dataDirectory])
        }

        private func report(_ node: ClusterNode) async throws -> PolicyReport {
            let outcome = try await policy(node, "--json")
            return try JSON.decode(PolicyReport.self, from: Array(outcome.output.utf8))
        }

        @Test func `a node comes back with another shoal, and goes on with it`() async throws {
            try await TestCluster.with(["a", "b"]) { test in
                let (cluster, a) = (test.cluster, try test["a"])
                let next = "\(cluster.directory)/shoal-next"
                try FileManager.default.copyItem(atPath: Binary.path, toPath: next)
                func program() throws -> String {
                    let pid = try test["a"].process?.pid ?? 0
                    return try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/exe")
                }
                try await cluster.strike("a", .killNode)
                await #expect(throws: Failure.self) { try await cluster.start("a", binary: a.outputPath) }
                try await cluster.start("a", binary: next)
                #expect(try program().hasSuffix("/shoal-next"))
                try await cluster.strike("a", .killNode)
                try await cluster.start("a")
                #expect(try program().hasSuffix("/shoal-next"), "and so it does the next time")
                try await test.agree()
            }
        }

        /// The network is founded as before there were certified sums and new keys.
        @Test func `three sites go on by old rules, all say yes to later ones, and the next checkpoint brings them`()
            async throws
        {
            try await TestCluster.with(["a", "b", "c"], checkpointSeconds: 2, foldVersion: 2) { test in
                let (a, b, c) = (try test["a"], try test["b"], try test["c"])
                try await test.agree()
                let before = try await report(a)
                #expect(before.foldVersion == 2 && before.knownFoldVersion > 2 && before.height == 0)
                let early = try await Binary.run(
                    program: Binary.path, ["keys", "rotate", "--yes", "--data-dir", a.dataDirectory])
                #expect(
                    early.code != 0 && early.errors.contains("consensus policy --fold-version 3"), "\(early.errors)")

                for (words, cause) in [
                    (["--fold-version", "99"], "this shoal follows fold versions up to"),
                    (["--checkpoint-seconds", "2"], "these are the present numbers"),
                ] {
                    let refused = try await Binary.run(
                        program: Binary.path, ["consensus", "policy"] + words + ["--data-dir", a.dataDirectory])
                    #expect(refused.code != 0 && refused.errors.contains(cause), "\(refused.errors)")
                }

                for node in [a, b, c] {
                    let yes = try await policy(node, "--fold-version", "3", "--checkpoint-seconds", "5")
                    #expect(yes.code == 0 && yes.output.contains("This site votes"), "\(yes.output)\(yes.errors)")
                }
                for node in [a, b, c] {
                    try await eventually("a checkpoint brings the later rules") {
                        let now = try await report(node)
                        return now.foldVersion == 3 && now.checkpointSeconds == 5 && now.height > 0
                    }
                }
                try await test.agree()
                let back = try await policy(a, "--fold-version", "2")
                #expect(back.code != 0 && back.errors.contains("older than the present one"), "\(back.errors)")
                let text = try await policy(a)
                #expect(text.output.contains("fold version") && text.output.contains("due after 5 s"))
            }
        }
    }
}
