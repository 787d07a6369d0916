extension Migration {
    /// The search of the seed designs: full text, weighed with what the model expects after the context.
    static func searchFunctions(_ names: Names) -> String {
        let s = names.schema
        return questions(s) + """
            CREATE FUNCTION \(s).vector_expected(m \(s).vector_models, context uuid[])
            RETURNS TABLE(node uuid, probability double precision) LANGUAGE sql STABLE PARALLEL SAFE SET jit = off AS $$
                WITH asked AS MATERIALIZED (SELECT * FROM \(s).vector_questions(m, context))
                SELECT p.node, sum(q.share * p.probability)
                FROM asked q CROSS JOIN LATERAL \(s).vector_probabilities(m, q.tokens) p GROUP BY 1
            $$;

            CREATE FUNCTION \(s).search(model text, query text, context uuid[] DEFAULT '{}', k integer DEFAULT 10)
            RETURNS TABLE(
                node uuid, name text, score double precision, rank double precision, probability double precision)
            LANGUAGE sql STABLE PARALLEL SAFE SET jit = off AS $$
                WITH asked AS MATERIALIZED (SELECT plainto_tsquery('pg_catalog.english', query) AS words),
                likely AS MATERIALIZED (
                    SELECT e.* FROM (SELECT \(s).vector_model(model) AS m
                        WHERE model IS NOT NULL AND cardinality(context) > 0 OFFSET 0) named
                    CROSS JOIN LATERAL \(s).vector_expected(named.m, context) e)
                SELECT n.id, n.name, r.rank * (1 + coalesce(l.probability, 0)), r.rank, coalesce(l.probability, 0)
                FROM asked JOIN \(s).nodes n ON n.words @@ asked.words
                CROSS JOIN LATERAL (SELECT ts_rank(n.words, asked.words)::double precision AS rank OFFSET 0) r
                LEFT JOIN likely l ON l.node = n.id
                ORDER BY 3 DESC, 1 LIMIT k
            $$;
            COMMENT ON FUNCTION \(s).search IS
                'Full text, each rank times 1 + what the model expects after the context; model NULL: the rank alone';
            """
    }

    /// The contexts that a model is asked with, as the node's own search does: one that ends in a relation as it is,
    /// graph nodes with each of the relations by which people go on from them, sections in place of a page that has
    /// no links itself.
    private static func questions(_ s: String) -> String {
        """
        CREATE FUNCTION \(s).vector_questions(m \(s).vector_models, context uuid[])
        RETURNS TABLE(tokens uuid[], share double precision) LANGUAGE sql STABLE PARALLEL SAFE SET jit = off AS $$
            WITH RECURSIVE given AS MATERIALIZED (
                SELECT c.token, c.nth, EXISTS (SELECT FROM \(s).nodes n WHERE n.id = c.token) AS is_node
                FROM unnest(context) WITH ORDINALITY c(token, nth)
            ), form AS MATERIALIZED (
                SELECT bool_and(is_node) AS all_nodes, count(*)::integer AS length,
                    bool_or(is_node) FILTER (WHERE nth = cardinality(context)) AS ends_in_node FROM given
            ), worded AS MATERIALIZED (
                SELECT e.relation AS forward, count(*) AS n FROM \(s).edges e
                CROSS JOIN LATERAL (\(SearchStore.texts(of: "e.metadata"))) t GROUP BY 1
            ), counts AS (
                SELECT forward AS token, forward, false AS back, n FROM worded
                UNION ALL
                SELECT t.token, c.forward, t.back, c.n
                FROM (SELECT relation AS forward, count(*) AS n FROM \(s).edges GROUP BY 1) c
                JOIN \(s).relations r ON r.id = c.forward
                CROSS JOIN LATERAL (VALUES (r.id, false), (r.inverse_id, true)) t(token, back)
                WHERE NOT EXISTS (SELECT FROM worded)
                UNION ALL
                SELECT t.token, m.parent, t.back, c.n
                FROM (SELECT count(*) AS n FROM \(s).nodes WHERE parent_id IS NOT NULL) c
                CROSS JOIN LATERAL (VALUES (m.parent, false), (m.child, true)) t(token, back)
                WHERE c.n > 0 AND NOT EXISTS (SELECT FROM worded)
            ), asking AS MATERIALIZED (
                SELECT token, forward, back, n / sum(n) OVER () AS share,
                    row_number() OVER (ORDER BY n DESC, back, forward) AS nth
                FROM (SELECT * FROM counts ORDER BY n DESC, back, forward LIMIT 8) c
            ), members AS (
                SELECT g.nth AS place, g.token AS start, g.token AS id, 0 AS depth, '{}'::text[] AS trail
                FROM given g, form WHERE ends_in_node AND (all_nodes OR g.nth = length)
                UNION ALL
                SELECT p.place, p.start, n.id, p.depth + 1,
                    p.trail || (lpad((n.position::bigint + 2147483648)::text, 10, '0') || n.id::text)
                FROM members p JOIN \(s).nodes n ON n.parent_id = p.id
                WHERE n.kind IN ('section', 'symbol') AND p.depth < 63 AND n.id <> p.start
            ), nearest AS (
                SELECT * FROM (
                    SELECT *, row_number() OVER (PARTITION BY place ORDER BY depth, trail) AS nth FROM members) o
                WHERE nth <= 64
            ), askable AS MATERIALIZED (
                SELECT place, start, id, row_number() OVER (PARTITION BY place ORDER BY nth) AS nth FROM nearest o
                WHERE EXISTS (SELECT FROM asking a WHERE CASE
                    WHEN a.forward = m.parent AND a.back THEN EXISTS (SELECT FROM \(s).nodes c WHERE c.parent_id = o.id)
                    WHEN a.forward = m.parent THEN EXISTS (
                        SELECT FROM \(s).nodes c WHERE c.id = o.id AND c.parent_id IS NOT NULL)
                    WHEN a.back THEN EXISTS (
                        SELECT FROM \(s).edges e WHERE e.target_id = o.id AND e.relation = a.forward)
                    ELSE EXISTS (SELECT FROM \(s).edges e WHERE e.source_id = o.id AND e.relation = a.forward) END)
            ), askers AS (
                SELECT n.place, n.start AS id, 1 AS nth FROM nearest n
                WHERE n.depth = 0 AND (
                    NOT EXISTS (SELECT FROM askable a WHERE a.place = n.place)
                    OR EXISTS (SELECT FROM askable a WHERE a.place = n.place AND a.id = n.start))
                UNION ALL
                SELECT place, id, nth FROM askable a
                WHERE nth <= 16 AND NOT EXISTS (SELECT FROM askable b WHERE b.place = a.place AND b.id = b.start)
            ), asked AS (
                SELECT CASE WHEN all_nodes THEN '{}' ELSE context[:length - 1] END || ARRAY[o.id, a.token] AS tokens,
                    a.share / count(*) OVER (PARTITION BY o.place, a.nth) AS share,
                    row_number() OVER (ORDER BY o.place, o.nth, a.nth) AS nth
                FROM form, askers o, asking a
            )
            SELECT context, 1::double precision FROM form WHERE NOT ends_in_node
            UNION ALL
            SELECT tokens, (share / sum(share) OVER ())::double precision FROM asked WHERE nth <= 64
        $$;

        """
    }
}
