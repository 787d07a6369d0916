internal import API
internal import Storage
internal import Synchronization

extension Database {
    /// As ``query(_:)``, for status displays: one attempt, and nobody waits for a database that is away.
    ///
    /// - Returns: nil while the database is away.
    func glance<Value: Sendable>(
        _ work: @escaping @Sendable (Connection) throws(StorageError) -> Value
    ) async throws(StorageError) -> Value? {
        guard trouble == nil else { return nil }
        let pool = pool
        do {
            return try await glances.perform { () throws(StorageError) in try pool.withConnection(work) }
        } catch {
            guard error.isPassing else { throw error }
            return nil
        }
    }
}

/// What a status tells of the database while that is away: what it told before.
final class LastKnown: Sendable {
    struct Facts: Sendable {
        var graph = GraphReport(nodes: 0, edges: 0, relations: 0, valid: 0, test: 0)
        var models: [ModelReport] = []
        var bytes = 0
    }
    private let facts = Mutex(Facts())

    /// Asks anew, if the database answers.
    ///
    /// - Parameters:
    ///   - graph, bytes: nil while the database is away.
    ///   - models: asked only if the others were answered.
    /// - Returns: what is known, and whether it is of now.
    func facts(
        graph: GraphReport?, bytes: Int?, models: () async throws -> [ModelReport]
    ) async throws -> (facts: Facts, isCurrent: Bool) {
        guard let graph, let bytes else { return (facts.withLock(\.self), false) }
        let fresh = Facts(graph: graph, models: try await models(), bytes: bytes)
        facts.withLock { $0 = fresh }
        return (fresh, true)
    }
}
