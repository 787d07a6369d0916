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

        private func pay(_ node: ClusterNode) async throws -> [KoiChargeReport] {
            try await shoal(node, "koi", "charges", "--pay")
        }

        @Test(.enabled(if: ClusterNode.hasPSQL, "needs psql"))
        func `answers of a model with a price are counted where they are given, and paid once`() async throws {
            try await TestCluster.with(["a", "b", "c"]) { test in
                try await test.teach(["a", "b"])
                try await test.agree()
                let (a, b) = (try test["a"], try test["b"])
                #expect(try await pay(b).isEmpty, "nobody asks for a price")
                let price = KoiPriceRequest(agent: TestCluster.agent, model: nil, cost: "0.25")
                let _: KoiSignedReport = try await a.client().post("/api/koi/prices", price)
                try await test.agree()
                let ask = PredictRequest(agent: TestCluster.agent, context: ["n0", "plus1"])
                let _: PredictReport = try await b.client().post("/api/models/predict", ask)
                #expect(try await pay(b).map(\.answers) == [0], "the price is just seen")
                for _ in 0..<3 { let _: PredictReport = try await b.client().post("/api/models/predict", ask) }
                let _: PredictReport = try await a.client().post("/api/models/predict", ask)
                #expect(try await pay(a).isEmpty, "own agents pay nothing")
                try await eventually("three answers are paid") { try await pay(b).contains { $0.op != nil } }
                #expect(try await pay(b).map(\.answers) == [0])
                // A stop between signing and writing it down: the ledger knows.
                try await b.sql(
                    "UPDATE shoal.inference_charges SET state = 'begun', op_id = NULL WHERE state = 'signed'")
                #expect(try await pay(b).map(\.answers) == [0])
                #expect(try await balance("b", at: b, test.cluster) == "99.25")
                try await eventually("the payment is final") {
                    try await koi(a).wallets.contains { $0.agent == TestCluster.agent && $0.balance.koi == "0.75" }
                }
                try await test.agree()
            }
        }
    }
}
