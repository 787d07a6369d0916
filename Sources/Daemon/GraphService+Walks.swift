internal import API
internal import Graph
internal import Storage
internal import Wire

extension GraphService {
    /// The graph with what `walks` are held to: the graph nodes of a scope, an agent's perspectives.
    ///
    /// - Throws: a problem that says why such walks are not possible here. A site whose graph has no edge at all
    ///   takes part without walking: no problem.
    func current(for walks: WalkRequest) async throws -> SiteGraph {
        var graph = try await current()
        if walks == WalkRequest.standard || graph.index.edgeCount == 0 && walks.scope == nil { return graph }
        graph.limits = try await asking { (store) throws(GraphRequestError) in
            var limits = WalkLimits()
            if let scope = walks.scope {
                limits.scope = (scope, try store.nodes(in: scope))
            }
            if let agent = walks.agent { limits.perspectives = try store.perspectiveEntries(of: agent) }
            return limits
        }
        do {
            _ = try graph.sampler(walks.rule)
        } catch {
            throw Problem(status: 422, detail: "\(error)", code: "no_walks", field: "walks")
        }
        return graph
    }

    /// Asks the store, or changes what a repetition would change alike.
    func asking<Value: Sendable>(
        _ work: @escaping @Sendable (GraphStore) throws(GraphRequestError) -> Value
    ) async throws -> Value {
        do {
            return try await database.query { (connection) throws(StorageError) in
                do throws(GraphRequestError) {
                    return Result<Value, GraphRequestError>.success(try work(self.store(connection)))
                } catch .storage(let error) {
                    throw error
                } catch {
                    return .failure(error)
                }
            }.get()
        } catch let error as GraphRequestError {
            throw error.problem
        }
    }
}

extension GraphRequestError {
    /// The answer to whoever asked.
    var problem: Problem {
        switch self {
        case .unknownNode: .notFound(description, remedy: remedy, code: "unknown_node")
        case .unknownAgent: .notFound(description, remedy: remedy, code: "unknown_agent")
        case .ambiguousNode: .conflict(description, remedy: remedy, code: "ambiguous_node")
        case .agentExists: .conflict(description, remedy: remedy, code: "agent_exists")
        case .weight: .badRequest(description, remedy: remedy, field: "weight")
        case .place: .foreignPlace
        case .text, .agentKind, .graph, .storage: .unusable(description, remedy: remedy)
        }
    }
}
