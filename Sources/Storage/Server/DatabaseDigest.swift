/// What a database holds, in a form that two servers of different versions agree on.
///
/// A table is its number of rows and the sum of their hashes: rows have no order. A row is hashed as PostgreSQL writes
/// it as text, in the settings of a private server, which are the same for each version.
struct DatabaseDigest: Equatable {
    struct Contents: Equatable {
        var rows: Int64
        var sum: String
    }
    /// By name; sequences as well, with how far they have counted.
    private(set) var tables: [String: Contents] = [:]
    /// Indexes, views, functions, triggers and constraints, by kind and name.
    private(set) var others: Set<String> = []

    /// - Parameter told: how many tables are done.
    init(of target: DatabaseTarget, told: (Int) throws -> Void = { _ in }) throws {
        let connection = try Connection(target)
        for row in try connection.query(Self.relations) {
            let name = try row.text(0)
            guard try row.text(1) == "S" else {
                let contents = try connection.row(
                    """
                    SELECT count(*), coalesce(
                        sum(('x' || left(md5(shoal_row::text), 16))::bit(64)::bigint::numeric), 0)::text
                    FROM ONLY \(name) AS shoal_row
                    """)
                tables[name] = Contents(rows: try contents.int64(0), sum: try contents.text(1))
                try told(tables.count)
                continue
            }
            let counted = try connection.row("SELECT last_value, is_called FROM \(name)")
            tables[name] = Contents(rows: 0, sum: "\(try counted.int64(0)) \(try counted.bool(1))")
        }
        others = Set(try connection.query(Self.rest).map { try $0.text(0) })
    }

    /// Where another one is not the same, in words; nil if it is.
    func difference(from other: DatabaseDigest) -> String? {
        for name in Set(tables.keys).union(other.tables.keys).sorted() where tables[name] != other.tables[name] {
            guard let here = tables[name], let there = other.tables[name] else {
                return "\(name) is in one of them alone"
            }
            return here.rows == there.rows
                ? "\(name) has other contents" : "\(name) has \(there.rows) rows of \(here.rows)"
        }
        return others.symmetricDifference(other.others).min().map { "\($0) is in one of them alone" }
    }

    private static let own = "n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'"

    private static let relations = """
        SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname), c.relkind::text
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'm', 'S') AND \(own)
        ORDER BY 1
        """

    /// Without what a version makes by itself: PostgreSQL 18 has constraints for NOT NULL.
    private static let rest = """
        SELECT 'relation ' || c.relkind::text || ' ' || n.nspname || '.' || c.relname
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('i', 'v', 'I', 'p') AND \(own)
        UNION ALL
        SELECT 'function ' || n.nspname || '.' || p.proname || ' ' || pg_get_function_identity_arguments(p.oid)
        FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE \(own)
            AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
        UNION ALL
        SELECT 'constraint ' || n.nspname || '.' || c.conname || ' of ' || c.conrelid::regclass
        FROM pg_constraint c JOIN pg_namespace n ON n.oid = c.connamespace WHERE c.contype <> 'n' AND \(own)
        UNION ALL
        SELECT 'trigger ' || t.tgname || ' of ' || t.tgrelid::regclass FROM pg_trigger t WHERE NOT t.tgisinternal
        UNION ALL
        SELECT 'extension ' || e.extname FROM pg_extension e
        """
}
