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

        @Test(arguments: ["relations", "roots"])
        func `a bounty whose target a quorum measured is paid, and nothing can be claimed of it again`(
            _ target: String
        ) async throws {
            try await TestCluster.with(["a", "b", "c"]) { test in
                // Electors measure with what they hold out of nodes that they know, and say nothing with fewer than 16
                // questions.
                let order = (0..<96).map { "n\($0)\tplus1\tn\(($0 + 1) % 96)\n" }
                let kinds = (0..<96).map { "n\($0)\tkind\tc\($0 % 5)\n" }
                for node in try test.cluster.nodes {
                    try await node.importTriples((order + kinds[32...]).joined())
                    try await node.importTriples(kinds[..<32].joined(), split: "valid")
                }
                try await test.createModel()
                for node in try test.cluster.nodes { try await node.finish(try await node.train(rounds: 0)) }
                let (a, b) = (try test["a"], try test["b"])
                let request = KoiBountyRequest(
                    agent: nil, reward: "12", relations: target == "relations" ? ["kind"] : nil,
                    roots: target == "roots" ? (0..<5).map { "c\($0)" } : nil, gain: 0.000_001, expiresSeconds: 3_600,
                    description: "anything better")
                let bounty: KoiSignedReport = try await a.client().post("/api/koi/bounties", request)
                try await test.agree()
                try await b.finish(try await b.train(rounds: 3, steps: 20))
                let claim = KoiClaimRequest(
                    agent: nil, model: TestCluster.agent, bounty: bounty.op, from: nil, through: nil)
                let _: KoiSignedReport = try await b.client().post("/api/koi/claims", claim)
                for node in try test.cluster.nodes {
                    try await eventually("\(node.name) sees the bounty paid", within: .seconds(60)) {
                        let (a, b) = (
                            try await balance("a", at: node, test.cluster),
                            try await balance("b", at: node, test.cluster)
                        )
                        return a == "88" && b == "124"
                    }
                }
                try await test.agree()
                let bounties: [KoiListingReport] = try await a.client().get("/api/koi/bounties")
                #expect(bounties.map(\.status) == ["paid"])
                let again = try await Binary.run(
                    "koi", "bounty", "claim", bounty.op, "--model", TestCluster.agent, "--data-dir", b.dataDirectory)
                #expect(again.code != 0, "\(again.output)")
                for node in try test.cluster.nodes {
                    let outcome = try await Binary.run("koi", "history", "--verify", "--data-dir", node.dataDirectory)
                    #expect(outcome.code == 0, "\(outcome.output)\(outcome.errors)")
                    #expect(try await koi(node).escrow.nkoi == 0)
                }
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
                // Those of the last two seconds wait for the next batch.
                try await eventually("three answers are owed") {
                    let owed: [KoiChargeReport] = try await shoal(b, "koi", "charges")
                    return owed.map(\.answers) == [3]
                }
                #expect(try await pay(b).allSatisfy { $0.op != nil })
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

        @Test(.enabled(if: ClusterNode.hasPSQL, "needs psql"))
        func `a model that cannot be paid hides no payment made before it`() async throws {
            try await TestCluster.with(["a", "b", "c"]) { test in
                try await test.teach(["a", "b", "c"])
                let b = try test["b"]
                let second = ModelCreateRequest(agent: "lab", dim: 16, heads: 2, layers: 1, context: 8)
                let _: ModelReport = try await test["c"].client().post("/api/models", second)
                for (seller, agent) in [("a", TestCluster.agent), ("c", "lab")] {
                    let price = KoiPriceRequest(agent: agent, model: nil, cost: "60")
                    let _: KoiSignedReport = try await test[seller].client().post("/api/koi/prices", price)
                }
                try await test.agree()
                #expect(try await pay(b).map(\.answers) == [0, 0], "the prices are just seen")
                let ask = EnsembleRequest(agents: [TestCluster.agent, "lab"], context: ["n0", "plus1"])
                let _: EnsembleReport = try await b.client().post("/api/models/ensemble", ask)
                try await eventually("the answer of both is owed to each") {
                    let owed: [KoiChargeReport] = try await shoal(b, "koi", "charges")
                    return owed.map(\.answers) == [1, 1]
                }
                // 100 Koi pay one of them.
                let paid: [KoiChargeReport] = try await shoal(b, "koi", "charges", "--pay", code: 4)
                #expect(paid.map { $0.op != nil } == [true, false])
                #expect(paid.map { $0.problem?.code } == [nil, "insufficient-funds"])
                #expect(try await balance("b", at: b, test.cluster) == "40")
                let again = try await Binary.run("koi", "charges", "--pay", "--data-dir", b.dataDirectory)
                #expect(again.code == 4 && again.errors.contains("it costs 60 Koi"), "\(again.errors)")
                let left: [KoiChargeReport] = try await shoal(b, "koi", "charges")
                #expect(left.map(\.answers) == [0, 1], "what was refused is owed still")
            }
        }
    }
}
