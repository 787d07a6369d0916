/// One agent of this site: `GET /api/agents`.
public struct AgentReport: Codable, Sendable, Equatable {
    public var name: String
    /// `human`, `llm`, `tool` or `swarm`.
    public var kind: String
    public var model: String?
    public var perspectives: Int
    public var associations: Int

    public init(name: String, kind: String, model: String?, perspectives: Int, associations: Int) {
        self.name = name
        self.kind = kind
        self.model = model
        self.perspectives = perspectives
        self.associations = associations
    }
}

/// `POST /api/agents`.
public struct AgentAddRequest: StrictDecodable, Encodable, Sendable {
    public enum CodingKeys: String, CodingKey, CaseIterable { case name, kind, model }
    public static let narrowed: [CodingKeys: JSONSchema] = [
        .name: .name, .kind: .text(choices: ["human", "llm", "tool", "swarm"]), .model: .name,
    ]
    public var name: String
    /// `human` unless told otherwise.
    public var kind: String?
    public var model: String?

    public init(name: String, kind: String? = nil, model: String? = nil) {
        self.name = name
        self.kind = kind
        self.model = model
    }
}

/// How an agent sees a graph node: `GET /api/perspectives?agent=&node=&limit=&before=`.
public struct PerspectiveReport: Codable, Sendable, Equatable {
    public var agent: String
    public var node: NodeReport
    /// Seen from here; absent: from everywhere.
    public var context: NodeReport?
    /// -1 (repels) to 1 (attracts).
    public var weight: Double
    public var reasoning: String?
    /// Where it stands in its list: `before=PLACE` asks for the weaker ones.
    public var place: String?

    public init(
        agent: String, node: NodeReport, context: NodeReport?, weight: Double, reasoning: String?, place: String? = nil
    ) {
        self.agent = agent
        self.node = node
        self.context = context
        self.weight = weight
        self.reasoning = reasoning
        self.place = place
    }
}

/// `PUT /api/perspectives`.
public struct PerspectiveRequest: StrictDecodable, Encodable, Sendable {
    public enum CodingKeys: String, CodingKey, CaseIterable { case agent, node, weight, context, reasoning }
    public static let narrowed: [CodingKeys: JSONSchema] = [
        .agent: .name, .node: .name, .weight: .weight, .context: .name, .reasoning: .name,
    ]
    public var agent: String
    /// A name or an id; so is `context`.
    public var node: String
    public var weight: Double
    public var context: String?
    public var reasoning: String?

    public init(agent: String, node: String, weight: Double, context: String? = nil, reasoning: String? = nil) {
        self.agent = agent
        self.node = node
        self.weight = weight
        self.context = context
        self.reasoning = reasoning
    }
}

/// A link as one agent sees it: `GET /api/associations?agent=&node=&limit=&before=`.
public struct AssociationReport: Codable, Sendable, Equatable {
    public var agent: String
    public var source: NodeReport
    public var relation: String
    public var target: NodeReport
    /// -1 to 1.
    public var weight: Double
    public var reasoning: String?
    /// Where it stands in its list: `before=PLACE` asks for the weaker ones.
    public var place: String?

    public init(
        agent: String, source: NodeReport, relation: String, target: NodeReport, weight: Double, reasoning: String?,
        place: String? = nil
    ) {
        self.place = place
        self.agent = agent
        self.source = source
        self.relation = relation
        self.target = target
        self.weight = weight
        self.reasoning = reasoning
    }
}

/// `PUT /api/associations`.
public struct AssociationRequest: StrictDecodable, Encodable, Sendable {
    public enum CodingKeys: String, CodingKey, CaseIterable {
        case agent, source, relation, target, weight, reasoning
    }
    public static let narrowed: [CodingKeys: JSONSchema] = [
        .agent: .name, .source: .name, .relation: .name, .target: .name, .weight: .weight, .reasoning: .name,
    ]
    /// What a link is called unless told otherwise.
    public static let standardRelation = "relevant_to"

    public var agent: String
    public var source: String
    public var relation: String?
    public var target: String
    public var weight: Double
    public var reasoning: String?

    public init(
        agent: String, source: String, relation: String? = nil, target: String, weight: Double,
        reasoning: String? = nil
    ) {
        self.agent = agent
        self.source = source
        self.relation = relation
        self.target = target
        self.weight = weight
        self.reasoning = reasoning
    }
}

/// How many of something a call removed.
public struct RemovedReport: Codable, Sendable, Equatable {
    public var removed: Int

    public init(removed: Int) {
        self.removed = removed
    }
}
