import Graph
import Testing
import Wire

@testable import Storage

@Suite struct SchemaTests {
    private func unused(_ migrations: [Migration] = Migration.all) throws -> Schema {
        try Schema(name: TestServer.unusedSchema(), migrations: migrations)
    }

    @Test func `the migrations are numbered without gaps`() {
        #expect(Migration.all.map(\.number) == Array(1...Schema.version))
        #expect(Set(Migration.all.map(\.name)).count == Schema.version)
    }

    @Test func `a fresh schema gets every migration once`() throws {
        let connection = try TestServer.connect()
        let schema = try unused()
        #expect(try schema.applyMissing(connection) == Schema.version)
        #expect(try schema.applyMissing(connection) == 0)
        #expect(try connection.row("SELECT schema_version FROM \(schema).status").int(0) == Schema.version)
        for view in ["models", "peers", "triples", "consensus_perspectives", "unique_associations"] {
            #expect(try connection.row("SELECT count(*) FROM \(schema).\(view)").int(0) == 0)
        }
    }

    @Test func `nothing relies on search_path`() throws {
        let connection = try TestServer.connect()
        try connection.script("SET search_path = ''")
        let schema = try unused()
        try schema.migrate(connection)
        let store = GraphStore(connection, schema: schema.name, key: try VocabularyKey(Bytes(0..<32)))
        #expect(try store.counts().nodes == 0)
        #expect(try store.search("anything").isEmpty)
        #expect(try store.load().nodes.isEmpty)
    }

    @Test func `a migration that fails leaves nothing behind`() throws {
        let connection = try TestServer.connect()
        let broken = Migration(number: Schema.version + 1, name: "broken") {
            "CREATE TABLE \($0.schema).t (a int); SELECT 1 / 0"
        }
        let schema = try unused(Migration.all + [broken])
        #expect(storageError { try schema.migrate(connection) }?.sqlState == "22012")
        #expect(try connection.query("SELECT FROM pg_namespace WHERE nspname = $1", [.text(schema.name)]).isEmpty)
    }

    @Test func `an older schema is brought forward and keeps its rows`() throws {
        let connection = try TestServer.connect()
        let old = try unused(Array(Migration.all.prefix(1)))
        try old.migrate(connection)
        try connection.script("INSERT INTO \(old).nodes (id, content) VALUES (gen_random_uuid(), 'x')")
        let new = try Schema(name: old.name)
        #expect(try new.applyMissing(connection) == Schema.version - 1)
        #expect(try connection.row("SELECT nodes FROM \(new).status").int(0) == 1)
        #expect(try connection.row("SELECT name FROM \(new).nodes").text(0) == "x")
    }

    @Test func `a schema newer than this shoal is refused`() throws {
        let (connection, name) = try TestServer.freshSchema()
        let schema = try Schema(name: name)
        try connection.script("INSERT INTO \(schema).schema_migrations VALUES (\(Schema.version + 1), 'future')")
        let error = try #require(storageError { try schema.migrate(connection) })
        #expect(error.reason == .schemaNewer)
        #expect(error.cause == "it has version \(Schema.version + 1), this shoal knows \(Schema.version)")
    }

    @Test func `a schema of another program is refused`() throws {
        let (connection, name) = try TestServer.freshSchema()
        let schema = try Schema(name: name)
        try connection.script("UPDATE \(schema).schema_migrations SET name = 'other' WHERE number = 1")
        #expect(storageError { try schema.migrate(connection) }?.reason == .unexpectedData)
    }

    @Test func `nodes that start at once apply each migration once`() throws {
        let schema = try unused()
        let results = Monitor<[Int]>([])
        let threads = (0..<4).map { StorageThread(name: "migrate \($0)") }
        for thread in threads {
            thread.submit {
                let count = (try? Connection(TestServer.shared.target)).flatMap { try? schema.applyMissing($0) }
                results.change { $0.append(count ?? -1) }
            }
        }
        for thread in threads { thread.finish() }
        #expect(results.change { $0.sorted() } == [0, 0, 0, Schema.version])
    }

    @Test(arguments: ["", "pg_x", "a\0b", "a\"b", "1a", "größe", String(repeating: "x", count: 64)])
    func `what is no schema name is refused`(_ name: String) {
        #expect(storageError { try Schema(name: name) }?.reason == .notAllowed)
    }
}
