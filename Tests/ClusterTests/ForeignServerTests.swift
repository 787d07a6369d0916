import API
import Foundation
import Site
import Testing

@testable import Harness

extension ClusterTests {
    /// Sites whose database somebody else runs.
    @Suite struct ForeignServerTests {
        /// Each of them in a schema of its own, called like it.
        private func cluster(
            _ names: [String], at url: String, _ body: (TestCluster) async throws -> Void
        ) async throws {
            try await Place.with { place in
                let cluster = try Cluster(
                    making: .init(network: "test", names: names, binary: Binary.path), in: "\(place)/c")
                for name in names {
                    let data = try DataDirectory(creating: try cluster.node(name).dataDirectory)
                    var settings = SiteConfig(name: try SiteName(checking: name))
                    settings.databaseURL = url
                    settings.schema = name
                    try settings.save(to: data.configPath)
                }
                try await TestCluster(cluster: cluster).use(body)
            }
        }

        /// Trains at all of them at once while `strike` happens to the database.
        private func train(_ names: [String], _ test: TestCluster, while strike: () async throws -> Void) async throws {
            var jobs: [(ClusterNode, Int)] = []
            for name in names { jobs.append((try test[name], try await test[name].train(rounds: 40))) }
            let first = jobs[0].0
            let before = try await first.status().ops
            try await eventually("training is under way") { try await first.status().ops > before + 5 }
            try await strike()
            for (node, job) in jobs { try await node.finish(job) }
            try await test.agree()
            try await test.expectWholeLogs()
        }

        @Test func `three sites share a server with TLS and no rights but their schemas, and outlive its restarts`()
            async throws
        {
            try await ForeignServer.with { server in
                try await cluster(["a", "b", "c"], at: server.url()) { test in
                    try await test.teach(["a", "b", "c"])
                    try await test.agree()
                    let schemas = try await server.ask(
                        "SELECT nspname FROM pg_namespace WHERE pg_get_userbyid(nspowner) = 'site' ORDER BY 1")
                    #expect(schemas == ["a", "b", "c"])
                    let plain = try await server.ask(
                        "SELECT count(*) FROM pg_stat_activity JOIN pg_stat_ssl USING (pid) WHERE usename = 'site' AND NOT ssl"
                    )
                    #expect(plain == ["0"])
                    #expect(try await test["a"].status().database.kind == "external")

                    for mode in ["fast", "immediate"] {
                        try await train(["a", "b", "c"], test) {
                            try await server.stop(mode)
                            try await Task.sleep(for: .seconds(2))
                            try await server.start()
                        }
                    }
                    try await second(in: "a", of: test, server)
                }
            }
        }

        /// Another site is not let into a schema that is in use.
        private func second(in schema: String, of test: TestCluster, _ server: ForeignServer) async throws {
            let a = try test[schema]
            let place = URL(filePath: a.dataDirectory).deletingLastPathComponent().path
            let made = try await Binary.run(
                "init", "--name", "e", "--keys", "\(place)/.keys", "--data-dir", "\(place)/.e")
            #expect(made.code == 0, "\(made.errors)")
            let told = try await Binary.run(
                "run", "--data-dir", "\(place)/.e", "--network", a.networkPath, "--database-url", server.url(),
                "--schema", schema)
            #expect(told.code == 4 && told.errors.contains("node a holds it"), "\(told.errors)")
        }

        // MARK: What is in the way

        /// Runs a new site until it says why it cannot.
        private func refusal(_ url: String, _ place: String) async throws -> (code: Int32, errors: String) {
            let name = "s\(UUID().uuidString.prefix(6))"
            let (keys, data) = ("\(place)/keys", "\(place)/\(name)")
            for words in [
                ["init", "--name", name, "--data-dir", data, "--keys", keys],
                ["network", "new", "n\(name)", "--member", "\(keys)/\(name).pub", "--keys", keys, "--peers", keys],
            ] {
                let made = try await Binary.run(program: Binary.path, words)
                #expect(made.code == 0, "\(made.errors)")
            }
            let told = try await Binary.run(
                "run", "--data-dir", data, "--network", "\(keys)/n\(name).network", "--database-url", url)
            #expect(!told.errors.contains("a:b/c@d") && !told.errors.contains("a%3Ab"), "the password is told")
            return (told.code, told.errors)
        }

        @Test func `what a server does not grant is named, with who can help`() async throws {
            try await ForeignServer.with(administrator: ForeignServer.extensions) { server in
                try await Place.with { place in
                    let noRight = try await refusal(server.url(), place)
                    #expect(noRight.code == 4, "\(noRight.errors)")
                    #expect(noRight.errors.contains("GRANT CREATE ON DATABASE clinic TO site"), "\(noRight.errors)")
                    try await server.ask("CREATE SCHEMA shoal AUTHORIZATION site")
                    try await server.ask("DROP EXTENSION cube")
                    let noExtension = try await refusal(server.url(), place)
                    #expect(
                        noExtension.code == 4 && noExtension.errors.contains("CREATE EXTENSION cube"),
                        "\(noExtension.errors)")
                    let noPassword = try await refusal(server.url(password: "wrong"), place)
                    #expect(noPassword.code == 3 && noPassword.errors.contains("password"), "\(noPassword.errors)")
                    let stranger = try await refusal(server.url(authority: "\(server.directory)/stranger.crt"), place)
                    #expect(
                        stranger.code == 3 && stranger.errors.contains("certificate verify failed"),
                        "\(stranger.errors)")
                    let other = try await refusal(server.url().replacing("localhost", with: "other.example"), place)
                    #expect(other.code == 3 && other.errors.contains("does not match host name"), "\(other.errors)")
                }
            }
        }

        @Test
        func
            `a schema that an administrator made is enough to run, and a restore that it is not enough for changes nothing`()
            async throws
        {
            let given = ForeignServer.extensions + ["CREATE SCHEMA a AUTHORIZATION site"]
            try await ForeignServer.with(administrator: given) { server in
                try await cluster(["a"], at: server.url()) { test in
                    let a = try test["a"]
                    try await test.teach(["a"])
                    let place = URL(filePath: a.dataDirectory).deletingLastPathComponent().path + "/.backup"
                    let keys = URL(filePath: a.keyPath).deletingLastPathComponent().path
                    let saved = try await Binary.run("backup", place, "--data-dir", a.dataDirectory)
                    #expect(saved.code == 0, "\(saved.errors)")
                    let before = try await a.status()
                    try await test.cluster.strike("a", .terminate)
                    let words = ["restore", place, "--data-dir", a.dataDirectory, "--keys", keys, "--replace"]
                    let refused = try await Binary.run(program: Binary.path, words)
                    #expect(
                        refused.code == 4 && refused.errors.contains("GRANT CREATE ON DATABASE"), "\(refused.errors)")
                    try await test.cluster.start("a")
                    let after = try await test["a"].status()
                    #expect(after.stateDigest == before.stateDigest && after.graph.edges == before.graph.edges)
                    try await test.cluster.strike("a", .terminate)
                    try await server.ask("GRANT CREATE ON DATABASE clinic TO site")
                    let restored = try await Binary.run(program: Binary.path, words)
                    #expect(restored.code == 0, "\(restored.errors)")
                    try await test.cluster.start("a")
                    #expect(try await test["a"].status().stateDigest == before.stateDigest)
                }
            }
        }

        // MARK: A transaction pooler

        @Test(.enabled(if: ForeignServer.bouncerProgram != nil, "pgbouncer is not installed"))
        func `a pooler that takes no transactions, or not what the URL asks of it, is refused with its setting`()
            async throws
        {
            try await ForeignServer.with { server in
                try await server.startBouncer(mode: "statement")
                try await Place.with { place in
                    let mode = try await refusal(server.url(bouncer: true), place)
                    #expect(mode.code == 4 && mode.errors.contains("Set pool_mode = transaction"), "\(mode.errors)")
                    let asked = try await refusal(server.url(bouncer: true) + "&options=-c%20jit%3Doff", place)
                    #expect(asked.code == 4 && asked.errors.contains("ignore_startup_parameters"), "\(asked.errors)")
                }
            }
        }

        @Test(.enabled(if: ForeignServer.bouncerProgram != nil, "pgbouncer is not installed"))
        func `two sites behind PgBouncer in transaction mode learn, outlive restarts, and are backed up and put back`()
            async throws
        {
            try await ForeignServer.with { server in
                try await server.startBouncer()
                try await cluster(["a", "b"], at: server.url(bouncer: true)) { test in
                    try await test.teach(["a", "b"])
                    try await train(["a", "b"], test) {
                        await server.stopBouncer()
                        try await server.startBouncer()
                    }
                    try await train(["a", "b"], test) {
                        try await server.stop("immediate")
                        try await Task.sleep(for: .seconds(1))
                        try await server.start()
                    }
                    let backends = try await server.ask(
                        "SELECT count(*) FROM pg_stat_activity WHERE usename = 'site'")
                    #expect(Int(backends[0]) ?? 99 <= 4, "the nodes use the pooler: \(backends)")
                    try await backUp(test, server)
                }
            }
        }

        private func backUp(_ test: TestCluster, _ server: ForeignServer) async throws {
            let a = try test["a"]
            let place = URL(filePath: a.dataDirectory).deletingLastPathComponent().path + "/.backup"
            let keys = URL(filePath: a.keyPath).deletingLastPathComponent().path
            let saved = try await Binary.run("backup", place, "--data-dir", a.dataDirectory)
            #expect(saved.code == 0, "\(saved.errors)")
            // What a dump sets must not stay behind in connections that others get next.
            try await a.finish(try await a.train(rounds: 3))
            let before = try await test.agree()
            // Neither a schema that a node works in nor that of another site is replaced.
            for (schema, cause) in [("a", "node a holds it"), ("b", "it belongs to another site")] {
                let taken = try await Binary.run(
                    program: "/usr/bin/env",
                    ["SHOAL_SCHEMA=\(schema)", Binary.path, "restore", place, "--data-dir", "\(place)-\(schema)"]
                        + ["--keys", keys])
                #expect(taken.code == 4 && taken.errors.contains(cause), "\(taken.errors)")
            }
            try await test.cluster.strike("a", .terminate)
            let restored = try await Binary.run(
                program: Binary.path,
                ["restore", place, "--data-dir", a.dataDirectory, "--keys", keys, "--replace"])
            #expect(restored.code == 0, "\(restored.errors)")
            try await test.cluster.start("a")
            let after = try await test.agree()
            #expect(after.nodes[0].ops ?? 0 >= before.nodes[0].ops ?? 0, "what came after the backup is back from b")
            let again = try test["a"]
            try await again.finish(try await again.train(rounds: 2))
            try await test.agree()
        }
    }
}
