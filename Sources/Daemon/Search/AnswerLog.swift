internal import Storage
internal import Synchronization
internal import Wire

/// Logs what searches and predictions answered, so that people can say which answer was right.
final class AnswerLog: Sendable {
    /// Old answers that nobody chose are forgotten once in so many questions.
    private static let pruneEvery = 1_000

    private let database: Database
    private let questions = Atomic<Int>(0)

    init(database: Database) { self.database = database }

    /// - Returns: the id of each answer, in their order.
    func append(_ inference: LoggedInference) async throws -> [TokenID] {
        let number = questions.wrappingAdd(1, ordering: .relaxed).oldValue
        let schema = database.schema
        return try await database.query { (connection) throws(StorageError) in
            let log = InferenceLog(connection, schema: schema)
            if number % Self.pruneEvery == 0 { try log.prune() }
            return try log.append(inference)
        }
    }
}
