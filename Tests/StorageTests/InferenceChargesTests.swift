import Identity
import Ledger
import Replication
import Testing
import Wire

@testable import Storage

/// Answers of priced models, counted from the log of answers of a real server.
@Suite struct InferenceChargesTests {
    private let connection: Connection
    private let schema: String
    private let model = ModelID(Bytes(repeating: 7, count: 32))!
    private var charges: InferenceCharges { InferenceCharges(connection, schema: schema) }

    init() throws { (connection, schema) = try TestServer.freshSchema() }

    /// Questions, each with three answers, so many seconds ago.
    private func ask(_ questions: Int, secondsAgo: Int, model: ModelID? = nil) throws {
        for _ in 0..<questions {
            try connection.query(
                """
                INSERT INTO \(schema).inference_log (model_id, agent, context_nodes, predicted, rank, score, created_at)
                SELECT $1, 'ward', '{}', gen_random_uuid(), rank, 0.5, now() - $2 * interval '1 second'
                FROM generate_series(1, 3) rank
                """, [.bytes((model ?? self.model).bytes), .int64(Int64(secondsAgo))])
        }
    }

    /// As if the price had been seen so long ago.
    private func seen(secondsAgo: Int) throws {
        _ = try charges.owed(for: model)
        try connection.query(
            "UPDATE \(schema).inference_charges SET through = now() - $1 * interval '1 second'",
            [.int64(Int64(secondsAgo))])
    }

    private func batch(_ owed: InferenceCharges.Owed, before: Int = 0) -> InferenceCharges.Begun {
        InferenceCharges.Begun(
            model: model, through: owed.through, price: OpID(Bytes(repeating: 9, count: 32))!, answers: owed.answers,
            chargesBefore: before)
    }

    @Test func `what was asked before a price was seen costs nothing`() throws {
        try ask(4, secondsAgo: 100)
        #expect(try charges.owed(for: model).answers == 0)
        #expect(try charges.owed(for: model).answers == 0)
    }

    @Test func `a question counts once, and once only for one model`() throws {
        try seen(secondsAgo: 1_000)
        try ask(5, secondsAgo: 100)
        try ask(3, secondsAgo: 50, model: ModelID(Bytes(repeating: 8, count: 32))!)
        let owed = try charges.owed(for: model)
        #expect(owed.answers == 5)
        let age = Int64(owed.through / 1_000_000) - Int64(owed.since)
        #expect((90...110).contains(age))
    }

    @Test func `an ensemble's answer is owed to each of its models`() throws {
        let others = (1...2).map { ModelID(Bytes(repeating: $0, count: 32))! }
        for one in others + [model] { _ = try charges.owed(for: one) }
        try connection.query(
            "UPDATE \(schema).inference_charges SET through = now() - interval '1000 seconds'")
        let log = InferenceLog(connection, schema: schema)
        for models in [[model, others[0]], [others[0], model], [others[0]], []] {
            _ = try log.append(
                LoggedInference(
                    models: models, agent: "", query: nil, context: [], answers: [(TokenID(rawValue: 5), 0.5)]))
        }
        try connection.query("UPDATE \(schema).inference_log SET created_at = now() - interval '100 seconds'")
        #expect(try charges.owed(for: model).answers == 2)
        #expect(try charges.owed(for: others[0]).answers == 3)
        #expect(try charges.owed(for: others[1]).answers == 0)
    }

    @Test func `what is just being written waits for the next batch`() throws {
        try seen(secondsAgo: 1_000)
        try ask(2, secondsAgo: 0)
        #expect(try charges.owed(for: model).answers == 0)
    }

    @Test func `a batch that is signed is not owed again, one that never came into the log is`() throws {
        try seen(secondsAgo: 1_000)
        try ask(5, secondsAgo: 100)
        let first = batch(try charges.owed(for: model), before: 4)
        try charges.begin(first, amount: 50)
        #expect(try charges.owed(for: model).answers == 0)
        #expect(try charges.begun() == [first], "to the microsecond")
        try charges.end(first, op: nil)
        let second = batch(try charges.owed(for: model))
        #expect(second.answers == 5)
        try charges.begin(second, amount: 50)
        try charges.end(second, op: OpID(Bytes(repeating: 5, count: 32))!)
        #expect(try charges.begun().isEmpty)
        #expect(try charges.owed(for: model).answers == 0)
        #expect(try charges.spentToday() == 50)
    }
}
