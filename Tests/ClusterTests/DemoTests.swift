import Foundation
import Testing

@testable import Harness

extension ClusterTests {
    @Suite struct DemoTests {
        /// Three sites: one with held-out triples, one without, one without any triple.
        private func writeData(to path: String) throws {
            let lines = TinyGraph.part(0, of: 1).split(separator: "\n").map(String.init)
            // Every name of a held-out triple stays in train.
            let valid = stride(from: 0, to: 72, by: 12).map { lines[$0] }
            let test = stride(from: 6, to: 72, by: 12).map { lines[$0] }
            let files: [(String, [String])] = [
                ("first/train.txt", lines.filter { !(valid + test).contains($0) }), ("first/valid.txt", valid),
                ("first/test.txt", test), ("second/train.txt", Array(lines[40...])), ("third/test.txt", []),
            ]
            for (name, lines) in files {
                let file = URL(filePath: path).appending(path: name)
                try FileManager.default.createDirectory(
                    at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
                try Data(lines.map { $0 + "\n" }.joined().utf8).write(to: file)
            }
        }

        @Test func `demo --exit --json prints every field, also for sites without triples`() async throws {
            try await Place.with { place in
                try writeData(to: "\(place)/tiny")
                let outcome = try await Binary.run(
                    "demo", "--data", "\(place)/tiny", "--dir", "\(place)/c", "--rounds", "3", "--steps", "5", "--dim",
                    "16",
                    "--exit", "--json")
                try #require(outcome.code == 0, "\(outcome.errors)")
                #expect(outcome.output.split(separator: "\n").count == 1, "one object and nothing else")
                let report = try #require(
                    try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
                #expect(report["dataset"] as? String == "tiny")
                #expect(report["protocol"] as? String == "two-sided")
                #expect(report["filter"] as? String == "all-sites")
                #expect(report["digests_equal"] as? Bool == true)
                let (wall, federated) = (report["wall_seconds"] as? Double, report["federated_seconds"] as? Double)
                #expect(try 0 < #require(federated) && #require(federated) < #require(wall))
                let sites = try #require(report["sites"] as? [[String: Any]])
                #expect(sites.map { $0["name"] as? String } == ["first", "second", "third"])
                for site in sites {
                    for field in [
                        "ops", "bytes_sent", "bytes_received", "frontier_digest", "state_digest", "balance_nkoi",
                        "patterns_accepted",
                    ] { #expect(site[field] != nil && !(site[field] is NSNull), "\(field)") }
                    for model in ["isolated", "federated", "served", "pooled"] {
                        let score = try #require(site[model] as? [String: Any], "\(model)")
                        #expect(Set(score.keys) == ["mrr", "hits1", "hits10", "queries"])
                        let hasQueries = site["name"] as? String == "first"
                        #expect(score["queries"] as? Int == (hasQueries ? 12 : 0))
                        #expect(score["mrr"] is NSNull == !hasQueries, "no figure where nothing was asked")
                    }
                }
                let isolated = try #require((sites[0]["isolated"] as? [String: Any])?["mrr"] as? Double)
                #expect(report["isolated_mrr"] as? Double == isolated, "the mean counts queries alone")
                #expect(report["pooled_mrr"] is Double)
                #expect(try Cluster(existing: "\(place)/c").nodes.allSatisfy { !$0.isAlive && $0.servers.isEmpty })
            }
        }

        /// Three hospitals that share their relations, for as many rounds as help beyond doubt.
        @Test func `sites are paid for what others measured, and verify each other's rules`() async throws {
            try await Place.with { place in
                let outcome = try await Binary.run(
                    "demo", "--dir", "\(place)/c", "--rounds", "6", "--steps", "12", "--dim", "32", "--exit", "--json")
                try #require(outcome.code == 0, "\(outcome.errors)")
                let report = try #require(
                    try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
                #expect(report["digests_equal"] as? Bool == true)
                let koi = try #require(report["koi"] as? [[String: Any]])
                #expect(koi.map { $0["site"] as? String } == ["north", "river", "harbour"])
                let patterns = try #require(report["patterns"] as? [[String: Any]])
                #expect(patterns.count == 24 && patterns.allSatisfy { $0["state"] as? String != "open" })
                for site in koi {
                    #expect(site["claims"] as? Int == 2, "six rounds are two claims of three")
                    #expect(site["claims_paid"] as? Int ?? 0 > 0 && site["gain"] as? Double ?? 0 > 0)
                    let own = patterns.filter { $0["proposer_name"] as? String == site["site"] as? String }
                    let (accepted, rejected) = (
                        own.count { $0["state"] as? String == "accepted" },
                        own.count { $0["state"] as? String == "rejected" }
                    )
                    let measured = try #require(site["patterns_measured"] as? Int)
                    let training = try #require(site["claims_nkoi"] as? Int)
                    // A grant of 100; 10 for an accepted rule, 2 for measuring one, 5 lost with a rejected one.
                    let rules = (10 * accepted + 2 * measured - 5 * rejected) * 1_000_000_000
                    #expect(site["balance_nkoi"] as? Int == 100_000_000_000 + training + rules)
                }
                #expect(koi.contains { $0["patterns_accepted"] as? Int ?? 0 > 0 })
            }
        }

        @Test func `Ctrl-C in the middle of a demo leaves nothing running`() async throws {
            try await Place.with { place in
                let demo = try Running(Binary.path, ["demo", "--dir", "\(place)/c", "--rounds", "1000"])
                try await eventually("the sites train") { demo.errorText.contains("Alone") || !demo.isRunning }
                let nodes = try Cluster(existing: "\(place)/c").nodes
                #expect(nodes.count == 3 && nodes.allSatisfy(\.isAlive))
                demo.interrupt()
                let outcome = await demo.end()
                #expect(outcome.code != 0)
                #expect(nodes.allSatisfy { !$0.isAlive && $0.servers.isEmpty && $0.strays.isEmpty })
            }
        }

        @Test func `a demo that is killed takes its nodes and databases with it`() async throws {
            try await Place.with { place in
                let demo = try Running(Binary.path, ["demo", "--dir", "\(place)/c", "--rounds", "1000"])
                try await eventually("the sites train") { demo.errorText.contains("Alone") || !demo.isRunning }
                let nodes = try Cluster(existing: "\(place)/c").nodes
                #expect(nodes.count == 3 && nodes.allSatisfy { $0.isAlive && !$0.servers.isEmpty })
                demo.kill()
                _ = await demo.end()
                try await eventually("nothing is left running", within: .seconds(40)) {
                    nodes.allSatisfy { !$0.isAlive && $0.servers.isEmpty && $0.strays.isEmpty }
                }
            }
        }

        @Test func `a faulty data folder is refused before anything starts`() async throws {
            try await Place.with { place in
                try writeData(to: "\(place)/tiny")
                try Data("a\tb\tc\na\tb\n".utf8).write(to: URL(filePath: "\(place)/tiny/second/valid.txt"))
                let outcome = try await Binary.run("demo", "--data", "\(place)/tiny", "--dir", "\(place)/c", "--exit")
                #expect(outcome.code == 4)
                #expect(outcome.errors.contains("second/valid.txt") && outcome.errors.contains("line 2"))
                #expect(!FileManager.default.fileExists(atPath: "\(place)/c"))
            }
        }
    }
}
