import Glibc
import Testing

@testable import Storage

/// Real servers; both sides have the version that this machine has, in two directories of programs.
@Suite struct ClusterUpgradeTests {
    /// Another directory with the same programs.
    private static func programs(_ name: String) throws -> String {
        let present = try present().directory
        let directory = TestServer.directory("programs-\(name)")
        mkdir(directory, 0o755)
        for program in Files.names(in: present) { symlink("\(present)/\(program)", "\(directory)/\(program)") }
        return directory
    }

    /// Where all of them really are; a PATH may have links to some.
    private static func present() throws -> ServerPrograms {
        var found = try ServerPrograms.find(wanted: nil, dataDirectory: "")
        let server = try #require(Files.realPath(found.postgres))
        found.directory = String(server.dropLast("/postgres".count))
        return found
    }

    /// A database with what a site has and what somebody with psql may have added.
    private static func fill(_ path: String) throws {
        let server = try PrivateServer(dataDirectory: path)
        defer { server.stop() }
        let connection = try Connection(server.target)
        try Schema(name: "shoal").migrate(connection)
        try connection.script(
            """
            INSERT INTO shoal.agents (name) SELECT 'agent ' || n FROM generate_series(1, 500) n;
            CREATE SCHEMA own;
            CREATE TABLE own.t (n bigserial PRIMARY KEY, f double precision, b bytea, w text);
            INSERT INTO own.t (f, b, w) SELECT random(), decode(md5(n::text), 'hex'), E'\\u00fc\\n' || n
                FROM generate_series(1, 3000) n;
            CREATE INDEX ON own.t (w);
            CREATE VIEW own.v AS SELECT count(*) AS n FROM own.t;
            """)
    }

    private static func digest(_ path: String) throws -> DatabaseDigest {
        let server = try PrivateServer(dataDirectory: path)
        defer { server.stop() }
        return try DatabaseDigest(of: server.target)
    }

    private static func system(_ path: String) throws -> Int64 {
        let server = try PrivateServer(dataDirectory: path)
        defer { server.stop() }
        return try Connection(server.target).row("SELECT system_identifier FROM pg_control_system()").int64(0)
    }

    @Test func `the new database is equal to the old one, which stays until it is discarded`() throws {
        let path = TestServer.directory("upgraded")
        try Self.fill(path)
        let (before, system) = (try Self.digest(path), try Self.system(path))
        #expect(before.tables["own.t"]?.rows == 3_000 && before.others.contains("relation v own.v"))
        var steps: [ClusterUpgrade.Step] = []
        let done = try ClusterUpgrade.run(
            dataDirectory: path, programs: try Self.programs("equal"), told: { steps.append($0) })
        #expect(done.tables == before.tables.count && done.rows > 3_500)
        #expect(steps.last == .between && steps.contains(.swapping))
        #expect(try Self.digest(path) == before)
        #expect(try Self.system(path) != system, "it is another one")
        #expect(try Self.digest(path).difference(from: before) == nil)
        let names = Files.names(in: path + "/pg")
        #expect(names.contains("cluster.old") && !names.contains("cluster.next") && !names.contains("upgrade"))
        #expect(Files.status(path + "/pg/cluster/verified") == nil)

        let twice = try #require(
            storageError {
                try ClusterUpgrade.run(dataDirectory: path, programs: try Self.programs("twice"), told: { _ in })
            })
        #expect(twice.reason == .inUse && twice.remedy.contains("shoal postgres discard"), "the way back is not lost")
        #expect(try ClusterUpgrade.discard(dataDirectory: path))
        #expect(try !ClusterUpgrade.discard(dataDirectory: path), "it has gone")
        #expect(try Self.digest(path) == before)
    }

    /// The node of a site whose upgrade was killed.
    @Test(arguments: ["reading", "creating", "writing", "comparing", "swapping", "between"])
    func `killed at any step, the site has all that it had, and the upgrade can be run again`(step: String) async throws
    {
        let path = TestServer.directory("killed-\(step)")
        try Self.fill(path)
        let (before, system) = (try Self.digest(path), try Self.system(path))
        let programs = try Self.programs("killed-\(step)")
        await #expect(processExitsWith: .signal(SIGKILL)) {
            [path = path as String, step = step as String, programs = programs as String] in
            _ = try ClusterUpgrade.run(dataDirectory: path, programs: programs) {
                if "\($0)".hasPrefix(step) { raise(SIGKILL) }
            }
        }
        #expect(try Self.digest(path) == before)
        let isNew = try Self.system(path) != system
        #expect(isNew == (step == "between"), "until the last step it is the old one")
        if isNew { #expect(try ClusterUpgrade.discard(dataDirectory: path)) }
        _ = try ClusterUpgrade.run(dataDirectory: path, programs: programs, told: { _ in })
        #expect(try Self.digest(path) == before)
        Files.removeTree(path)
    }

    @Test func `a new database that is not equal is not taken, and the difference is named`() throws {
        let path = TestServer.directory("unequal")
        try Self.fill(path)
        let before = try Self.digest(path)
        let error = try #require(
            storageError {
                try ClusterUpgrade.run(dataDirectory: path, programs: try Self.programs("unequal")) { step in
                    // Somebody changes the new one before it is compared.
                    guard step == .comparing(1, of: before.tables.count) else { return }
                    let target = PrivateServer.target(of: path)
                    try Connection(target).script("DELETE FROM own.t WHERE n = 7; DELETE FROM shoal.agents")
                }
            })
        #expect(error.reason == .unexpectedData && error.cause.contains("rows of"), "\(error)")
        #expect(try Self.digest(path) == before)
        #expect(Files.status(path + "/pg/cluster.old") == nil)
    }

    @Test func `what cannot be upgraded is said before anything is done`() throws {
        let path = TestServer.directory("refused")
        let none = try #require(
            storageError { try ClusterUpgrade.run(dataDirectory: path, programs: nil, told: { _ in }) })
        #expect(none.cause.contains("no database yet"))
        try PrivateServer(dataDirectory: path).stop()
        let empty = try #require(
            storageError { try ClusterUpgrade.run(dataDirectory: path, programs: "/tmp", told: { _ in }) })
        #expect(empty.reason == .serverMissing && empty.remedy.contains("/bin"))
        let server = try PrivateServer(dataDirectory: path)
        defer { server.stop() }
        let busy = try #require(
            storageError { try ClusterUpgrade.run(dataDirectory: path, programs: nil, told: { _ in }) })
        #expect(busy.reason == .inUse, "a node runs there")
    }

    @Test func `programs of a newer version are found, older ones are refused`() throws {
        let present = try Self.present()
        let newest = try ServerPrograms.newer(than: present.major - 1, in: nil, dataDirectory: "")
        #expect(newest.major >= present.major)
        let missing = storageError { try ServerPrograms.newer(than: 99, in: nil, dataDirectory: "/data") }
        #expect(missing?.reason == .serverMissing && missing?.remedy.contains("postgresql-100") == true)
        let older = storageError { try ServerPrograms.newer(than: 99, in: present.directory, dataDirectory: "/data") }
        #expect(older?.reason == .serverVersion && older?.remedy.contains("no way back") == true)
    }
}
