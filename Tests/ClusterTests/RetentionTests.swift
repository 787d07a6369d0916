import API
import Foundation
import Site
import Testing

@testable import Harness

extension ClusterTests {
    /// Certified sums in place of bodies, on real nodes. Site `c` keeps every body: what the others come to without them is
    /// compared with it.
    @Suite(.enabled(if: ClusterNode.hasPSQL, "needs psql")) struct RetentionTests {
        private static let names = ["a", "b", "c"]
        /// Deltas of this width do not fit into their ops.
        private static let dim = 48
        /// Blocks of eight, and more ops than a node keeps in its accumulators before it writes them.
        private static let rounds = 64

        private func with(hasLinks: Bool = false, _ body: (TestCluster) async throws -> Void) async throws {
            try await TestCluster.with(
                Self.names, settings: NodeSettings(sumsEvery: 8), hasLinks: hasLinks
            ) { test in
                try await test.teach(Self.names, dim: Self.dim)
                for name in Self.names {
                    try await test[name].finish(try await test[name].train(rounds: Self.rounds, steps: 1))
                }
                try await eventually("all whole blocks are certified") {
                    try await test["c"].certifiedBlocks() >= Self.names.count * (Self.rounds / 8)
                }
                try await body(test)
            }
        }

        /// Restarts nodes with `retention` 0 in their settings, as an operator does.
        private func retain(_ names: [String], _ test: TestCluster) async throws {
            for name in names {
                try await test.cluster.strike(name, .terminate)
                var settings = try SiteConfig.load("\(test[name].dataDirectory)/shoal.json")
                settings.retention = 0
                try settings.save(to: "\(test[name].dataDirectory)/shoal.json")
                try await test.cluster.start(name)
            }
        }

        private func retained(_ name: String, _ test: TestCluster) async throws {
            try await eventually("\(name) drops the bodies of others") { try await test[name].pinnedBlocks() >= 8 }
        }

        private func leaveOut(_ left: ClusterNode, at node: ClusterNode) async throws {
            let _: WithoutReport = try await shoal(node, "model", "serve", "--without", left.peer)
        }

        @Test func `sums stand for bodies that are gone, and what is taken back later goes out to the bit`()
            async throws
        {
            try await with { test in
                let before = try await test["b"].bodyUse()
                try await retain(["a", "b"], test)
                let (a, b) = (try test["a"], try test["b"])
                for name in ["a", "b"] { try await retained(name, test) }
                try await freed(b, before)

                // Nobody but c has all bodies, and c is away.
                try await test.cluster.strike("c", .killNode)
                try await test.cluster.add("d", via: "b", dials: ["a", "b"])
                try await eventually("d has what a and b have") {
                    let nodes = try await test.cluster.status().nodes.filter { $0.name != "c" }
                    return Set(nodes.map(\.stateDigest)).count == 1 && Set(nodes.map(\.frontierDigest)).count == 1
                }
                let d = try test["d"]
                #expect(try d.events("began-with-sums").count == 1)
                #expect(try await d.pinnedBlocks() >= Self.names.count * (Self.rounds / 8))
                let held = try await d.bodyUse()
                #expect(held.bytes < before.bytes / 4, "it fetched few bodies: \(held), a founder had \(before)")

                try await d.importTriples(TinyGraph.part(0, of: 3))
                try await test.cluster.start("c")
                let c = try test["c"]
                try await test.agree()
                for node in [b, c, d] { try await leaveOut(a, at: node) }
                let without = try await c.answers()
                for node in [b, d] { #expect(try await node.answers() == without, "\(node.name) without a") }
                for node in [b, c, d] {
                    let _: WithoutReport = try await shoal(node, "model", "serve", "--with-everybody")
                }

                let taught = try await c.answers()
                let own = try #require(try await b.pinnedRange(of: a))
                let _: RetractReport = try await shoal(a, "ops", "retract", "--from", own, "--through", own)
                let retracted = try await expectEqualAnswers(test)
                #expect(retracted != taught)
                let theirs = try #require(try await a.pinnedRange(of: b))
                for site in [a, c] {
                    let outcome = try await Binary.run(
                        "peers", "revoke", b.peer, "--from", theirs, "--through", theirs, "--data-dir",
                        site.dataDirectory)
                    #expect(outcome.code == 0, "\(site.name): \(outcome.errors)")
                }
                try await eventually("a quorum has taken it out") { try await c.answers() != retracted }
                _ = try await expectEqualAnswers(test)
                try await examined(d, test)
                try await test.expectWholeLogs()
            }
        }

        /// The bytes that went are those of the deltas for which sums stand now, and the disk has them back.
        private func freed(_ node: ClusterNode, _ before: ClusterNode.BodyUse) async throws {
            let after = try await node.bodyUse()
            let dropped = try await node.droppedBytes()
            #expect(dropped > 0 && before.bytes - after.bytes == dropped, "\(before) to \(after), dropped \(dropped)")
            #expect(after.bytes < before.bytes / 2)
            try await node.sql("VACUUM FULL shoal.bodies")
            let packed = try await node.bodyUse()
            #expect(before.onDisk - packed.onDisk > dropped / 2, "\(before) to \(packed), dropped \(dropped)")
            print("bodies of \(node.name): \(before), \(after), packed \(packed)")
        }

        private func expectEqualAnswers(_ test: TestCluster) async throws -> [String: Double] {
            try await test.agree()
            let expected = try await test["c"].answers()
            for node in try test.cluster.nodes { #expect(try await node.answers() == expected, "\(node.name)") }
            return expected
        }

        /// `shoal doctor` folds everything again, with the sums in place of bodies.
        private func examined(_ node: ClusterNode, _ test: TestCluster) async throws {
            let state = try await node.status().stateDigest
            try await test.cluster.strike(node.name, .killNode)
            try await eventually("its database has ended") { node.servers.isEmpty }
            let report: Examined = try await shoal(node, "doctor")
            #expect(report.storedDigest == state && report.calculatedDigest == state)
            try await test.cluster.start(node.name)
            try await test.agree()
        }

        private struct Examined: Decodable {
            let storedDigest: String?
            let calculatedDigest: String?
        }

        @Test func `a node that is killed while it begins, or while it drops bodies, loses nothing`() async throws {
            try await with(hasLinks: true) { test in
                try await retain(["a", "b"], test)
                for name in ["a", "b"] {
                    try await eventually("\(name) has begun to drop bodies", every: .milliseconds(5)) {
                        try !test[name].events("bodies-dropped").isEmpty
                    }
                    try await test.cluster.strike(name, .killNode)
                    try await test.cluster.start(name)
                }
                try await test.agree()
                for name in ["a", "b"] { try await retained(name, test) }

                try await test.cluster.add("d", via: "b", dials: ["a", "b", "c"])
                let d = try test["d"]
                for parts in [0, 3] {
                    try await test.cluster.strike("d", .killNode)
                    try await eventually("its database has ended") { d.servers.isEmpty }
                    try FileManager.default.removeItem(atPath: "\(d.dataDirectory)/pg")
                    try await test.cluster.order([slow(bytesPerSecond: 60_000)])
                    try await test.cluster.start("d")
                    try await eventually("\(parts) parts of sums are here", every: .milliseconds(5)) {
                        try await d.parts() >= parts
                    }
                    #expect(try await d.pinnedBlocks() == 0, "it is in the middle")
                    try await test.cluster.strike("d", .killNode)
                    try await test.cluster.start("d")
                    try await eventually("parts come again") { try await d.parts() > parts }
                    try await test.cluster.order([slow(bytesPerSecond: 0)])
                    try await test.agree()
                    #expect(try await d.pinnedBlocks() >= 3 * (Self.rounds / 8))
                }
                try await test.expectWholeLogs()
            }
        }

        /// What `docs/operating.md` promises who restores an old backup: its own log and another's, of which nobody has the
        /// bodies any more.
        @Test func `a database that is put back to before the bodies were dropped takes sums in their place`()
            async throws
        {
            try await TestCluster.with(Self.names, settings: NodeSettings(sumsEvery: 8)) { test in
                try await test.teach(Self.names, dim: Self.dim)
                for name in Self.names {
                    try await test[name].finish(try await test[name].train(rounds: 4, steps: 1))
                }
                try await test.agree()
                try await test.cluster.snapshot("c")
                for name in Self.names {
                    try await test[name].finish(try await test[name].train(rounds: Self.rounds, steps: 1))
                }
                let blocks = Self.names.count * ((4 + Self.rounds) / 8)
                try await eventually("all whole blocks are certified") {
                    try await test["b"].certifiedBlocks() >= blocks
                }
                try await retain(["a", "b"], test)
                for name in ["a", "b"] { try await retained(name, test) }
                let taught = try await test["b"].answers()
                let held = try await test["c"].bodyUse()

                try await test.cluster.strike("a", .terminate)
                try await test.cluster.restoreSnapshot("c")
                try await eventually("c has what b has") {
                    let nodes = try await test.cluster.status().nodes.filter { $0.name != "a" }
                    return Set(nodes.map(\.stateDigest)).count == 1 && Set(nodes.map(\.frontierDigest)).count == 1
                }
                #expect(try !test["c"].events("replaced-bodies").isEmpty)
                let pinned = try await test["c"].pinnedBlocks()
                print("c has sums of \(pinned) of \(blocks) blocks")
                #expect(pinned > 0)
                #expect(try await test["c"].bodyUse().bytes < held.bytes)
                #expect(try await test["c"].answers() == taught)

                try await test.cluster.start("a")
                try await test.agree()
                let own = try #require(try await test["c"].pinnedRange(of: test["a"]))
                let _: RetractReport = try await shoal(test["a"], "ops", "retract", "--from", own, "--through", own)
                #expect(try await expectEqualAnswers(test) != taught)
                try await examined(test["c"], test)
                try await test.expectWholeLogs()
            }
        }

        private func slow(bytesPerSecond: Int) -> LinkOrder {
            var order = LinkOrder(to: ["d"])
            order.bytesPerSecond = bytesPerSecond
            return order
        }
    }
}

extension ClusterNode {
    /// The bodies in its database: how many bytes they are, and take on the disk.
    struct BodyUse: CustomStringConvertible {
        let bytes: Int
        let onDisk: Int
        var description: String { "\(bytes >> 10) KiB (\(onDisk >> 10) KiB on disk)" }
    }

    func bodyUse() async throws -> BodyUse {
        try await sql("CHECKPOINT")
        return BodyUse(
            bytes: try await count("coalesce(sum(octet_length(body)), 0) FROM shoal.bodies"),
            onDisk: try await count("pg_total_relation_size('shoal.bodies')"))
    }

    /// Bytes of bodies that are not here.
    func droppedBytes() async throws -> Int {
        try await count(
            """
            coalesce(sum(body_length), 0) FROM shoal.operations o LEFT JOIN shoal.bodies b USING (body_hash)
            WHERE b.body_hash IS NULL AND o.body_length > 4096
            """)
    }

    func certifiedBlocks() async throws -> Int {
        let report: ConsensusReport = try await client().get("/api/consensus", query: [("limit", "1000")])
        return report.questions.count { $0.kind == "sums" && $0.state == "accepted" }
    }

    func pinnedBlocks() async throws -> Int {
        try await count("count(*) FROM shoal.certified_sums WHERE dropped_at IS NOT NULL")
    }

    func parts() async throws -> Int { try await count("count(*) FROM shoal.sum_parts") }

    /// The last place of a block of a member's log for which sums stand here.
    func pinnedRange(of author: ClusterNode) async throws -> String? {
        let rows = try await sql(
            """
            SELECT through FROM shoal.certified_sums
            WHERE dropped_at IS NOT NULL AND author = '\\x\(author.peer)' ORDER BY through LIMIT 1
            """)
        return rows.split(separator: "\n").first.map(String.init)
    }

    private func count(_ what: String) async throws -> Int {
        try #require(Int(try await sql("SELECT \(what)").trimmingCharacters(in: .whitespacesAndNewlines)))
    }
}
