internal import API
internal import Graph
internal import Storage
internal import Wire

extension SearchService {
    /// Records that an answer was the one that was wanted. With a context it becomes an edge of the graph: training
    /// walks along it, and searches find the choice by what was searched for.
    func select(_ request: FeedbackRequest) async throws -> FeedbackReport {
        let text = request.inference.filter { $0 != "-" }
        guard let id = TokenID(hex: text.lowercased()) else {
            throw Problem.badRequest(
                "'\(request.inference)' is no inference id", remedy: "give the one that came with the answer",
                field: "inference")
        }
        let (schema, key) = (database.schema, graphs.key)
        let outcome = try await database.query { (connection) throws(StorageError) in
            try InferenceLog(connection, schema: schema).select(id, agent: request.agent, key: key)
        }
        switch outcome {
        case .unknown:
            throw Problem.notFound(
                "this site gave no answer \(id.hex)",
                remedy: "feedback goes to the node that answered, with the id that came with the answer",
                code: "unknown_inference")
        case .foreign(let agent):
            throw Problem(
                status: 403,
                detail: agent.isEmpty
                    ? "the answer \(id.hex) came from a search without a model"
                    : "the answer \(id.hex) came from the model of '\(agent)'",
                remedy: "name that agent, or none", code: "foreign_inference", field: "agent")
        case .already:
            throw Problem.conflict(
                "the answer \(id.hex) was selected before", remedy: "each answer counts once", code: "already_selected")
        case .recorded(let selected, let edge):
            if edge { graphs.outdate() }
            let graph = try await graphs.current()
            return FeedbackReport(
                inference: id.hex, selected: graph.name(of: selected.predicted), learns: edge)
        }
    }
}
