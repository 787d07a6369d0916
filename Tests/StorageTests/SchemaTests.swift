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

    /// Columns, keys, indexes and views, as the catalogue tells them, without the schema's own name.
    private func shape(of schema: Schema, _ connection: Connection) throws -> [String] {
        try connection.query(
            """
            SELECT replace(line, $1, 'SCHEMA') FROM (
                SELECT concat_ws(' ', 'column', table_name, column_name, data_type, is_nullable, column_default)
                    FROM information_schema.columns WHERE table_schema = $1
                UNION ALL SELECT concat_ws(' ', 'index', indexdef) FROM pg_indexes WHERE schemaname = $1
                UNION ALL SELECT concat_ws(' ', 'check', conrelid::regclass, conname, pg_get_constraintdef(oid))
                    FROM pg_constraint WHERE connamespace = $1::regnamespace
                UNION ALL SELECT concat_ws(' ', 'view', viewname, definition) FROM pg_views WHERE schemaname = $1
                UNION ALL SELECT concat_ws(' ', 'function', proname, prosrc)
                    FROM pg_proc WHERE pronamespace = $1::regnamespace
            ) all_of_it (line) ORDER BY 1
            """, [.text(schema.name)]
        ).map { try $0.text(0) }
    }

    @Test(arguments: 1..<Schema.version)
    func `a schema of any older version is brought forward, keeps its rows, and is as a new one`(
        _ version: Int
    ) throws {
        let connection = try TestServer.connect()
        let old = try unused(Array(Migration.all.prefix(version)))
        try old.migrate(connection)
        let (x, y, r) = (
            "00000000-0000-0000-0000-000000000001", "00000000-0000-0000-0000-000000000002",
            "00000000-0000-0000-0000-000000000003"
        )
        try connection.script(
            """
            INSERT INTO \(old).nodes (id, content\(version >= 7 ? ", name" : ""))
                VALUES ('\(x)', 'x'\(version >= 7 ? ", 'x'" : "")), ('\(y)', 'y'\(version >= 7 ? ", 'y'" : ""));
            INSERT INTO \(old).relations (id, inverse_id, name) VALUES ('\(r)', gen_random_uuid(), 'r');
            INSERT INTO \(old).edges (source_id, relation, target_id) VALUES ('\(x)', '\(r)', '\(y)');
            """)
        if version >= 2 {
            try connection.script(
                """
                INSERT INTO \(old).operations (apply_index, op_id, author, log, seq, kind, lamport, envelope, body_hash,
                        body_length)
                    VALUES (1, decode(repeat('01', 32), 'hex'), decode(repeat('02', 32), 'hex'), decode(repeat('03', 8), 'hex'),
                        1, 1, 1, 'signed', decode(repeat('04', 32), 'hex'), 6);
                """)
        }
        if version >= 4 {
            try connection.script("INSERT INTO \(old).node_meta VALUES ('site', 'ab')")
        }
        let new = try Schema(name: old.name)
        #expect(try new.applyMissing(connection) == Schema.version - version)
        #expect(try connection.row("SELECT nodes FROM \(new).status").int(0) == 2)
        let triple = try connection.row("SELECT head, relation, tail FROM \(new).triples")
        #expect(try [triple.text(0), triple.text(1), triple.text(2)] == ["x", "r", "y"])
        #expect(try connection.row("SELECT count(*) FROM \(new).operations").int(0) == (version >= 2 ? 1 : 0))
        #expect(try connection.row("SELECT count(*) FROM \(new).node_meta").int(0) == (version >= 4 ? 1 : 0))
        let fresh = try unused()
        try fresh.migrate(connection)
        let different = Set(try shape(of: new, connection)).symmetricDifference(try shape(of: fresh, connection))
        #expect(different == [])
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
