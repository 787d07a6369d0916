internal import API
internal import Federation
internal import Identity
internal import Peer
internal import Storage
internal import Synchronization
internal import Wire

/// Erases a graph node from everything that this node keeps, in memory too.
struct ForgetService: Sendable {
    let host: NodeHost
    let graphs: GraphService
    let models: ModelService

    /// - Throws: a problem when there is no such graph node, or when trainings do not end.
    func forget(_ request: ForgetRequest) async throws -> ForgetReport {
        // A training under way holds the graph as it was, and would save what is erased now.
        try await models.endTrainings()
        let done = try await graphs.forget(request.node)
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

extension ModelService {
    /// Trainings end with their step; the longest round takes seconds.
    private static let endingTime = Duration.seconds(60)

    /// Ends every training of this site, and returns when none is active any more.
    func endTrainings() async throws {
        let deadline = ContinuousClock.now + Self.endingTime
        while true {
            let active = jobs.withLock { jobs in jobs.runs.values.map(\.run).filter { $0.progress.isActive } }
            guard !active.isEmpty else { return }
            guard ContinuousClock.now < deadline else {
                throw Problem.unavailable(
                    "a training of this site does not end", remedy: "try again when `shoal model info` says it is done")
            }
            for run in active { run.cancel() }
            try await Task.sleep(for: .milliseconds(20))
        }
    }
}
