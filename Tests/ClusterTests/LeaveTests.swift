import API
import Foundation
import Testing

@testable import Harness

extension ClusterTests {
    /// A site leaves three by the command that people type; the others go on.
    @Suite struct LeaveTests {
        private func shoal(_ node: ClusterNode, _ words: String...) async throws -> Binary.Outcome {
            try await Binary.run(program: Binary.path, words + ["--data-dir", node.dataDirectory])
        }

        @Test func `a site that leaves is let go, the others train and vote on, and it does not start again`()
            async throws
        {
            try await TestCluster.with(["a", "b", "c"], checkpointSeconds: 20) { test in
                let (a, b, c) = (try test["a"], try test["b"], try test["c"])
                try await test.teach(["a", "b", "c"])
                try await c.finish(try await c.train(rounds: 3))
                try await test.agree()
                let trained = try await a.ops(of: c)

                let unsure = try await shoal(c, "leave")
                #expect(unsure.code == 2 && unsure.errors.contains("--yes"), "\(unsure.errors)")
                let begin = ContinuousClock.now
                let left = try await shoal(c, "leave", "--yes", "--json")
                #expect(left.code == 0, "\(left.output)\(left.errors)")
                #expect(ContinuousClock.now - begin < .seconds(12), "it does not wait for the usual checkpoint")
                let report: LeaveReport = try JSON.decode(LeaveReport.self, from: Array(left.output.utf8))
                #expect(report.state == "left" && report.network == "test" && !report.votes)
                try await eventually("its node has ended by itself") { !c.isAlive }

                // Nothing of it starts again.
                let twice = try await shoal(c, "leave", "--yes")
                #expect(twice.code == 4 && twice.errors.contains("has left it already"), "\(twice.errors)")
                let started = try await shoal(c, "run")
                #expect(
                    started.code == 4 && started.errors.contains("it left the network test on"), "\(started.errors)")
                let data = "\(c.dataDirectory)/pg/cluster/PG_VERSION"
                #expect(FileManager.default.fileExists(atPath: data), "its data stay")

                for (node, other) in [(a, b), (b, a)] {
                    let told = try await shoal(node, "peers", "list", "--json")
                    let peers: [PeerReport] = try JSON.decode([PeerReport].self, from: Array(told.output.utf8))
                    let gone = peers.first { $0.peer == c.peer }
                    #expect(gone?.left == true && gone?.member == false && gone?.connected == false)
                    #expect(gone?.ops ?? 0 > trained, "what it wrote stays")
                    #expect(peers.first { $0.peer == other.peer }?.left == false)
                    #expect(try await shoal(node, "peers", "list").output.contains("left"))
                    try await node.finish(try await node.train(rounds: 3))
                }
                try await agree(a, b)
                try await admitAnother(test, a, b)
                try await agree(a, b)
                try await lastOneStays(a, b)
            }
        }

        @Test func `the last member is told to stop instead, and one that is none cannot leave`() async throws {
            try await TestCluster.with(["a"]) { test in
                let a = try test["a"]
                let told = try await shoal(a, "leave", "--yes")
                #expect(told.code == 4 && told.errors.contains("the last member of test"), "\(told.errors)")
                #expect(try await a.status().members == 1 && a.isAlive)
                await #expect(throws: APIError.self) {
                    let _: LeaveReport = try await a.client().post("/api/leave", LeaveRequest(network: "other"))
                }
            }
        }

        /// Equal, and quiet.
        private func agree(_ a: ClusterNode, _ b: ClusterNode) async throws {
            try await eventually("both have the same ops and the same state") {
                let (one, other) = (try await a.status(), try await b.status())
                return one.frontierDigest == other.frontierDigest && one.stateDigest == other.stateDigest
                    && one.ops > 0 && one.waiting == 0 && one.trouble == nil && other.trouble == nil
            }
        }

        /// Two of two decide, and the next checkpoint brings it.
        private func admitAnother(_ test: TestCluster, _ a: ClusterNode, _ b: ClusterNode) async throws {
            let id = String(repeating: "ab", count: 32)
            let added = try await shoal(a, "peers", "add", id, "--name", "d")
            #expect(added.code == 0, "\(added.errors)")
            for node in [a, b] {
                try await eventually("\(node.name) knows of it") {
                    try await node.status().peers.contains { $0.peer == id && $0.member }
                }
                #expect(try await shoal(node, "peers", "admit", id).code == 0)
            }
            try await eventually("a checkpoint with it is certified") {
                let report: ConsensusReport = try await a.client().get("/api/consensus")
                return report.electors.contains(id)
            }
            let back = try await shoal(a, "peers", "add", try test["c"].peer)
            #expect(back.code == 4 && back.errors.contains("has left this network"), "\(back.errors)")
        }

        private func lastOneStays(_ a: ClusterNode, _ b: ClusterNode) async throws {
            // The one that was let in never came, and has a vote: with it in the electorate b is not let go. It has said so.
            let waiting = try await shoal(b, "leave", "--yes", "--wait", "3s")
            #expect(waiting.code == 3 && waiting.output.contains("has said that it leaves test"), "\(waiting.output)")
            #expect(b.isAlive)
            let status = try await shoal(b, "status")
            #expect(status.code == 1 && status.output.contains("leaves test"), "\(status.output)")
            try await eventually("a has heard") {
                try await a.status().peers.contains { $0.peer == b.peer && $0.left }
            }
        }
    }
}
