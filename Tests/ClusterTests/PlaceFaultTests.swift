import API
import Foundation
import Glibc
import Testing

@testable import Harness

extension ClusterTests {
    /// What a node needs of its machine, taken away: one sentence, nothing lost, and it goes on when it is back.
    @Suite struct PlaceFaultTests {
        /// Starts the node by hand; it must end with exit code 3 and one sentence.
        private func refusal(_ arguments: [String], program: String = Binary.path) async throws -> String {
            let outcome = try await Binary.run(program: program, arguments)
            #expect(outcome.code == 3, "\(outcome.errors)")
            #expect(outcome.output == "", "nothing on the output")
            let lines = outcome.errors.split(separator: "\n").filter { $0.hasPrefix("shoal: ") }
            #expect(lines.count == 1, "\(outcome.errors)")
            return String(lines.first ?? "")
        }

        @Test(.enabled(if: SmallDisk.isPossible, "needs the right to mount a small file system"))
        func `a node stops before its disk is full, the others go on, and it resumes when there is room`()
            async throws
        {
            try await TestCluster.with(["a", "b"], mounting: "b") { test, disk in
                try await test.teach(["a", "b"])
                let (a, b) = (try test["a"], try test["b"])
                try await a.finish(try await a.train(rounds: 5))
                try await test.agree()
                try disk.fill(leaving: 24 << 20)
                try await a.finish(try await a.train(rounds: 20))
                try await eventually("b stops") { !b.isAlive && b.servers.isEmpty }
                let words = b.lastWords(1)
                #expect(words.contains("shoal: ") && words.contains("the node had to stop"), "\(words)")
                #expect(words.contains("MiB are free, fewer than the 32 MiB"), "\(words)")
                #expect(words.contains("free some space there"), "\(words)")
                #expect(
                    try await refusal(["run", "--data-dir", b.dataDirectory]).contains("fewer than the 64 MiB"))
                #expect(a.isAlive)

                try disk.heal()
                try await test.cluster.start("b")
                try await test.agree()
                #expect(try await test["b"].ops(of: a) >= 25)
                let again = try test["b"]
                try await again.finish(try await again.train(rounds: 3))
                try await test.agree()
                try await test.expectWholeLogs()
            }
        }

        @Test(.enabled(if: SmallDisk.isPossible, "needs the right to mount a small file system"))
        func `on a read-only disk a node does not start, and resumes when it can write`() async throws {
            try await TestCluster.with(["a", "b"], mounting: "b") { test, disk in
                try await test.teach(["a", "b"])
                let (a, b) = (try test["a"], try test["b"])
                try await test.agree()
                try await test.cluster.strike("b", .terminate)
                try await eventually("nobody has a file open there") { b.servers.isEmpty && b.strays.isEmpty }
                try disk.setReadOnly()
                try await a.finish(try await a.train(rounds: 3))
                let sentence = try await refusal(["run", "--data-dir", b.dataDirectory])
                #expect(sentence.contains("cannot write to the data directory \(b.dataDirectory)"), "\(sentence)")
                #expect(sentence.contains("Read-only file system"), "\(sentence)")

                try disk.heal()
                try await test.cluster.start("b")
                try await test.agree()
                try await test.expectWholeLogs()
            }
        }

        @Test(.enabled(if: geteuid() != 0 || Binary.find("setpriv") != nil, "as root it needs setpriv"))
        func `in a directory without the right to write a node does not start`() async throws {
            try await Place.with { place in
                try FileManager.default.copyItem(atPath: Binary.path, toPath: "\(place)/shoal")
                try #require(chmod("\(place)/shoal", 0o755) == 0)
                let cluster = try Cluster(
                    making: .init(network: "test", names: ["a"], binary: Binary.path), in: "\(place)/c")
                let a = try cluster.node("a")
                try FileManager.default.createDirectory(atPath: a.dataDirectory, withIntermediateDirectories: true)
                var command = ["\(place)/shoal", "run", "--data-dir", a.dataDirectory]
                command += ["--key", a.keyPath, "--network", a.networkPath]
                if geteuid() == 0 {
                    for path in [a.dataDirectory, a.keyPath, a.networkPath, "\(place)/c/keys"] {
                        try #require(chown(path, 65_534, 65_534) == 0)
                    }
                    command =
                        [try #require(Binary.find("setpriv")), "--reuid=65534", "--regid=65534", "--clear-groups"]
                        + command
                }
                try #require(chmod(a.dataDirectory, 0o500) == 0)
                let sentence = try await refusal(Array(command.dropFirst()), program: command[0])
                #expect(sentence.contains("cannot write to the data directory \(a.dataDirectory)"), "\(sentence)")
                #expect(sentence.contains("Permission denied"), "\(sentence)")
                #expect(sentence.contains("Choose a place that this user may use"), "\(sentence)")
                #expect(chmod(a.dataDirectory, 0o700) == 0)
            }
        }

        @Test(
            .enabled(if: SmallDisk.isPossible && Binary.find("unshare") != nil, "needs unshare and the right to mount"))
        func `without PostgreSQL's programs a node does not start, and resumes when they are back`() async throws {
            try await TestCluster.with(["a", "b"]) { test in
                try await test.teach(["a", "b"])
                let (a, b) = (try test["a"], try test["b"])
                try await test.agree()
                try await test.cluster.strike("b", .terminate)
                try await a.finish(try await a.train(rounds: 3))
                // A view of the file system of its own, without them.
                let hidden = """
                    mount -t tmpfs none /usr/lib/postgresql && PATH=/usr/bin:/bin && exec "$0" run --data-dir "$1"
                    """
                let unshare = try #require(Binary.find("unshare"))
                let command = ["--mount", "sh", "-c", hidden, Binary.path, b.dataDirectory]
                let sentence = try await refusal(command, program: unshare)
                #expect(sentence.contains("cannot start a private PostgreSQL"), "\(sentence)")
                #expect(sentence.contains("no PostgreSQL server programs"), "\(sentence)")
                #expect(sentence.contains("apt-get install postgresql-"), "\(sentence)")

                try await test.cluster.start("b")
                try await test.agree()
                try await test.expectWholeLogs()
            }
        }

        @Test func `while PostgreSQL cannot come back the status says so at once, and the node goes on when it does`()
            async throws
        {
            try await TestCluster.with(["a", "b"]) { test in
                try await test.teach(["a", "b"])
                let (a, b) = (try test["a"], try test["b"])
                let before = try await test.agree().nodes[0]
                // A setting that PostgreSQL refuses keeps it away as long as the test wants.
                let obstacle = "\(b.dataDirectory)/pg/local.conf"
                try Data("no_such_setting = 1\n".utf8).write(to: URL(filePath: obstacle))
                try await test.cluster.strike("b", .killPostgres)
                try await eventually("b says what is wrong") {
                    // Asked with a patience of seconds, where a question to the database waits for half a minute.
                    try await test.cluster.status().nodes[1].trouble?.contains("local.conf") == true
                }
                let row = try await test.cluster.status().nodes[1]
                #expect(row.state == "up" && row.ops == before.ops && row.stateDigest == before.stateDigest)
                let told = try await Binary.run("status", "--data-dir", b.dataDirectory)
                #expect(told.code == 1 && told.output.contains("is in trouble"), "\(told.output)\(told.errors)")
                try await a.finish(try await a.train(rounds: 3))
                #expect(b.isAlive)

                try FileManager.default.removeItem(atPath: obstacle)
                try await eventually("b is well again") {
                    let status = try await b.status()
                    return status.trouble == nil && status.graph.nodes > 0
                }
                try await test.agree()
                try await test.expectWholeLogs()
            }
        }
    }
}
