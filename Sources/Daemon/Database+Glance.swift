internal import API
internal import Identity
internal import Storage
internal import Synchronization
internal import Wire

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

extension Database {
    /// Where the bytes of the op log are; nil while the database is away.
    func diskUse(of network: NetworkID) async throws -> OpStore.DiskUse? {
        let schema = schema
        return try await glance { (connection) throws(StorageError) in
            try OpStore(connection, schema: schema, network: network).diskUse()
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
    /// Counting a graph and measuring a database takes milliseconds: once a second is enough for whoever watches,
    /// unless the graph has changed.
    static let goodFor = Duration.seconds(1)

    private struct State {
        var facts = Facts()
        /// Of the graph that was counted, and when.
        var counted: (age: Int, at: ContinuousClock.Instant)?
    }
    private let state = Mutex(State())
    /// Where the bytes are costs a scan of the op log: at most one part in so many of the time goes into that.
    static let diskPatience = 100
    private let disk = Mutex<(use: OpStore.DiskUse, until: ContinuousClock.Instant)?>(nil)

    /// Asks anew after a second, or a hundred times as long as it took; if the database answers.
    func disk(
        now: ContinuousClock.Instant = .now, _ ask: () async throws -> OpStore.DiskUse?
    ) async throws -> OpStore.DiskUse {
        let known = disk.withLock { $0 }
        if let known, now < known.until { return known.use }
        let begin = ContinuousClock.now
        guard let use = try await ask() else { return known?.use ?? OpStore.DiskUse() }
        let cost = ContinuousClock.now - begin
        disk.withLock { $0 = (use, now + max(Self.goodFor, cost * Self.diskPatience)) }
        return use
    }

    /// Asks anew, if the database answers.
    ///
    /// - Parameters:
    ///   - age: of the graph, as ``GraphService/age``.
    ///   - graph, bytes: nil while the database is away; not asked where the last answer is still good.
    ///   - models: asked only if the others were answered.
    /// - Returns: what is known, and whether it is of now.
    func facts(
        age: Int, now: ContinuousClock.Instant = .now, graph: () async throws -> GraphReport?,
        bytes: () async throws -> Int?, models: () async throws -> [ModelReport]
    ) async throws -> (facts: Facts, isCurrent: Bool) {
        var (facts, counted) = state.withLock { ($0.facts, $0.counted) }
        if counted.map({ $0.age != age || now - $0.at >= Self.goodFor }) ?? true {
            guard let graph = try await graph(), let bytes = try await bytes() else {
                state.withLock { $0.counted = nil }
                return (facts, false)
            }
            (facts.graph, facts.bytes, counted) = (graph, bytes, (age, now))
        }
        facts.models = try await models()
        let (kept, place) = (facts, counted)
        state.withLock { ($0.facts, $0.counted) = (kept, place) }
        return (facts, true)
    }
}
