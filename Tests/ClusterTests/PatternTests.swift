import API
import Foundation
import Testing

@testable import Harness

extension ClusterTests {
    /// Sites that verify each other's rules, with the built binary, real sockets and databases.
    @Suite struct PatternTests {
        /// Families of one site: a grandparent is a parent's parent, at every site. That who likes somebody is liked back
        /// holds at the first site alone.
        private func families(_ site: Int) -> String {
            (0..<25).map { n in
                let (a, b, c) = ("a\(site)-\(n)", "b\(site)-\(n)", "c\(site)-\(n)")
                let back = site == 0 ? "\(b)\tlikes\t\(a)\n" : "\(c)\tlikes\t\(b)\n"
                return "\(a)\tparent\t\(b)\n\(b)\tparent\t\(c)\n\(a)\tgrandparent\t\(c)\n\(a)\tlikes\t\(b)\n\(back)"
            }.joined()
        }

        @Test func `rules are proposed, verified by the others, certified, paid, and used where nobody found them`()
            async throws
        {
            try await TestCluster.with(["a", "b", "c"]) { test in
                let names = ["a", "b", "c"]
                for (site, name) in names.enumerated() { try await test[name].importTriples(families(site)) }
                try await test["c"].importTriples("u\tparent\tv\nv\tparent\tw\n")
                // One relation that nobody else has.
                try await test["a"].importTriples(
                    "x\tonly-here\ty\ny\tonly-here\tx\np\tonly-here\tq\nq\tonly-here\tp\n")
                let (a, c) = (try test["a"], try test["c"])
                let _: MineReport = try await shoal(a, "pattern", "mine", "--rounds", "3")
                let made: [PatternReport] = try await shoal(a, "pattern", "propose", "--top", "12")
                #expect(made.count == 12)

                func decided() async throws -> [PatternReport] {
                    try await c.client().get("/api/patterns")
                }
                try await eventually("every proposal is decided") {
                    let all = try await decided()
                    return all.count == 12 && all.allSatisfy { $0.state != "open" }
                }
                let patterns = try await decided()
                let rule = "grandparent(X, Y) if parent(X, A) and parent(A, Y)"
                let good = try #require(patterns.first { $0.words == rule })
                #expect(good.state == "accepted" && good.hits == 50 && good.trials == 51 && !good.own)
                #expect(good.measurements.compactMap(\.body).sorted() == [25, 26])
                let liked = try #require(patterns.first { $0.words == "likes(X, Y) if likes(Y, X)" })
                #expect(liked.state == "rejected" && liked.hits == 0)
                let alone = try #require(patterns.first { $0.state == "undecided" })
                #expect(alone.why?.contains("2 of 2 sites that were asked have no data about it") == true)

                // What every site says is the same, and so is who has how much.
                try await eventually("all is certified") {
                    let status = try await test.cluster.status()
                    let koi: KoiReport = try await c.client().get("/api/koi")
                    return status.frontiersEqual && koi.escrow.nkoi == 0 && koi.inFlight.nkoi == 0
                }
                try await test.agree()
                let koi: KoiReport = try await c.client().get("/api/koi")
                let (accepted, rejected) = (
                    patterns.count { $0.state == "accepted" }, patterns.count { $0.state == "rejected" }
                )
                #expect(koi.conserved && koi.burned.nkoi == Int64(rejected) * 5_000_000_000)
                let wallet = try #require(koi.wallets.first { $0.owner == a.peer })
                #expect(wallet.balance.nkoi == Int64(100 + 10 * accepted - 5 * rejected) * 1_000_000_000)

                let shown: PatternReport = try await shoal(c, "pattern", "show", good.id, "--verify")
                #expect(shown.verified == "valid" && shown.signers.count == 2)
                let twice = try await Binary.run(
                    program: Binary.path,
                    ["pattern", "propose", "--pattern", good.id, "--data-dir", a.dataDirectory])
                #expect(twice.code == 4 && twice.errors.contains("not proposed already"))

                // A site goes by what others found, with the counts of all.
                let rules: [RuleReport] = try await shoal(c, "pattern", "rules", "--relation", "grandparent")
                let known = try #require(rules.first { $0.id == good.id })
                #expect(known.certified && known.body == 51 && known.support == 50)

                try await expectTable(c, of: patterns)
            }
        }

        @Test func `a rule that names a graph node of this site alone stays at home`() async throws {
            try await TestCluster.with(["a", "b", "c"]) { test in
                for (site, name) in ["a", "b", "c"].enumerated() {
                    let people = (0..<30).map { "p\(site)-\($0)" }
                    var facts = people.map { "\($0)\tworks-at\tclinic\n\($0)\tspeaks\tdanish\n" }.joined()
                    if name == "a" { facts += people.map { "\($0)\ttreated-in\tsecret-ward\n" }.joined() }
                    try await test[name].importTriples(facts)
                }
                try await test.createModel()
                for node in try test.cluster.nodes { try await node.finish(try await node.train(rounds: 0)) }
                try await test.agree()
                let a = try test["a"]
                let _: MineReport = try await shoal(a, "pattern", "mine", "--rounds", "3")
                let mined: [RuleReport] = try await shoal(a, "pattern", "rules", "--top", "1000")
                let secret = try #require(mined.first { $0.words.contains("secret-ward") })
                let made: [PatternReport] = try await shoal(a, "pattern", "propose", "--top", "20")
                #expect(made.contains { $0.words.contains("danish") || $0.words.contains("clinic") })
                #expect(made.allSatisfy { !$0.words.contains("secret-ward") })
                let named = try await Binary.run(
                    program: Binary.path,
                    ["pattern", "propose", "--pattern", secret.id, "--data-dir", a.dataDirectory])
                #expect(named.code == 4 && named.errors.contains("this site alone knows"), "\(named.errors)")
            }
        }

        @Test func `what people of one site choose is verified by what those of another choose, and ranks there`()
            async throws
        {
            try await TestCluster.with(["a", "b", "c"]) { test in
                try await test.teach(["a", "b", "c"])
                for name in ["a", "b", "c"] {
                    try await test[name].finish(try await test[name].train(rounds: 4, steps: 20))
                }
                try await test.agree()
                let (a, b, c) = (try test["a"], try test["b"], try test["c"])
                /// Answers to one question; taken as often as asked.
                func choose(_ node: ClusterNode, times: Int) async throws {
                    for _ in 0..<times {
                        let report: PredictReport = try await node.client().post(
                            "/api/models/predict",
                            PredictRequest(agent: TestCluster.agent, context: ["n0"], top: 1_000))
                        let answer = try #require(report.predictions.first { $0.name == "n7" })
                        let inference = try #require(answer.inference)
                        let _: FeedbackReport = try await node.client().post(
                            "/api/models/feedback", FeedbackRequest(inference: inference))
                    }
                }
                try await choose(a, times: 8)
                for node in [b, c] { try await choose(node, times: 1) }
                let mined: CentroidMineReport = try await shoal(a, "pattern", "mine", "--centroids")
                #expect(mined.applied == 1 && mined.trajectories == 8)
                let made: [PatternReport] = try await shoal(a, "pattern", "propose", "--centroids")
                let id = try #require(made.first).id
                #expect(made.count == 1 && made[0].words.contains("n7"))
                func known(_ node: ClusterNode) async throws -> PatternReport? {
                    let all: [PatternReport] = try await shoal(node, "pattern", "list")
                    return all.first { $0.id == id }
                }
                for node in [a, b, c] {
                    try await eventually("\(node.name) knows that it is accepted") {
                        try await known(node)?.state == "accepted"
                    }
                }
                let certified = try #require(try await known(b))
                #expect(certified.hits == 2 && certified.trials == 2 && certified.measurements.count == 2)
                let shown: PatternReport = try await shoal(c, "pattern", "show", id, "--verify")
                #expect(shown.verified == "valid")
                // b has found nothing itself, and goes by what is certified.
                let found: SearchReport = try await shoal(
                    b, "model", "search", "n7", "--context", "n0", "--agent", TestCluster.agent, "--why")
                #expect(found.hits.contains { $0.name == "n7" && $0.pattern == id })
                try await test.agree()
            }
        }

        /// What people see with psql.
        private func expectTable(_ node: ClusterNode, of patterns: [PatternReport]) async throws {
            guard ClusterNode.hasPSQL else { return }
            let rows = try await node.sql("SELECT state, count(*) FROM shoal.patterns GROUP BY 1 ORDER BY 1")
            let counts = Dictionary(grouping: patterns, by: \.state).map { "\($0.key)|\($0.value.count)" }.sorted()
            #expect(rows.split(separator: "\n").map(String.init) == counts)
        }
    }
}
