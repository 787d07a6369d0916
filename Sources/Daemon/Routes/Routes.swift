internal import API
internal import Identity
internal import Storage
internal import Transport

/// The node's HTTP routes, as commands and programs use them. Each group is a file.
struct Routes: Sendable {
    let site: SiteFacts
    let host: NodeHost
    let database: Database
    let graphs: GraphService
    let models: ModelService
    let searches: SearchService
    let exchange: WeightsExchange
    let ops: OpService
    let peers: PeerService
    let koi: KoiService
    let charges: ChargeService
    let consensus: ConsensusService
    let invitations: InvitationService
    let leaving: LeaveService
    let rotation: RotationService
    let patterns: PatternService
    let measurer: ClaimMeasurer
    let vectors: VectorService
    let log: EventLog
    let feed: EventFeed
    let requests = RequestCounts()
    let document = OpenAPIDocument()
    let lastKnown = LastKnown()

    func router() -> Router {
        var router = Router()
        let log = log
        router.onError = { request, error in
            log.warn("request-failed", ["path": request.path, "error": "\(error)"])
        }
        addLive(to: &router)
        addStatus(to: &router)
        addPeers(to: &router)
        addGraph(to: &router)
        addImport(to: &router)
        addAgents(to: &router)
        addModels(to: &router)
        addSearch(to: &router)
        addPatterns(to: &router)
        addExchange(to: &router)
        addOps(to: &router)
        addConsensus(to: &router)
        addInvitations(to: &router)
        addLeave(to: &router)
        addRotation(to: &router)
        addKoi(to: &router)
        do { try document.describe(router) } catch { log.warn("openapi", ["cause": "\(error)"]) }
        return router
    }
}

/// Turns errors of the rooms below into problem documents.
func answering(_ work: () async throws -> Response) async throws -> Response {
    do {
        return try await work()
    } catch {
        throw problem(of: error) ?? error
    }
}

/// What an error of the rooms below is to a client, in one place; nil: an error that nobody expected.
func problem(of error: any Error) -> Problem? {
    switch error {
    case let problem as Problem: problem
    case let error as StorageError:
        error.isPassing
            ? .unavailable("\(error)", remedy: "try again: the database is busy or being restarted")
            : .conflict("\(error)", code: "storage")
    case is TransportError: .unavailable("the node is stopping")
    case let error as TrainingError: .conflict("\(error)", code: "training")
    case let error as any (Error & CustomStringConvertible): .unusable("\(error)")
    default: nil
    }
}
