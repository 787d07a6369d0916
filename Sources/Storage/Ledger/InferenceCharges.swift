public import Identity
public import Ledger
public import Wire

/// What was asked of models that cost something, and what is paid already. One connection, used by one thread.
///
/// A question counts once, however many answers were shown, and for each model of an ensemble that answered it. Everything is in batches: each ends at a moment, and the next
/// begins there, so that no question is paid twice.
public struct InferenceCharges {
    /// Answers that are not paid.
    public struct Owed: Sendable, Equatable {
        public let answers: UInt64
        /// Of the first of them, in seconds since 1970; 0: there is none.
        public let since: UInt64
        /// Where the batch ends, in microseconds since 1970.
        public let through: Int64
    }
    /// A batch that was begun, and whose op is not known.
    public struct Begun: Sendable, Equatable {
        public let model: ModelID
        public let through: Int64
        public let price: OpID
        public let answers: UInt64
        /// How many charges of this site the ledger held before.
        public let chargesBefore: Int

        public init(model: ModelID, through: Int64, price: OpID, answers: UInt64, chargesBefore: Int) {
            self.model = model
            self.through = through
            self.price = price
            self.answers = answers
            self.chargesBefore = chargesBefore
        }
    }
    /// Answers younger than this wait for the next batch: their transaction may not be over.
    static let settlingSeconds = 2

    private let connection: Connection
    private let schema: String

    public init(_ connection: Connection, schema: String) {
        self.connection = connection
        self.schema = Schema.quote(schema)
    }

    /// What a model answered since the last batch. The first time nothing is: the price is just seen.
    public func owed(for model: ModelID) throws(StorageError) -> Owed {
        try connection.query(
            """
            INSERT INTO \(schema).inference_charges (model_id, through, answers, amount, charges_before, state)
            SELECT $1, now(), 0, 0, 0, 'counted-from'
            WHERE NOT EXISTS (SELECT 1 FROM \(schema).inference_charges WHERE model_id = $1)
            """, [.bytes(model.bytes)])
        let row = try connection.row(
            """
            WITH bounds AS (SELECT
                (SELECT max(through) FROM \(schema).inference_charges WHERE model_id = $1) AS since,
                now() - interval '\(Self.settlingSeconds) seconds' AS through)
            SELECT count(l.id), coalesce(extract(epoch FROM min(l.created_at))::bigint, 0),
                (extract(epoch FROM min(b.through)) * 1000000)::bigint
            FROM bounds b LEFT JOIN (
                SELECT id, created_at FROM \(schema).inference_log WHERE rank = 1 AND model_id = $1
                UNION ALL SELECT id, created_at FROM \(schema).inference_log WHERE rank = 1 AND ensemble @> ARRAY[$1]
            ) l ON l.created_at > b.since AND l.created_at <= b.through
            """, [.bytes(model.bytes)])
        return Owed(
            answers: UInt64(clamping: try row.int64(0)), since: UInt64(clamping: try row.int64(1)),
            through: try row.int64(2))
    }

    /// Writes down that a batch is about to be paid, before it is.
    public func begin(_ batch: Begun, amount: NanoKoi) throws(StorageError) {
        try connection.query(
            """
            INSERT INTO \(schema).inference_charges (model_id, through, answers, price, amount, charges_before, state)
            VALUES ($1, \(Self.moment("$2")), $3, $4, $5, $6, 'begun')
            """,
            [
                .bytes(batch.model.bytes), .int64(batch.through), .int64(Int64(clamping: batch.answers)),
                .bytes(batch.price.bytes), .int64(amount), .int64(Int64(batch.chargesBefore)),
            ])
    }

    /// The batch is in the log; nil: it never came there, and its answers are owed still.
    public func end(_ batch: Begun, op: OpID?) throws(StorageError) {
        let place = "model_id = $1 AND through = \(Self.moment("$2"))"
        if let op {
            try connection.query(
                "UPDATE \(schema).inference_charges SET state = 'signed', op_id = $3 WHERE \(place)",
                [.bytes(batch.model.bytes), .int64(batch.through), .bytes(op.bytes)])
        } else {
            try connection.query(
                "DELETE FROM \(schema).inference_charges WHERE \(place)",
                [.bytes(batch.model.bytes), .int64(batch.through)])
        }
    }

    /// Batches that a stop left between.
    public func begun() throws(StorageError) -> [Begun] {
        let rows = try connection.query(
            """
            SELECT model_id, (extract(epoch FROM through) * 1000000)::bigint, price, answers, charges_before
            FROM \(schema).inference_charges WHERE state = 'begun' ORDER BY through, model_id
            """)
        var found: [Begun] = []
        for row in rows {
            guard let model = ModelID(try row.bytes(0)), let price = OpID(try row.bytes(2)) else { continue }
            found.append(
                Begun(
                    model: model, through: try row.int64(1), price: price, answers: UInt64(clamping: try row.int64(3)),
                    chargesBefore: Int(clamping: try row.int64(4))))
        }
        return found
    }

    /// What batches cost in the last 24 hours.
    public func spentToday() throws(StorageError) -> NanoKoi {
        try connection.row(
            """
            SELECT coalesce(sum(amount), 0)::bigint FROM \(schema).inference_charges
            WHERE through > now() - interval '1 day'
            """
        ).int64(0)
    }

    private static func moment(_ microseconds: String) -> String {
        "timestamptz 'epoch' + \(microseconds)::bigint * interval '1 microsecond'"
    }
}
