public import Wire

/// A word of a query as the index knows it.
public struct SearchWord: Equatable, Sendable {
    /// Stemmed, lower case.
    public var lexeme: String
    /// Graph nodes of this site that hold it; counting stops at ``SearchStore/maxCounted``.
    public var documents: Int

    public init(lexeme: String, documents: Int) {
        self.lexeme = lexeme
        self.documents = documents
    }

    /// As a `tsquery` of one word: quotes and backslashes are doubled.
    var quoted: String {
        "'\(lexeme.replacing("\\", with: "\\\\").replacing("'", with: "''"))'"
    }
}

/// What the text of a graph node says about a query.
public struct TextEvidence: Equatable, Sendable {
    public var id: TokenID
    /// `ts_rank` for all words of the query; 0 where one is missing.
    public var rank: Double
    public var hasEveryWord: Bool
    /// `ts_rank_cd` for any of the words, 0..<1.
    public var closeness: Double
    /// Share of the query's idf, words that are repeated counting more: 0...1.
    public var words: Double
    /// Trigram similarity of title and query, 0...1.
    public var title: Double
    /// Share of the query's idf in the title, 0...1.
    public var titleWords: Double
    /// Share of the title's words that are in the query, 0...1.
    public var titleOnly: Double
    /// Different words of the text.
    public var length: Int
    /// Average weight of the perspectives on it that hold in general or in the context, -1...1.
    public var perspective: Double
}

/// Full text, trigrams and perspectives of the site's graph, for searches. One connection, used by one thread.
public struct SearchStore {
    /// Longest query in characters; the rest would be ignored.
    public static let maxQuery = 1_000
    /// Words of a query that count; more are ignored.
    static let maxWords = 32
    /// A word in so many graph nodes tells nothing, however many there are.
    static let maxCounted = 50_000
    /// Matches of every word, of any word, and of names, that are looked at.
    private static let (maxEvery, maxAny, maxNames) = (2_000, 1_000, 200)

    let connection: Connection
    let schema: String

    /// - Parameter schema: holds the tables; created by ``Schema/migrate(_:)``.
    public init(_ connection: Connection, schema: String) {
        self.connection = connection
        self.schema = Schema.quote(schema)
    }

    /// The words of a query, in their order, stop words left out. Milliseconds.
    public func words(of query: String) throws(StorageError) -> [SearchWord] {
        let rows = try connection.query(
            #"""
            SELECT w.lexeme, (SELECT count(*) FROM (
                SELECT FROM \#(schema).nodes n WHERE n.words @@ w.query LIMIT \#(Self.maxCounted)) found)
            FROM (
                SELECT lexeme, positions[1] AS place,
                    ('''' || replace(replace(lexeme, '\', '\\'), '''', '''''') || '''')::tsquery AS query
                FROM unnest(to_tsvector('pg_catalog.english', $1)) ORDER BY 2, 1 LIMIT \#(Self.maxWords)) w
            ORDER BY w.place, w.lexeme
            """#, [.text(query)], prepared: true)
        var words: [SearchWord] = []
        for row in rows { words.append(SearchWord(lexeme: try row.text(0), documents: try row.int(1))) }
        return words
    }

    /// Evidence for the graph nodes named, and for those that the text finds.
    ///
    /// - Parameters:
    ///   - words: of the query; without any, only names match.
    ///   - nodes: graph nodes of the site.
    ///   - ids: looked at whatever their text says; unknown ones are left out.
    ///   - context: perspectives that hold there count besides those that hold everywhere.
    ///   - searching: false for the named ones alone.
    /// - Returns: ascending by id. A fifth of a millisecond for each candidate on a busy core.
    public func evidence(
        for query: String, words: [SearchWord], nodes: Int, ids: [TokenID], context: [TokenID], searching: Bool
    ) throws(StorageError) -> [TextEvidence] {
        let trigram = try extensionSchema("pg_trgm")
        let any = words.map(\.quoted)
        // As BM25 counts it (Robertson and Zaragoza 2009, §3.1), never negative.
        let idf = words.map { 1 + (Double(nodes) - Double($0.documents) + 0.5) / (Double($0.documents) + 0.5) }
        let rows = try connection.query(
            statement(trigram),
            [
                .text(query), .text(any.joined(separator: " | ")), .texts(any), .doubles(idf.map { max($0, 1) }),
                .uuids(ids.map(\.rawValue)), .bool(searching), .uuids(context.map(\.rawValue)),
            ], prepared: true)
        var found: [TextEvidence] = []
        found.reserveCapacity(rows.count)
        for row in rows {
            found.append(
                TextEvidence(
                    id: TokenID(rawValue: try row.uuid(0)), rank: try row.double(1), hasEveryWord: try row.bool(2),
                    closeness: try row.double(3), words: try row.double(4), title: try row.double(5),
                    titleWords: try row.double(6), titleOnly: try row.double(7), length: try row.int(8),
                    perspective: try row.double(9)))
        }
        return found
    }

    /// `$1` query, `$2` any of its words, `$3` each of them, `$4` e^idf of each, `$5` ids, `$6` whether to
    /// search, `$7` context. `ts_rank` of one word is 0.1 at most, with the weights of plain text, and 1e-20 where
    /// there is none.
    private func statement(_ trigram: String) -> String {
        """
        WITH asked AS MATERIALIZED (
            SELECT plainto_tsquery('pg_catalog.english', $1) AS every_word, $2::tsquery AS any_word
        ), words AS MATERIALIZED (
            SELECT w::tsquery AS query, ln(odds) AS idf FROM unnest($3::text[], $4::double precision[]) u(w, odds)
        ), found AS MATERIALIZED (
            SELECT unnest($5::uuid[]) AS id
            UNION (SELECT n.id FROM \(schema).nodes n, asked
                WHERE $6 AND n.words @@ asked.every_word LIMIT \(Self.maxEvery))
            UNION (SELECT n.id FROM \(schema).nodes n, asked
                WHERE $6 AND n.words @@ asked.any_word LIMIT \(Self.maxAny))
            UNION (SELECT n.id FROM \(schema).nodes n
                WHERE $6 AND $1 OPERATOR(\(trigram).<%) left(n.name, 120) LIMIT \(Self.maxNames))
        )
        SELECT n.id,
            CASE WHEN n.words @@ every_word THEN ts_rank(n.words, every_word) ELSE 0 END::double precision,
            n.words @@ every_word,
            ts_rank_cd(n.words, any_word, 32)::double precision,
            coalesce((SELECT sum(w.idf * ts_rank(n.words, w.query) / 0.1) / nullif(sum(w.idf), 0) FROM words w), 0),
            \(trigram).similarity(t.title, $1)::double precision,
            coalesce((SELECT sum(w.idf) FILTER (WHERE t.words @@ w.query) / nullif(sum(w.idf), 0) FROM words w), 0),
            (SELECT count(*) FILTER (WHERE t.words @@ w.query) FROM words w)::double precision
                / greatest(length(t.words), 1),
            length(n.words)::bigint,
            coalesce((SELECT avg(p.weight) FROM \(schema).perspectives p
                WHERE p.node_id = n.id AND (p.context_id IS NULL OR p.context_id = ANY($7))), 0)
        FROM found JOIN \(schema).nodes n USING (id) CROSS JOIN asked
        CROSS JOIN LATERAL (
            SELECT title, to_tsvector('pg_catalog.english', title) AS words
            FROM (SELECT \(Self.title) AS title OFFSET 0) named OFFSET 0) t
        ORDER BY n.id
        """
    }

    /// What people would call a graph node: its title, the first line of a text, the name of anything else.
    static let title = """
        left(coalesce(n.metadata ->> 'title', CASE WHEN n.content <> n.name
            THEN nullif(ltrim(split_part(n.content, E'\\n', 1), '# '), '') END, n.name), 200)
        """

    func extensionSchema(_ name: String) throws(StorageError) -> String {
        Schema.quote(
            try connection.row(
                "SELECT n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = extnamespace WHERE extname = $1",
                [.text(name)], prepared: true
            ).text(0))
    }
}
