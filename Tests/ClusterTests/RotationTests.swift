import API
import Foundation
import Testing

@testable import Harness

extension ClusterTests {
    /// A site takes another key by the command that people type, and stays the same member with all that it has.
    @Suite struct RotationTests {
        private func shoal(_ node: ClusterNode, _ words: String...) async throws -> Binary.Outcome {
            try await Binary.run(program: Binary.path, words + ["--data-dir", node.dataDirectory])
        }

        private func balance(_ node: ClusterNode, of peer: String) async throws -> Int64 {
            let report: KoiReport = try await node.client().get("/api/koi")
            return report.wallets.filter { $0.owner == peer }.reduce(0) { $0 + $1.balance.nkoi }
        }

        private func electors(_ node: ClusterNode) async throws -> [String] {
            let report: ConsensusReport = try await node.client().get("/api/consensus")
            return report.electors
        }

        /// While `body` runs, the node finds its file of peers on a file system that takes nothing.
        private func withStuckPeersFile<Value>(
            _ node: ClusterNode, _ body: () async throws -> Value
        ) async throws -> Value {
            guard SmallDisk.isPossible else { return try await body() }
            let directory = URL(filePath: node.peersPath).deletingLastPathComponent().path
            // Those of the other nodes lie there as well.
            let names = try FileManager.default.contentsOfDirectory(atPath: directory)
            let files = try names.map { try String(contentsOfFile: "\(directory)/\($0)", encoding: .utf8) }
            return try await SmallDisk.with(at: directory) { disk in
                for (name, text) in zip(names, files) {
                    try text.write(toFile: "\(directory)/\(name)", atomically: false, encoding: .utf8)
                }
                try disk.setReadOnly()
                return try await body()
            }
        }

        /// Equal, and quiet.
        private func agree(_ nodes: [ClusterNode]) async throws {
            try await eventually("all have the same ops and the same state") {
                var states: Set<[String]> = []
                for node in nodes {
                    let status = try await node.status()
                    guard status.waiting == 0, status.trouble == nil else { return false }
                    states.insert([status.frontierDigest, status.stateDigest])
                }
                return states.count == 1
            }
        }

        private func trainsOn(_ node: ClusterNode, heardBy other: ClusterNode, as peer: String) async throws {
            try await node.finish(try await node.train(rounds: 2))
            let graph = try await node.status().graph
            #expect(graph.edges > 0, "the graph is the one that it had")
            try await eventually("\(other.name) has heard its new key") {
                try await other.status().peers.first { $0.peer == peer }?.ops ?? 0 > 0
            }
        }

        @Test func `a site with a new key has its vote, its Koi, its graph and its name, and nobody else does a thing`()
            async throws
        {
            try await TestCluster.with(["a", "b", "c"]) { test in
                let (a, b, c) = (try test["a"], try test["b"], try test["c"])
                try await test.teach(["a", "b", "c"])
                try await c.finish(try await c.train(rounds: 2))
                try await test.agree()
                let koi = try await balance(a, of: c.peer)
                #expect(koi > 0)

                let unsure = try await shoal(c, "keys", "rotate")
                #expect(unsure.code == 2 && unsure.errors.contains("--yes"), "\(unsure.errors)")
                let begin = ContinuousClock.now
                let rotated = try await withStuckPeersFile(b) {
                    let rotated = try await shoal(c, "keys", "rotate", "--yes", "--json")
                    guard SmallDisk.isPossible else { return rotated }
                    try await eventually("b says in its log that its file of peers is behind") {
                        let log = try String(contentsOfFile: "\(b.dataDirectory)/log", encoding: .utf8)
                        return log.contains("event=peers-file-behind file=\(b.peersPath)") && log.contains("cause=")
                    }
                    return rotated
                }
                let seconds = (ContinuousClock.now - begin).seconds
                print("keys rotate: \(seconds) s")
                #expect(rotated.code == 0, "\(rotated.output)\(rotated.errors)")
                #expect(seconds < 30)
                let report: RotationReport = try JSON.decode(RotationReport.self, from: Array(rotated.output.utf8))
                let next = report.peer
                #expect(next != c.peer && report.state == "none" && report.successor == nil)
                try await isDoneOnce(c, next)
                #expect(c.isAlive, "its service is the same process")

                let shown = try await Binary.run("keys", "show", c.keyPath)
                #expect(shown.output.contains(next), "the key file holds the new key")
                for file in ["next.key", "rotated"] {
                    #expect(!FileManager.default.fileExists(atPath: "\(c.dataDirectory)/\(file)"))
                }
                for node in [a, b] {
                    let seen = try await node.status().peers
                    #expect(seen.first { $0.peer == c.peer }?.successor == next)
                    #expect(seen.first { $0.peer == next }?.member == true)
                    #expect(seen.first { $0.peer == next }?.name == "c")
                    try await eventually("\(node.name) has it in the place of the old one") {
                        let electors = try await electors(node)
                        return electors.contains(next) && !electors.contains(c.peer) && electors.count == 3
                    }
                    #expect(try await balance(node, of: next) == koi)
                    #expect(try await balance(node, of: c.peer) == 0)
                }
                try await trainsOn(c, heardBy: a, as: next)
                try await agree([a, b, c])
                try await votes(c, next, a, b)
                try await survivesRestarts(test, next, before: c.peer)
                try await again(c, next)
            }
        }

        /// A payment is final when three of three have voted.
        private func votes(_ c: ClusterNode, _ next: String, _ a: ClusterNode, _ b: ClusterNode) async throws {
            let sent = try await shoal(a, "koi", "send", "--to", "b", "1.5")
            #expect(sent.code == 0, "\(sent.errors)")
            try await eventually("the payment is final") {
                try await balance(b, of: b.peer) > balance(a, of: a.peer)
            }
            let paid = try await shoal(c, "koi", "send", "--to", "a", "2")
            #expect(paid.code == 0, "the Koi can be spent: \(paid.errors)")
        }

        private func survivesRestarts(_ test: TestCluster, _ next: String, before old: String) async throws {
            for name in ["a", "b", "c"] {
                try await test.cluster.strike(name, .terminate)
                try await test.cluster.start(name)
            }
            let (a, c) = (try test["a"], try test["c"])
            try await eventually("a dials the new key where the old one was") {
                try await a.status().peers.first { $0.peer == next }?.connected == true
            }
            #expect(try await c.status().peer == next)
            for node in [a, try test["b"]] {
                try await eventually(
                    "the file of peers of \(node.name) has followed, also the one that could not at first"
                ) {
                    let peers = try String(contentsOfFile: node.peersPath, encoding: .utf8)
                    return peers.contains(next) && !peers.contains(old)
                }
            }
        }

        /// Whoever asks twice, by the command or over HTTP, gets one key.
        private func isDoneOnce(_ c: ClusterNode, _ next: String) async throws {
            let told = try await shoal(c, "keys", "rotate", "--yes")
            #expect(told.code == 0 && told.output.contains("nothing was done now"), "\(told.output)\(told.errors)")
            #expect(told.output.contains("--again"), "it says how to get another")
            let asked: RotationReport = try await c.client().post(
                "/api/keys/rotation", RotationRequest(network: "test"))
            #expect(asked.peer == next && asked.state == "none" && asked.successor == nil)
            let seconds = try #require(asked.since)
            #expect(abs(Date().timeIntervalSince1970 - Double(seconds)) < 120)
        }

        /// From the second key to a third, which has to be asked for.
        private func again(_ c: ClusterNode, _ second: String) async throws {
            let rotated = try await shoal(c, "keys", "rotate", "--yes", "--again", "--json")
            #expect(rotated.code == 0, "\(rotated.errors)")
            let report: RotationReport = try JSON.decode(RotationReport.self, from: Array(rotated.output.utf8))
            #expect(report.peer != second)
        }

        @Test func `whatever moment a site is killed at, it comes to its new key, and nothing is paid twice`()
            async throws
        {
            try await TestCluster.with(["a", "b", "c"]) { test in
                let (a, b) = (try test["a"], try test["b"])
                try await test.teach(["a", "b", "c"])
                try await test.agree()
                var peer = try test["c"].peer
                let koi = try await balance(a, of: peer)
                var words = ["keys", "rotate", "--yes"]
                for delayMs in [50, 300, 900, 1_500, 2_500] {
                    let c = try test["c"]
                    let command = try Running(
                        Binary.path, words + ["--data-dir", c.dataDirectory])
                    try await Task.sleep(for: .milliseconds(delayMs))
                    if c.isAlive { try await test.cluster.strike("c", .killNode) }
                    command.kill()
                    _ = await command.end()
                    try await test.cluster.start("c")
                    let now = try test["c"]
                    // One that had begun goes on, one that had got through says so, one that had not begun does so now.
                    let isSame = try await now.status().peer == peer
                    let finished = try await Binary.run(
                        program: Binary.path,
                        (isSame ? words : ["keys", "rotate", "--yes"]) + ["--json", "--data-dir", now.dataDirectory])
                    words = ["keys", "rotate", "--yes", "--again"]
                    #expect(finished.code == 0, "\(delayMs) ms: \(finished.errors)")
                    let report: RotationReport = try JSON.decode(
                        RotationReport.self, from: Array(finished.output.utf8))
                    #expect(report.peer != peer && report.state == "none", "\(delayMs) ms")
                    peer = report.peer
                    #expect(try await balance(a, of: peer) == koi, "\(delayMs) ms")
                    try await agree([a, b, try test["c"]])
                }
                let forks: [OpReport] = try await a.client().get("/api/ops", query: [("kind", "equivocation")])
                #expect(forks.isEmpty)
                #expect(try await a.status().members == 3)
            }
        }

        @Test func `who is alone takes another key as well, and a locked key is followed by a locked one`()
            async throws
        {
            try await TestCluster.with(["a"]) { test in
                let a = try test["a"]
                try await test.cluster.strike("a", .terminate)
                let words = ["SHOAL_PASSPHRASE=correct horse", Binary.path]
                let locked = try await Binary.run(
                    program: "/usr/bin/env",
                    words + ["keys", "lock", "a", "--keys", URL(filePath: a.keyPath).deletingLastPathComponent().path])
                #expect(locked.code == 0, "\(locked.errors)")
                let node = try Running("/usr/bin/env", words + ["run", "--no-train", "--data-dir", a.dataDirectory])
                defer { node.terminate() }
                try await eventually("it runs") { try await shoal(a, "status").code != 3 }
                let rotated = try await shoal(a, "keys", "rotate", "--yes")
                #expect(rotated.code == 0 && rotated.output.contains("runs under its new key"), "\(rotated.errors)")
                let closed = try await Binary.run("keys", "show", a.keyPath)
                #expect(closed.code == 3 && closed.errors.contains("locked"), "\(closed.errors)")
                let open = try await Binary.run(program: "/usr/bin/env", words + ["keys", "show", a.keyPath])
                #expect(open.code == 0 && !open.output.contains(a.peer), "\(open.errors)")
            }
        }
    }
}
