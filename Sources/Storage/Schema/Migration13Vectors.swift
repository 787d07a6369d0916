extension Migration {
    /// Weights that PostgreSQL can multiply, and the functions that answer with them.
    ///
    /// Arrays are slow there: each number of an unnested array is a row. contrib's `cube` calculates the distance of
    /// two points in C, and w·x = (|w|² + |x|² - |w - x|²) / 2. A cube has at most 100 dimensions: longer vectors
    /// are cut into equal parts, whose products add up.
    static let vectors = Migration(number: 13, name: "vectors") { names in
        vectorTables(names) + vectorArithmetic(names) + modelFunctions(names) + searchFunctions(names)
    }

    private static func vectorTables(_ names: Names) -> String {
        let s = names.schema
        let model = "model_id bytea NOT NULL REFERENCES \(s).vector_models ON DELETE CASCADE"
        return """
            CREATE TABLE \(s).vector_models (
                model_id    bytea PRIMARY KEY CHECK (octet_length(model_id) = 32),
                agent       text NOT NULL,
                dim         integer NOT NULL,
                heads       integer NOT NULL,
                layers      integer NOT NULL,
                context     integer NOT NULL,
                weights     text NOT NULL CHECK (weights IN ('merged', 'adapted')),
                parent      uuid NOT NULL,
                child       uuid NOT NULL,
                digest      bytea NOT NULL,
                written_at  timestamptz NOT NULL DEFAULT now()
            );
            COMMENT ON TABLE \(s).vector_models IS 'Models whose weights predict_next and search answer with';
            COMMENT ON COLUMN \(s).vector_models.weights IS 'What the site served when they were written';
            COMMENT ON COLUMN \(s).vector_models.parent IS 'The token from a graph node to the one above; child: back';

            CREATE TABLE \(s).vector_tensors (
                \(model),
                tensor      text NOT NULL,
                at          integer NOT NULL,
                part        integer NOT NULL,
                vector      \(names.cube).cube NOT NULL,
                square      double precision NOT NULL,
                PRIMARY KEY (model_id, tensor, at, part)
            );
            COMMENT ON TABLE \(s).vector_tensors IS 'Matrices by columns: what output `at` multiplies its input with';
            COMMENT ON COLUMN \(s).vector_tensors.square IS '|vector|²';

            CREATE TABLE \(s).vector_gains (
                \(model),
                tensor      text NOT NULL,
                at          integer NOT NULL,
                numbers     double precision[] NOT NULL,
                PRIMARY KEY (model_id, tensor, at)
            );
            COMMENT ON TABLE \(s).vector_gains IS 'Positions, and the gains of norms';

            CREATE TABLE \(s).vector_tokens (
                \(model),
                part        integer NOT NULL,
                token       uuid NOT NULL,
                is_node     boolean NOT NULL,
                vector      \(names.cube).cube NOT NULL,
                square      double precision NOT NULL,
                PRIMARY KEY (model_id, part, token)
            );
            COMMENT ON TABLE \(s).vector_tokens IS 'Token rows: of graph nodes, relations and inverse relations';
            CREATE INDEX vector_tokens_token ON \(s).vector_tokens (token);

            """
    }

    /// Tables of T rows and d columns, as arrays of two dimensions.
    private static func vectorArithmetic(_ names: Names) -> String {
        let s = names.schema
        let immutable = "LANGUAGE sql IMMUTABLE PARALLEL SAFE"
        let table = "double precision[]"
        return """
            CREATE FUNCTION \(s).vector_width(dim integer) RETURNS integer \(immutable) AS $$
                SELECT ceil(dim / ceil(dim / 100.0))::integer
            $$;
            CREATE FUNCTION \(s).vector_parts(
                x \(table), OUT t integer, OUT part integer, OUT vector \(names.cube).cube, OUT square double precision
            ) RETURNS SETOF record \(immutable) ROWS 4 AS $$
                SELECT t, p, \(names.cube).cube(v), (SELECT sum(e * e) FROM unnest(v) e)
                FROM (SELECT array_length(x, 2) AS d, \(s).vector_width(array_length(x, 2)) AS width OFFSET 0) size,
                    generate_series(1, array_length(x, 1)) t, generate_series(0, (d - 1) / width) p,
                    LATERAL (SELECT ARRAY(
                        SELECT unnest(x[t:t][p * width + 1:least((p + 1) * width, d)])) AS v OFFSET 0) slice
            $$;
            CREATE FUNCTION \(s).vector_cells(x \(table), OUT t integer, OUT i integer, OUT e double precision)
            RETURNS SETOF record \(immutable) ROWS 200 AS $$
                SELECT t, i, x[t][i]
                FROM generate_series(1, array_length(x, 1)) t, generate_series(1, array_length(x, 2)) i
            $$;
            CREATE FUNCTION \(s).vector_add(x \(table), y \(table)) RETURNS \(table) \(immutable) AS $$
                SELECT array_agg(r ORDER BY t) FROM (
                    SELECT t, array_agg(e + y[t][i] ORDER BY i) AS r FROM \(s).vector_cells(x) GROUP BY t) outs
            $$;
            CREATE FUNCTION \(s).vector_relu(x \(table)) RETURNS \(table) \(immutable) AS $$
                SELECT array_agg(r ORDER BY t) FROM (
                    SELECT t, array_agg(greatest(e, 0) ORDER BY i) AS r FROM \(s).vector_cells(x) GROUP BY t) outs
            $$;
            CREATE FUNCTION \(s).vector_norm(x \(table), gain \(table)) RETURNS \(table) \(immutable) AS $$
                SELECT array_agg(r ORDER BY t) FROM (
                    SELECT t, array_agg(e * scale * gain[i] ORDER BY i) AS r FROM (
                        SELECT t, i, e, 1 / sqrt(avg(e * e) OVER (PARTITION BY t) + 1e-5) AS scale
                        FROM \(s).vector_cells(x)) cells GROUP BY t) outs
            $$;
            CREATE FUNCTION \(s).vector_attend(q \(table), k \(table), v \(table), heads integer) RETURNS \(table)
            \(immutable) AS $$
                WITH size AS (SELECT array_length(q, 2) / heads AS width), scores AS (
                    SELECT a.t, (a.i - 1) / width AS h, b.t AS s, sum(a.e * b.e) / sqrt(width) AS z
                    FROM size, \(s).vector_cells(q) a JOIN \(s).vector_cells(k) b ON b.i = a.i AND b.t <= a.t
                    GROUP BY 1, 2, 3, width
                ), powers AS (SELECT t, h, s, exp(z - max(z) OVER (PARTITION BY t, h)) AS w FROM scores),
                shares AS (SELECT t, h, s, w / sum(w) OVER (PARTITION BY t, h) AS w FROM powers)
                SELECT array_agg(r ORDER BY t) FROM (SELECT t, array_agg(o ORDER BY i) AS r FROM (
                    SELECT a.t, b.i, sum(a.w * b.e) AS o
                    FROM size, shares a JOIN \(s).vector_cells(v) b ON b.t = a.s
                    WHERE (b.i - 1) / width = a.h GROUP BY 1, 2) cells GROUP BY t) outs
            $$;
            CREATE FUNCTION \(s).vector_apply(model bytea, tensor text, x \(table)) RETURNS \(table)
            LANGUAGE sql STABLE PARALLEL SAFE AS $$
                WITH p AS MATERIALIZED (SELECT * FROM \(s).vector_parts(x))
                SELECT array_agg(r ORDER BY t) FROM (SELECT t, array_agg(y ORDER BY at) AS r FROM (
                    SELECT p.t, w.at, sum(\(product(names))) AS y
                    FROM p JOIN \(s).vector_tensors w ON w.part = p.part
                    WHERE w.model_id = $1 AND w.tensor = $2 GROUP BY 1, 2) cells GROUP BY t) outs
            $$;

            """
    }

    /// w·p of two parts.
    private static func product(_ names: Names) -> String {
        "(w.square + p.square - (w.vector OPERATOR(\(names.cube).<->) p.vector) ^ 2) / 2"
    }

    /// Without just-in-time compilation, which would take longer than the whole answer.
    private static let answering = "STABLE PARALLEL SAFE SET jit = off"

    private static func modelFunctions(_ names: Names) -> String {
        let s = names.schema
        let gain = { (tensor: String) in
            "(SELECT numbers FROM \(s).vector_gains g WHERE g.model_id = m.model_id AND g.tensor = \(tensor))"
        }
        let apply = { (tensor: String, x: String) in
            "\(s).vector_apply(m.model_id, prefix || '\(tensor)', \(x))"
        }
        return """
            CREATE FUNCTION \(s).vector_model(wanted text) RETURNS \(s).vector_models
            LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
            DECLARE found \(s).vector_models[];
            BEGIN
                found := ARRAY(SELECT m FROM \(s).vector_models m WHERE m.agent = wanted);
                IF cardinality(found) = 0 AND wanted ~ '^[0-9a-f]{4,64}$' THEN
                    found := ARRAY(
                        SELECT m FROM \(s).vector_models m WHERE starts_with(encode(m.model_id, 'hex'), wanted));
                END IF;
                IF cardinality(found) <> 1 THEN
                    RAISE no_data_found USING
                        MESSAGE = format('%s models here are called ''%s''', cardinality(found), wanted),
                        HINT = 'The table vector_models has those that can be asked; the node writes them.';
                END IF;
                RETURN found[1];
            END $$;

            CREATE FUNCTION \(s).vector_logits(m \(s).vector_models, context uuid[])
            RETURNS TABLE(node uuid, logit double precision) LANGUAGE plpgsql \(answering) AS $$
            DECLARE
                asked uuid[] := context[greatest(1, cardinality(context) - m.context + 1):];
                count integer := coalesce(cardinality(asked), 0);
                width integer := \(s).vector_width(m.dim);
                prefix text;
                x double precision[];
                n double precision[];
            BEGIN
                IF count = 0 THEN
                    RAISE invalid_parameter_value USING MESSAGE = 'the context is empty';
                END IF;
                SELECT array_agg(r ORDER BY t) INTO x FROM (
                    SELECT c.t, array_agg(\(names.cube).cube_ll_coord(w.vector, i) + g.numbers[w.part * width + i]
                        ORDER BY w.part, i) AS r
                    FROM unnest(asked) WITH ORDINALITY c(token, t)
                    JOIN \(s).vector_tokens w ON w.model_id = m.model_id AND w.token = c.token
                    JOIN \(s).vector_gains g ON g.model_id = m.model_id AND g.tensor = 'pos_emb' AND g.at = c.t
                    CROSS JOIN LATERAL generate_series(1, \(names.cube).cube_dim(w.vector)) i GROUP BY c.t) outs;
                IF array_length(x, 1) IS DISTINCT FROM count THEN
                    RAISE no_data_found USING MESSAGE = 'the model has no row for a token of the context';
                END IF;
                FOR layer IN 0..m.layers - 1 LOOP
                    prefix := 'layer' || layer || '.';
                    n := \(s).vector_norm(x, \(gain("prefix || 'norm1'")));
                    x := \(s).vector_add(x, \(apply("o_proj", """
                        \(s).vector_attend(
                                            \(apply("q_proj", "n")), \(apply("k_proj", "n")), \(apply("v_proj", "n")),
                                            m.heads)
                        """)));
                    n := \(s).vector_norm(x, \(gain("prefix || 'norm2'")));
                    x := \(s).vector_add(x, \(apply("ff_down", "\(s).vector_relu(\(apply("ff_up", "n")))")));
                END LOOP;
                x := \(s).vector_norm(x[count:count][1:m.dim], \(gain("'final_norm'")));
                RETURN QUERY
                    WITH p AS MATERIALIZED (SELECT * FROM \(s).vector_parts(x))
                    SELECT w.token, sum(\(product(names))) FROM \(s).vector_tokens w JOIN p ON p.part = w.part
                    WHERE w.model_id = m.model_id AND w.is_node GROUP BY 1;
            END $$;

            CREATE FUNCTION \(s).vector_probabilities(m \(s).vector_models, context uuid[])
            RETURNS TABLE(node uuid, probability double precision, logit double precision)
            LANGUAGE sql \(answering) AS $$
                WITH l AS MATERIALIZED (SELECT * FROM \(s).vector_logits(m, context)),
                    most AS MATERIALIZED (SELECT max(logit) AS z FROM l),
                    total AS MATERIALIZED (SELECT sum(exp(l.logit - z)) AS powers FROM l, most)
                SELECT l.node, exp(l.logit - z) / powers, l.logit FROM l, most, total
            $$;

            CREATE FUNCTION \(s).predict_next(model text, context uuid[], k integer DEFAULT 10)
            RETURNS TABLE(node uuid, name text, probability double precision, logit double precision)
            LANGUAGE sql \(answering) AS $$
                SELECT best.node, n.name, best.probability, best.logit FROM (
                    SELECT p.* FROM \(s).vector_probabilities(\(s).vector_model(model), context) p
                    ORDER BY p.logit DESC, p.node LIMIT k) best
                LEFT JOIN \(s).nodes n ON n.id = best.node ORDER BY best.logit DESC, best.node
            $$;
            COMMENT ON FUNCTION \(s).predict_next IS
                'What the model of an agent finds most likely after a context of graph nodes and relations';

            """
    }
}
