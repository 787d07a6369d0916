import API
import Foundation
import Testing

@testable import Harness

extension ClusterTests {
    /// Koi among real nodes, which ask and answer by themselves.
    @Suite struct KoiTests {
        private func koi(_ node: ClusterNode) async throws -> KoiReport { try await node.client().get("/api/koi") }

        private func balance(_ name: String, at node: ClusterNode, _ cluster: Cluster) async throws -> String {
            let owner = try cluster.node(name).peer
            return try await koi(node).wallets.first { $0.owner == owner && $0.agent == "site" }?.balance.koi ?? "0"
        }

        @Test func `a bounty that expires returns by itself, a payment is final, and the history holds`() async throws {
            try await TestCluster.with(["a", "b", "c"], checkpointSeconds: 2) { test in
                try await test.teach(["a", "b", "c"])
                let a = try test["a"]
                let relation = "plus1"
                let request = KoiBountyRequest(
                    agent: nil, reward: "40", relations: [relation], roots: nil, gain: 0.5, expiresSeconds: 12,
                    description: "more of these")
                let _: KoiSignedReport = try await a.client().post("/api/koi/bounties", request)
                #expect(try await balance("a", at: a, test.cluster) == "60")
                let payment = KoiSendRequest(from: nil, to: "b", agent: nil, amount: "2.5", memo: nil)
                let _: KoiSignedReport = try await a.client().post("/api/koi/send", payment)
                for node in try test.cluster.nodes {
                    try await eventually("\(node.name) sees the escrow return", within: .seconds(180)) {
                        let (a, b) = (
                            try await balance("a", at: node, test.cluster),
                            try await balance("b", at: node, test.cluster)
                        )
                        return a == "97.5" && b == "102.5"
                    }
                }
                try await test.agree()
                for node in try test.cluster.nodes {
                    let outcome = try await Binary.run("koi", "history", "--verify", "--data-dir", node.dataDirectory)
                    #expect(outcome.code == 0, "\(outcome.output)\(outcome.errors)")
                    #expect(try await koi(node).escrow.nkoi == 0)
                }
                let bounties: [KoiListingReport] = try await a.client().get("/api/koi/bounties")
                #expect(bounties.map(\.status) == ["expired"])
            }
        }
    }
}
