import API
import Foundation
import Testing

@testable import Harness

extension ClusterTests {
    /// What real nodes sell to each other, and what they do not pay for.
    @Suite struct KoiTradeTests {
        private func balances(_ names: [String], at node: ClusterNode, _ cluster: Cluster) async throws -> [String] {
            let report: KoiReport = try await node.client().get("/api/koi")
            return try names.map { name in
                let owner = try cluster.node(name).peer
                return report.wallets.first { $0.owner == owner && $0.agent == "site" }?.balance.koi ?? "0"
            }
        }

        private func verifyHistories(_ cluster: Cluster) async throws {
            for node in try cluster.nodes {
                let outcome = try await Binary.run("koi", "history", "--verify", "--data-dir", node.dataDirectory)
                #expect(outcome.code == 0, "\(outcome.output)\(outcome.errors)")
                let report: KoiReport = try await node.client().get("/api/koi")
                #expect(report.escrow.nkoi == 0 && report.conserved)
            }
        }

        @Test func `an auction falls to what somebody bids, pays the seller that, and gives the others back theirs`()
            async throws
        {
            let names = ["a", "b", "c"]
            try await TestCluster.with(names, checkpointSeconds: 2) { test in
                try await test.teach(names)
                let (a, b, c) = (try test["a"], try test["b"], try test["c"])
                let model = try #require(try await a.allOps().first { $0.kind == "create-model" })
                let attestation: KoiSignedReport = try await a.client().post(
                    "/api/koi/attestations",
                    KoiAttestRequest(
                        agent: nil, subject: model.id, claimType: "held-out-loss", askingPrice: "5",
                        reproductionCost: nil, proofType: nil, proof: nil, exclusive: nil))
                let auction: KoiSignedReport = try await a.client().post(
                    "/api/koi/auctions",
                    KoiAuctionRequest(
                        agent: nil, attestation: attestation.op, start: "12", floor: "1", step: "1", intervalSeconds: 3,
                        minBidders: nil, openAfterHours: nil))
                try await test.agree()
                for (node, most) in [(b, "9"), (c, "4")] {
                    let _: KoiSignedReport = try await node.client().post(
                        "/api/koi/bids", KoiBidRequest(agent: nil, auction: auction.op, most: most))
                    #expect(
                        try await balances([node.name], at: node, test.cluster)
                            == ["\(100 - Int(most)!)"], "a bid is in escrow")
                }
                var sold: [String] = []
                for node in try test.cluster.nodes {
                    try await eventually("\(node.name) sees the auction end", within: .seconds(120)) {
                        let auctions: [KoiListingReport] = try await node.client().get("/api/koi/auctions")
                        sold = try await balances(names, at: node, test.cluster)
                        return auctions.map(\.status) == ["sold"] && sold[2] == "100"
                    }
                }
                // The price was seen at a checkpoint, which may have come after one more step.
                let price = try #require(Int(sold[0]).map { $0 - 100 })
                #expect((5...9).contains(price) && sold == ["\(100 + price)", "\(100 - price)", "100"])
                try await test.agree()
                let late = try await Binary.run(
                    "koi", "auction", "bid", auction.op, "3", "--data-dir", c.dataDirectory)
                #expect(late.code == 4, "\(late.output)\(late.errors)")
                try await verifyHistories(test.cluster)
            }
        }

        @Test func `who trains to harm is paid nothing for it, and an honest site is, by the same electors`()
            async throws
        {
            let names = ["a", "b", "c", "d"]
            try await TestCluster.with(names) { test in
                // What is held out follows from what is not: each graph node's kind is its sort.
                func facts(_ relation: String, _ shift: Int) -> [String] {
                    (0..<96).map { "n\($0)\t\(relation)\tc\(($0 + shift) % 5)\n" }
                }
                for node in try test.cluster.nodes {
                    // Whoever lies says another of both.
                    let shift = node.name == "d" ? 2 : 0
                    let kinds = facts("kind", shift)
                    try await node.importTriples((facts("sort", shift) + kinds[32...]).joined())
                    try await node.importTriples(kinds[..<32].joined(), split: "valid")
                }
                try await test.createModel()
                for node in try test.cluster.nodes { try await node.finish(try await node.train(rounds: 0)) }
                func claims(of name: String) async throws -> KoiListingReport {
                    let node = try test[name]
                    try await node.finish(try await node.train(rounds: 12, steps: 60))
                    try await test.agree()
                    let request = KoiClaimRequest(
                        agent: nil, model: TestCluster.agent, bounty: nil, from: nil, through: nil)
                    let claim: KoiSignedReport = try await node.client().post("/api/koi/claims", request)
                    var listing: KoiListingReport?
                    try await eventually("the claim of \(name) is decided", within: .seconds(60)) {
                        let all: [KoiListingReport] = try await node.client().get("/api/koi/claims")
                        listing = all.first { $0.op == claim.op }
                        return listing?.gain != nil
                    }
                    return try #require(listing)
                }
                let honest = try await claims(of: "a")
                #expect(try #require(honest.gain) > 0 && (honest.paid?.nkoi ?? 0) > 0, "\(honest)")
                // What is learned already can be spoilt.
                for name in ["b", "c"] {
                    try await test[name].finish(try await test[name].train(rounds: 12, steps: 60))
                }
                let poison = try await claims(of: "d")
                #expect(try #require(poison.gain) <= 0 && (poison.paid?.nkoi ?? 0) == 0, "\(poison)")
                try await test.agree()
                for node in try test.cluster.nodes {
                    #expect(try await balances(["b", "c", "d"], at: node, test.cluster) == ["100", "100", "100"])
                }
                try await verifyHistories(test.cluster)
            }
        }
    }
}
