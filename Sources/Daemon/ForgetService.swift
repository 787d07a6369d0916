internal import API
internal import Federation
internal import Identity
internal import Peer
internal import Storage
internal import Wire

/// Erases a graph node from everything that this node keeps, in memory too.
struct ForgetService: Sendable {
    let host: NodeHost
    let graphs: GraphService
    let models: ModelService

    /// - Throws: a problem when there is no such graph node, or when trainings do not end.
    func forget(_ request: ForgetRequest) async throws -> ForgetReport {
        // A training under way holds the graph as it was, and would save what is erased now.
        let graphs = graphs
        let done = try await models.trainer.paused { try await graphs.forget(request.node) }
        let (announced, rows) = try await host.ask { node in
            (
                node.models.count { node.owners(of: $0)?.isOwner(node.identity.peerID, of: done.id) == true },
                node.models.count { node.state.models[$0]?.accumulators.row(done.id).contains { $0 != 0 } == true }
            )
        }
        return ForgetReport(
            id: done.id.hex, edges: done.edges, heldOut: done.heldOut, perspectives: done.perspectives,
            associations: done.associations, inferences: done.inferences, aliases: done.aliases,
            trainerStates: done.trainerStates, orphans: done.orphans, renamedPaths: done.renamedPaths,
            mentions: done.mentions, announcedIn: announced, replicatedRows: rows)
    }
}
