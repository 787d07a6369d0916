import Graph
public import Wire

/// Names at home that are nearly the same and yet have different ids: candidates for an alias file.
public struct NearMatches: Sendable, Equatable {
    /// Sets of graph nodes whose names have one ``NameForm``.
    public var collisions = 0
    /// The first of them.
    public var collisionExamples: [[String]] = []
    /// Of the graph nodes that were looked at, those with a name like another's by trigrams.
    public var similar = 0
    public var similarExamples: [SimilarNames] = []
    /// How many graph nodes were looked at for that.
    public var examined = 0
    /// False when looking for similar names took too long and was given up.
    public var isComplete = true

    public init() {}
}

/// Two names and the share of trigrams that they have in common.
public struct SimilarNames: Sendable, Equatable {
    public var name: String
    public var other: String
    public var similarity: Double
}

extension GraphStore {
    /// Most graph nodes that are compared by trigrams, most examples, and the time for the comparison.
    static let examinedNames = 300
    private static let examples = 20
    private static let similarity = 0.6
    private static let comparisonSeconds = 5

    /// Looks for near matches. O(N) time and memory for collisions; comparisons by trigrams are bounded.
    ///
    /// - Parameter ids: whose names are compared by trigrams: those of no other site, as a rule. The first
    ///   ``examinedNames`` are. Entities are compared with entities: names of pages and sections are paths.
    public func nearMatches(of ids: [TokenID]) throws(StorageError) -> NearMatches {
        var found = NearMatches()
        var forms: [Bytes: (first: String, more: [String])] = [:]
        try forEachNode { node in
            let form = Bytes(NameForm.normalized(Bytes(node.name.utf8)[...]))
            if let known = forms[form] {
                forms[form] = (known.first, known.more + (known.more.count < 3 ? [node.name] : []))
            } else {
                forms[form] = (node.name, [])
            }
        }
        let colliding = forms.values.filter { !$0.more.isEmpty }.map {
            ([$0.first] + $0.more).sorted(by: Self.isBefore)
        }
        found.collisions = colliding.count
        found.collisionExamples = Array(
            colliding.sorted { Self.isBefore($0[0], $1[0]) }.prefix(Self.examples))
        try compare(Array(ids.prefix(Self.examinedNames)), &found)
        return found
    }

    private static func isBefore(_ a: String, _ b: String) -> Bool { a.utf8.lexicographicallyPrecedes(b.utf8) }

    private func compare(_ ids: [TokenID], _ found: inout NearMatches) throws(StorageError) {
        guard !ids.isEmpty else { return }
        let trigram = try extensionSchema("pg_trgm")
        let rows: Rows
        do {
            rows = try connection.transaction { (connection) throws(StorageError) in
                // The function call loads the extension, whose setting is then known.
                try connection.query("SELECT \(trigram).similarity('a', 'a')")
                try connection.script(
                    """
                    SET LOCAL pg_trgm.similarity_threshold = \(Self.similarity);
                    SET LOCAL statement_timeout = '\(Self.comparisonSeconds)s'
                    """)
                return try connection.query(
                    """
                    SELECT n.name, o.name, o.score::float8 FROM \(schema).nodes n
                    CROSS JOIN LATERAL (
                        SELECT m.name, \(trigram).similarity(left(m.name, 120), left(n.name, 120)) AS score
                        FROM \(schema).nodes m
                        WHERE left(m.name, 120) OPERATOR(\(trigram).%) left(n.name, 120) AND m.id <> n.id
                            AND m.kind = 'entity'
                        ORDER BY score DESC, m.name LIMIT 1
                    ) o
                    WHERE n.id = ANY($1) AND n.kind = 'entity' AND length(n.name) > 3 ORDER BY o.score DESC, n.name
                    """, [.uuids(ids.map(\.rawValue))])
            }
        } catch {
            guard error.reason == .cancelled else { throw error }
            found.isComplete = false
            return
        }
        found.examined = ids.count
        found.similar = rows.count
        for row in rows where found.similarExamples.count < Self.examples {
            let pair = SimilarNames(name: try row.text(0), other: try row.text(1), similarity: try row.double(2))
            let isKnown = found.similarExamples.contains { $0.name == pair.other && $0.other == pair.name }
            if !isKnown { found.similarExamples.append(pair) }
        }
    }
}
