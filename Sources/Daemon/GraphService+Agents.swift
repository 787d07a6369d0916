internal import API
internal import Storage
internal import Wire

extension GraphService {
    func agents() async throws -> [AgentReport] {
        try await database.query { (connection) throws(StorageError) in
            try self.store(connection).agents().map { AgentReport($0) }
        }
    }

    func addAgent(_ request: AgentAddRequest) async throws -> AgentReport {
        AgentReport(
            try await asking { (store) throws(GraphRequestError) in
                try store.addAgent(request.name, kind: request.kind ?? "human", model: request.model)
            })
    }

    func removeAgent(_ name: String) async throws {
        try await asking { (store) throws(GraphRequestError) in try store.removeAgent(name) }
    }

    // MARK: Perspectives

    func perspectives(
        agent: String?, node: String?, before: ListPlace?, limit: Int
    ) async throws -> [PerspectiveReport] {
        try await asking { (store) throws(GraphRequestError) in
            try store.perspectives(of: agent, on: node, after: before, limit: limit)
        }.map { PerspectiveReport($0) }
    }

    func setPerspective(_ request: PerspectiveRequest) async throws -> PerspectiveReport {
        PerspectiveReport(
            try await asking { (store) throws(GraphRequestError) in
                try store.setPerspective(
                    of: request.agent, on: request.node, weight: request.weight, context: request.context,
                    reasoning: request.reasoning)
            })
    }

    /// - Parameter context: nil for those of every context.
    func removePerspectives(agent: String, node: String, context: String?) async throws -> RemovedReport {
        RemovedReport(
            removed: try await asking { (store) throws(GraphRequestError) in
                try store.removePerspectives(of: agent, on: node, context: context)
            })
    }

    // MARK: Associations

    func associations(
        agent: String?, node: String?, before: ListPlace?, limit: Int
    ) async throws -> [AssociationReport] {
        try await asking { (store) throws(GraphRequestError) in
            try store.associations(of: agent, touching: node, after: before, limit: limit)
        }.map { AssociationReport($0) }
    }

    func setAssociation(_ request: AssociationRequest) async throws -> AssociationReport {
        AssociationReport(
            try await asking { (store) throws(GraphRequestError) in
                try store.setAssociation(
                    of: request.agent, from: request.source,
                    relation: request.relation ?? AssociationRequest.standardRelation, to: request.target,
                    weight: request.weight, reasoning: request.reasoning)
            })
    }

    /// - Parameter relation: nil for all between the two.
    func removeAssociations(
        agent: String, source: String, relation: String?, target: String
    ) async throws -> RemovedReport {
        RemovedReport(
            removed: try await asking { (store) throws(GraphRequestError) in
                try store.removeAssociations(of: agent, from: source, relation: relation, to: target)
            })
    }
}

extension AgentReport {
    init(_ agent: StoredAgent) {
        self.init(
            name: agent.name, kind: agent.kind, model: agent.model, perspectives: agent.perspectives,
            associations: agent.associations)
    }
}

extension PerspectiveReport {
    init(_ placed: Placed<StoredPerspective>) {
        self.init(placed.item)
        place = placed.place.text
    }

    init(_ perspective: StoredPerspective) {
        self.init(
            agent: perspective.agent, node: NodeReport(perspective.node),
            context: perspective.context.map { NodeReport($0) }, weight: perspective.weight,
            reasoning: perspective.reasoning)
    }
}

extension AssociationReport {
    init(_ placed: Placed<StoredAssociation>) {
        self.init(placed.item)
        place = placed.place.text
    }

    init(_ association: StoredAssociation) {
        self.init(
            agent: association.agent, source: NodeReport(association.source), relation: association.relation,
            target: NodeReport(association.target), weight: association.weight, reasoning: association.reasoning)
    }
}

extension NodeReport {
    /// Characters of a text that a list shows.
    private static let excerptCharacters = 200

    init(_ node: StoredNode) {
        self.init(
            id: node.id.hex, kind: node.kind, name: node.name,
            excerpt: node.content == node.name ? nil : String(node.content.prefix(Self.excerptCharacters)))
    }
}
