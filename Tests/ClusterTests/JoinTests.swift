import API
import Foundation
import Identity
import Site
import Testing
import Wire

@testable import Harness

extension ClusterTests {
    /// A fourth site joins three by a ticket, by the commands that people type.
    @Suite struct JoinTests {
        private struct Joined: Decodable {
            let peer: String
            let members: Int
            let dials: Int
        }

        private func shoal(_ words: String...) async throws -> Binary.Outcome {
            try await Binary.run(program: Binary.path, words)
        }

        private func ticket(_ node: ClusterNode, _ words: String...) async throws -> String {
            let outcome = try await Binary.run(
                program: Binary.path, ["invite"] + words + ["--data-dir", node.dataDirectory])
            #expect(outcome.code == 0, "\(outcome.errors)")
            return outcome.output.trimmingCharacters(in: .newlines)
        }

        @Test func `a site with a ticket gets all ops and the same state, takes part, and nobody else may use it`()
            async throws
        {
            try await TestCluster.with(["a", "b", "c"]) { test in
                let a = try test["a"]
                try await test.teach(["a", "b", "c"])
                for name in ["a", "b", "c"] {
                    let node = try test[name]
                    try await node.finish(try await node.train(rounds: 20, steps: 1))
                }
                let home = URL(filePath: a.dataDirectory).deletingLastPathComponent().path + "/.d"
                try FileManager.default.createDirectory(
                    atPath: home, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o711])
                let site = ["--data-dir", "\(home)/data"]
                let ticket = try await ticket(a, "d")
                let outcome = try await Binary.run(
                    program: Binary.path, ["join", ticket, "--keys", "\(home)/keys", "--json"] + site)
                #expect(outcome.code == 0, "\(outcome.errors)")
                let joined: Joined = try JSON.decode(Joined.self, from: Array(outcome.output.utf8))
                #expect(joined.members == 3 && joined.dials == 3)
                for stage in ["the inviter is dialled", "asked to let it into test", "the members are noted"] {
                    #expect(outcome.errors.contains(stage), "\(stage): \(outcome.errors)")
                }

                let running = try Running(Binary.path, ["run", "--no-train"] + site)
                defer { running.terminate() }
                try await eventually("the new site has what the others have, to the bit", within: .seconds(120)) {
                    let told = try await Binary.run(program: Binary.path, ["status", "--json"] + site)
                    guard told.code == 0 || told.code == 1,
                        let d = try? JSON.decode(StatusReport.self, from: Array(told.output.utf8))
                    else { return false }
                    let others = try await test.agree()
                    return others.nodes.allSatisfy {
                        $0.frontierDigest == d.frontierDigest && $0.stateDigest == d.stateDigest
                    }
                }

                let made = try await Binary.run(
                    program: Binary.path, ["model", "create", "--agent", "of-d", "--dim", "16"] + site)
                #expect(made.code == 0, "\(made.errors)")
                for node in try test.cluster.nodes {
                    try await eventually("\(node.name) takes what d signs") {
                        let models: [ModelReport] = try await node.client().get("/api/models")
                        return models.contains { $0.agent == "of-d" }
                    }
                }
                try await admitted(joined.peer, test)
                try await badTickets(test, used: ticket, home)
                running.terminate()
                #expect(await running.end().code == 0)
            }
        }

        /// The inviter has said yes; with the yes of the two others the right to vote is certified.
        private func admitted(_ peer: String, _ test: TestCluster) async throws {
            for name in ["b", "c"] {
                let yes = try await shoal("peers", "admit", peer, "--data-dir", try test[name].dataDirectory)
                #expect(yes.code == 0, "\(yes.errors)")
            }
            try await eventually("the admission is certified") {
                let report: ConsensusReport = try await test["c"].client().get("/api/consensus")
                return report.questions.contains {
                    $0.kind == "admission" && $0.subject == peer && $0.state == "accepted"
                }
            }
        }

        private func badTickets(_ test: TestCluster, used: String, _ home: String) async throws {
            let b = try test["b"]
            func refused(_ ticket: String, _ place: String, clock: [String] = []) async throws -> String {
                let words = ["join", ticket, "--keys", "\(home)/\(place)/keys", "--data-dir", "\(home)/\(place)/data"]
                let outcome = try await Binary.run(program: "/usr/bin/env", clock + [Binary.path] + words)
                #expect(outcome.code == 4, "\(place): \(outcome.output)\(outcome.errors)")
                #expect(
                    !FileManager.default.fileExists(atPath: "\(home)/\(place)/keys/test.network"),
                    "\(place): it got the secret")
                return outcome.errors
            }
            #expect(try await refused(used, "used").contains("was used by another site"))
            let short = try await ticket(b, "late", "--expires", "1s")
            try await Task.sleep(for: .seconds(2))
            #expect(try await refused(short, "expired").contains("expired"))
            let skewed = try await refused(
                short, "skewed",
                clock: ["LD_PRELOAD=\(try fakeTime())", "FAKETIME=+2h", "FAKETIME_DONT_FAKE_MONOTONIC=1"])
            #expect(skewed.contains("clock is 2 h") && skewed.contains("ahead of the inviter's"), "\(skewed)")

            let gone = try await ticket(b, "gone")
            let withdrawn = try await shoal("invite", "gone", "--withdraw", "--data-dir", b.dataDirectory)
            #expect(withdrawn.code == 0, "\(withdrawn.errors)")
            #expect(try await refused(gone, "withdrawn").contains("withdrawn"))

            let good = try Ticket(parsing: try await ticket(b, "foreign"))
            let foreign = Ticket(
                inviter: good.inviter, network: NetworkID(Array(repeating: 9, count: 32))!, secret: good.secret,
                expires: good.expires, name: good.name, networkName: good.networkName, addresses: good.addresses)
            #expect(try await refused(foreign.text, "foreign").contains("another network"))
            let taken = try await shoal("invite", "a", "--data-dir", try test["a"].dataDirectory)
            #expect(taken.code == 4 && taken.errors.contains("a member of the name a"), "\(taken.errors)")
        }

        private func fakeTime() throws -> String {
            let found = ["x86_64-linux-gnu", "aarch64-linux-gnu"]
                .map { "/usr/lib/\($0)/faketime/libfaketimeMT.so.1" }
                .first { FileManager.default.fileExists(atPath: $0) }
            return try #require(found, "libfaketime is a package that the tests need")
        }
    }
}
