import Graph
import Testing
import Wire

@testable import Storage

/// A store in a schema of its own, fed with text.
struct GraphFixture {
    static let key = try! VocabularyKey(Bytes(0..<32))
    let store: GraphStore

    init() throws {
        let (connection, schema) = try TestServer.freshSchema()
        store = GraphStore(connection, schema: schema, key: Self.key)
    }

    @discardableResult
    func add(_ text: String, _ options: ImportOptions = ImportOptions()) throws(ImportError) -> ImportCounts {
        var rest = Bytes(text.utf8)
        return try store.importTriples(options) { () throws(StorageError) in
            defer { rest = [] }
            return rest
        }
    }

    @discardableResult
    func delete(_ text: String, _ split: GraphSplit = .train) throws(ImportError) -> DeletedTriples {
        var rest = Bytes(text.utf8)
        return try store.deleteTriples(split) { () throws(StorageError) in
            defer { rest = [] }
            return rest
        }
    }

    /// All edges as `head relation tail`, sorted.
    func edges() throws -> [String] {
        let rows = try store.connection.query(
            "SELECT head || ' ' || relation || ' ' || tail FROM \(store.schema).triples")
        return try rows.map { try $0.text(0) }.sorted()
    }

    func nodes() throws -> [String] {
        let rows = try store.connection.query("SELECT name FROM \(store.schema).nodes")
        return try rows.map { try $0.text(0) }.sorted()
    }

    func id(_ name: String) throws -> TokenID { try Self.key.token(.node, named: name) }

    /// Makes `child` a child of `parent` at `path`.
    func place(_ child: String, below parent: String?, at path: String, position: Int = 0) throws {
        let parentID: TokenID? = if let parent { try id(parent) } else { nil }
        try store.connection.query(
            """
            INSERT INTO \(store.schema).nodes (id, name, content, kind, parent_id, position, path)
            VALUES ($1, $2, $2, 'section', $3, $4, $5::text::public.ltree)
            ON CONFLICT (id) DO UPDATE SET parent_id = excluded.parent_id, path = excluded.path
            """,
            [
                .uuid(try id(child).rawValue), .text(child), .uuid(parentID?.rawValue), .int32(Int32(position)),
                .text(path),
            ])
    }
}

/// The request error that `body` throws.
func requestError<T>(_ body: () throws -> T) -> GraphRequestError? {
    do {
        _ = try body()
        return nil
    } catch { return error as? GraphRequestError }
}
