internal import Graph
public import Wire

/// What was moved between the graph and its held-out part.
public struct HoldOutCounts: Equatable, Sendable {
    public var valid = 0
    public var test = 0
    /// Edges that could have been kept aside and stay.
    public var left = 0

    public init() {}
}

extension GraphStore {
    /// Parts of a document: who links from a section links from its page.
    static let parts = "'section', 'symbol'"

    /// Keeps edges aside for evaluation: they leave the graph with all they say, and walks, searches and imports of
    /// triples no longer see them.
    ///
    /// Edges go by document and target: if one link of a page to a target is kept aside, all of them are, from
    /// whatever section. So nothing that stays gives an answer away.
    ///
    /// - Parameters:
    ///   - relation: nil for every edge that came with words.
    ///   - valid: share of the (document, target) pairs; likewise `test`.
    ///   - random: the same seed keeps the same edges aside.
    public func holdOut(
        relation: TokenID?, valid: Double, test: Double, using random: inout Random
    ) throws(StorageError) -> HoldOutCounts {
        var drawn = random
        let counts = try connection.transaction { (connection) throws(StorageError) in
            var groups = try holdOutGroups(relation)
            drawn.shuffle(&groups)
            let testCount = Int((Double(groups.count) * test).rounded())
            let validCount = min(Int((Double(groups.count) * valid).rounded()), groups.count - testCount)
            var counts = HoldOutCounts()
            counts.test = try move(Array(groups[..<testCount].joined()), to: .test)
            counts.valid = try move(Array(groups[testCount..<testCount + validCount].joined()), to: .valid)
            counts.left = groups[(testCount + validCount)...].reduce(0) { $0 + $1.count }
            if counts.test + counts.valid > 0 { try connection.script("ANALYZE \(schema).edges") }
            return counts
        }
        random = drawn
        return counts
    }

    /// Puts edges that were kept aside by ``holdOut(relation:valid:test:using:)`` back into the graph.
    ///
    /// - Returns: how many.
    public func restoreHeldOut() throws(StorageError) -> Int {
        try connection.query(
            """
            WITH back AS (DELETE FROM \(schema).holdout WHERE metadata IS NOT NULL RETURNING *)
            INSERT INTO \(schema).edges (source_id, relation, target_id, weight, metadata, imports)
            SELECT source_id, relation, target_id, weight, metadata, imports FROM back ORDER BY 1, 2, 3
            ON CONFLICT DO NOTHING
            """
        ).affected
    }

    /// Edges by document and target, ascending by names: ids differ between networks, the same seed should not.
    private func holdOutGroups(_ relation: TokenID?) throws(StorageError) -> [[TokenTriple]] {
        let rows = try connection.query(
            """
            WITH RECURSIVE wanted AS (
                SELECT source_id, relation, target_id FROM \(schema).edges
                WHERE CASE WHEN $1::uuid IS NULL THEN jsonb_typeof(metadata -> '\(SearchStore.textsKey)') = 'array'
                    ELSE relation = $1 END
            ), up AS (
                SELECT DISTINCT source_id AS part, source_id AS at FROM wanted
                UNION ALL
                SELECT u.part, n.parent_id FROM up u JOIN \(schema).nodes n ON n.id = u.at
                WHERE n.kind IN (\(Self.parts)) AND n.parent_id IS NOT NULL
            ), documents AS (
                SELECT u.part, u.at AS document FROM up u JOIN \(schema).nodes n ON n.id = u.at
                WHERE n.kind NOT IN (\(Self.parts)) OR n.parent_id IS NULL
            )
            SELECT d.document, w.target_id, w.source_id, w.relation
            FROM wanted w JOIN documents d ON d.part = w.source_id
            JOIN \(schema).nodes p ON p.id = d.document JOIN \(schema).nodes t ON t.id = w.target_id
            ORDER BY p.name COLLATE "C", t.name COLLATE "C", 1, 2, 3, 4
            """, [.uuid(relation?.rawValue)])
        var groups: [[TokenTriple]] = []
        var last: (UInt128, UInt128)?
        for row in rows {
            let pair = (try row.uuid(0), try row.uuid(1))
            if last.map({ $0 != pair }) ?? true { groups.append([]) }
            last = pair
            groups[groups.count - 1].append(
                TokenTriple(
                    head: TokenID(rawValue: try row.uuid(2)), relation: TokenID(rawValue: try row.uuid(3)),
                    tail: TokenID(rawValue: pair.1)))
        }
        return groups
    }

    private func move(_ edges: [TokenTriple], to split: GraphSplit) throws(StorageError) -> Int {
        try connection.query(
            """
            WITH gone AS (
                DELETE FROM \(schema).edges e
                USING unnest($2::uuid[], $3::uuid[], $4::uuid[]) AS k(head, relation, tail)
                WHERE (e.source_id, e.relation, e.target_id) = (k.head, k.relation, k.tail)
                RETURNING e.source_id, e.relation, e.target_id, e.weight, coalesce(e.metadata, '{}') AS metadata,
                    e.imports
            )
            INSERT INTO \(schema).holdout (split, source_id, relation, target_id, weight, metadata, imports)
            SELECT $1, source_id, relation, target_id, weight, metadata, imports FROM gone ORDER BY 2, 3, 4
            ON CONFLICT (split, source_id, relation, target_id) DO UPDATE
                SET weight = excluded.weight, metadata = excluded.metadata
            """,
            [
                .text(split.rawValue), .uuids(edges.map(\.head.rawValue)), .uuids(edges.map(\.relation.rawValue)),
                .uuids(edges.map(\.tail.rawValue)),
            ]
        ).affected
    }
}
