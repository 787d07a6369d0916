import Graph
public import Wire

/// What forgetting a graph node erased at home.
public struct ForgottenNode: Equatable, Sendable {
    public var id: TokenID
    public var edges = 0
    public var heldOut = 0
    public var perspectives = 0
    public var associations = 0
    public var inferences = 0
    public var aliases = 0
    /// What trainers of this site kept between runs and had a row for it: they begin with new moments.
    public var trainerStates = 0
    /// Graph nodes whose parent it was; they stay, without one.
    public var orphans = 0
    /// Graph nodes below it, whose paths no longer name it.
    public var renamedPaths = 0
    /// Names and texts of other graph nodes, and metadata, in which the name still occurs as such.
    public var mentions = 0
}

/// What deleting triples did.
public struct DeletedTriples: Equatable, Sendable {
    /// Lines of the file.
    public var triples = 0
    public var edges = 0
    /// Lines, from 1, of triples that were not there; the first 20 of them.
    public var missingLines: [Int] = []
    public var missing = 0

    public init() {}
}

extension GraphStore {
    /// Erases a graph node and whatever at this site names it, in one transaction.
    ///
    /// Its edges, held-out triples, perspectives, associations, logged inferences and aliases go; children stay
    /// without a parent, and paths below it lose its label. What this site's ops have announced stays: they are
    /// signed and replicated, and name the id alone.
    public func forget(_ text: String) throws(GraphRequestError) -> ForgottenNode {
        let node = try resolve(text)
        return try storing { () throws(StorageError) in
            try connection.transaction { (connection) throws(StorageError) in try erase(node) }
        }
    }

    private func erase(_ node: StoredNode) throws(StorageError) -> ForgottenNode {
        let id = Parameter.uuid(node.id.rawValue)
        var done = ForgottenNode(id: node.id)
        func count(_ statement: String, _ parameters: [Parameter]) throws(StorageError) -> Int {
            try connection.query(statement, parameters).affected
        }
        done.renamedPaths = try cutPaths(below: node.id)
        done.edges = try count("DELETE FROM \(schema).edges WHERE source_id = $1 OR target_id = $1", [id])
        done.heldOut = try count("DELETE FROM \(schema).holdout WHERE source_id = $1 OR target_id = $1", [id])
        done.perspectives = try count(
            "DELETE FROM \(schema).perspectives WHERE node_id = $1 OR context_id = $1", [id])
        done.associations = try count(
            "DELETE FROM \(schema).associations WHERE source_id = $1 OR target_id = $1", [id])
        if try connection.row("SELECT to_regclass($1) IS NOT NULL", [.text("\(schema).inference_log")]).bool(0) {
            done.inferences = try count(
                """
                DELETE FROM \(schema).inference_log
                WHERE predicted = $1 OR $1 = ANY(context_nodes) OR strpos(lower(query), lower($2)) > 0
                """, [id, .text(node.name)])
        }
        if try connection.row("SELECT to_regclass($1) IS NOT NULL", [.text("\(schema).trajectories")]).bool(0) {
            done.inferences += try count(
                "DELETE FROM \(schema).trajectories WHERE choice = $1 OR $1 = ANY(context_nodes || candidates)", [id])
            // Made of them; the next mining makes them anew.
            _ = try count("DELETE FROM \(schema).centroids", [])
        }
        done.trainerStates = try count(
            "DELETE FROM \(schema).trainer_state WHERE position($1 IN data) > 0", [.bytes(node.id.bytes)])
        _ = try count("DELETE FROM \(schema).vector_tokens WHERE token = $1", [id])
        done.aliases = try forgetAliases(of: node)
        done.orphans = try count("UPDATE \(schema).nodes SET parent_id = NULL WHERE parent_id = $1", [id])
        _ = try count("DELETE FROM \(schema).nodes WHERE id = $1", [id])
        _ = try count(
            """
            DELETE FROM \(schema).relations r
            WHERE NOT EXISTS (SELECT FROM \(schema).edges e WHERE e.relation = r.id)
              AND NOT EXISTS (SELECT FROM \(schema).holdout h WHERE h.relation = r.id)
            """, [])
        done.mentions = try mentions(of: node.name)
        return done
    }

    /// Takes the label of a graph node out of the paths below it.
    private func cutPaths(below id: TokenID) throws(StorageError) -> Int {
        let ltree = try extensionSchema("ltree")
        return try connection.query(
            """
            UPDATE \(schema).nodes n
            SET path = CASE WHEN \(ltree).nlevel(f.path) = 1 THEN \(ltree).subpath(n.path, 1)
                ELSE \(ltree).subpath(f.path, 0, \(ltree).nlevel(f.path) - 1)
                     OPERATOR(\(ltree).||) \(ltree).subpath(n.path, \(ltree).nlevel(f.path)) END
            FROM \(schema).nodes f
            WHERE f.id = $1 AND n.path OPERATOR(\(ltree).<@) f.path AND n.id <> f.id
              AND \(ltree).nlevel(n.path) > \(ltree).nlevel(f.path)
            """, [.uuid(id.rawValue)]
        ).affected
    }

    /// Removes aliases by the graph node's name, and those that lead to its id.
    private func forgetAliases(of node: StoredNode) throws(StorageError) -> Int {
        let names = try aliases().entries.filter { entry in
            entry.name == Bytes(node.name.utf8) || leads(entry.canonical[...], to: node.id)
                || leads(NameForm.normalized(entry.canonical[...]), to: node.id)
        }
        if names.isEmpty { return 0 }
        return try connection.query(
            "DELETE FROM \(schema).aliases WHERE name = ANY($1)",
            [.texts(names.map { String(decoding: $0.name, as: UTF8.self) })]
        ).affected
    }

    private func leads(_ canonical: ArraySlice<UInt8>, to id: TokenID) -> Bool {
        (try? key.token(.node, named: canonical)) == id
    }

    private func mentions(of name: String) throws(StorageError) -> Int {
        try connection.row(
            """
            SELECT (SELECT count(*) FROM \(schema).nodes
                    WHERE strpos(name, $1) > 0 OR strpos(content, $1) > 0 OR strpos(metadata::text, $1) > 0)
                 + (SELECT count(*) FROM \(schema).edges WHERE strpos(metadata::text, $1) > 0)
            """, [.text(name)]
        ).int(0)
    }

    // MARK: Edges

    /// Deletes the edges, or held-out triples, that a TSV file names: by the names that people see, or by the names
    /// (or aliases) that ids are derived from. All of it, or nothing when a line is wrong.
    ///
    /// Graph nodes stay, also without an edge.
    public func deleteTriples(
        _ split: GraphSplit, chunks: () throws(StorageError) -> Bytes
    ) throws(ImportError) -> DeletedTriples {
        try connection.transaction(throwing: ImportError.self, wrapping: { .storage($0) }) {
            (connection) throws(ImportError) in
            let lines = try stageNamed(chunks: chunks)
            do throws(StorageError) {
                return try deleteStaged(split, lines: lines)
            } catch { throw .storage(error) }
        }
    }

    private func stageNamed(chunks: () throws(StorageError) -> Bytes) throws(ImportError) -> Int {
        var names: ImportedNames
        do throws(StorageError) {
            names = ImportedNames(key: key, rules: NameRules(aliases: try aliases()))
            try connection.script(
                """
                CREATE TEMPORARY TABLE staged_names (
                    line bigint, head text, relation text, tail text, head_id uuid, relation_id uuid, tail_id uuid)
                    ON COMMIT DROP
                """)
        } catch { throw .storage(error) }
        let columns = ["line", "head", "relation", "tail", "head_id", "relation_id", "tail_id"]
        return try connection.copyIn(
            "pg_temp.staged_names", columns: columns, throwing: ImportError.self, wrapping: { .storage($0) }
        ) { (writer) throws(ImportError) in
            var reader = TripleReader()
            var hasEnded = false
            while !hasEnded {
                let chunk: Bytes
                do throws(StorageError) { chunk = try chunks() } catch { throw .storage(error) }
                hasEnded = chunk.isEmpty
                if hasEnded { reader.finish() } else { reader.feed(chunk) }
                while true {
                    let found: (triple: NamedTriple, ids: TokenTriple)?
                    do throws(GraphError) {
                        found = if let triple = try reader.next() { (triple, try names.add(triple)) } else { nil }
                    } catch { throw .graph(error) }
                    guard let (triple, ids) = found else { break }
                    do throws(StorageError) { try writer.row() } catch { throw .storage(error) }
                    writer.int64(Int64(triple.line))
                    for name in [triple.head, triple.relation, triple.tail] { writer.bytes(name) }
                    for id in [ids.head, ids.relation, ids.tail] { writer.uuid(id.rawValue) }
                }
            }
            return names.triples
        }
    }

    private func deleteStaged(_ split: GraphSplit, lines: Int) throws(StorageError) -> DeletedTriples {
        let (table, part) =
            split == .train ? ("edges", "true") : ("holdout", "e.split = '\(split.rawValue)'")
        try connection.script(
            """
            ANALYZE pg_temp.staged_names;
            CREATE TEMPORARY TABLE staged_found ON COMMIT DROP AS
            SELECT s.line, e.source_id, e.relation, e.target_id
            FROM pg_temp.staged_names s
            CROSS JOIN LATERAL (SELECT s.head_id AS id UNION SELECT id FROM \(schema).nodes WHERE name = s.head) h
            CROSS JOIN LATERAL (SELECT s.tail_id AS id UNION SELECT id FROM \(schema).nodes WHERE name = s.tail) t
            CROSS JOIN LATERAL (
                SELECT s.relation_id AS id UNION SELECT id FROM \(schema).relations WHERE name = s.relation) r
            JOIN \(schema).\(table) e ON e.source_id = h.id AND e.relation = r.id AND e.target_id = t.id
            WHERE \(part)
            """)
        var done = DeletedTriples()
        done.triples = lines
        done.edges = try connection.query(
            """
            DELETE FROM \(schema).\(table) e USING pg_temp.staged_found f
            WHERE e.source_id = f.source_id AND e.relation = f.relation AND e.target_id = f.target_id AND \(part)
            """
        ).affected
        let row = try connection.row(
            """
            WITH missing AS (
                SELECT line FROM pg_temp.staged_names s
                WHERE NOT EXISTS (SELECT FROM pg_temp.staged_found f WHERE f.line = s.line))
            SELECT (SELECT count(*) FROM missing), array(SELECT line FROM missing ORDER BY line LIMIT 20)
            """)
        done.missing = try row.int(0)
        done.missingLines = try row.int64s(1).map { Int($0) }
        return done
    }
}
