internal import API
internal import Federation
internal import Graph
internal import Identity
internal import Peer
internal import Storage
internal import Wire

/// Compares the ids of this site's graph with those that others announced.
struct OverlapService: Sendable {
    let host: NodeHost
    let graphs: GraphService
    let peers: PeerService

    private struct Announced: Sendable {
        let model: ModelID
        let agent: String
        let owners: OwnerTable
    }

    /// - Parameter agent: whose models; nil for all.
    func report(agent: String?) async throws -> OverlapReport {
        let graph = try await graphs.current()
        let (own, all) = try await host.ask { node in
            let models = node.models.compactMap { id in
                node.spec(of: id).flatMap { spec in
                    node.owners(of: id).map { Announced(model: id, agent: spec.agent, owners: $0) }
                }
            }
            return (node.identity.peerID, models)
        }
        let chosen = all.filter { agent == nil || $0.agent == agent }
        guard agent == nil || !chosen.isEmpty else {
            throw Problem.notFound(
                "no model of agent '\(agent ?? "")' is known here", remedy: "see them with `shoal model list`",
                code: "unknown_agent")
        }
        let names = Dictionary(
            try await peers.list().map { ($0.peer, $0.name) }, uniquingKeysWith: { first, _ in first })
        var unshared = Set(graph.vocabulary.nodes)
        let models = chosen.map { announced in
            let sites = announced.owners.authorList.filter { $0 != own }
            for site in sites { unshared = unshared.filter { !announced.owners.isOwner(site, of: $0) } }
            return Self.compare(announced.owners, with: graph.vocabulary, sites, own, names, announced)
        }
        let candidates = graph.vocabulary.nodes.filter { unshared.contains($0) }
        let near = try await graphs.database.query { (connection) throws(StorageError) in
            try graphs.store(connection).nearMatches(of: candidates)
        }
        return OverlapReport(
            nodes: graph.vocabulary.nodeCount, relations: graph.vocabulary.relationCount, models: models,
            nearMatches: .init(near))
    }

    private static func compare(
        _ owners: OwnerTable, with vocabulary: LocalVocabulary, _ sites: [PeerID], _ own: PeerID,
        _ names: [String: String], _ announced: Announced
    ) -> OverlapReport.Model {
        let relations = vocabulary.relations.map(\.forward)
        return OverlapReport.Model(
            model: announced.model.hex, agent: announced.agent, announcedHere: owners.rowCount(of: own) > 0,
            sharedNodes: vocabulary.nodes.count { node in sites.contains { owners.isOwner($0, of: node) } },
            sharedRelations: relations.count { relation in sites.contains { owners.isOwner($0, of: relation) } },
            sites: sites.map { site in
                OverlapReport.Site(
                    peer: site.hex, name: names[site.hex] ?? "", announced: owners.rowCount(of: site),
                    sharedNodes: vocabulary.nodes.count { owners.isOwner(site, of: $0) },
                    sharedRelations: relations.count { owners.isOwner(site, of: $0) })
            })
    }
}

extension OverlapReport.NearMatches {
    init(_ near: NearMatches) {
        self.init(
            collisions: near.collisions, collisionExamples: near.collisionExamples, similar: near.similar,
            similarExamples: near.similarExamples.map {
                .init(name: $0.name, other: $0.other, similarity: $0.similarity)
            }, examined: near.examined, complete: near.isComplete)
    }
}
