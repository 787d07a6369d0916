internal import API
internal import Graph
internal import Learning
internal import Wire

/// Which walks a training run asks for, checked as far as it can be without the graph.
struct WalkRequest: Sendable, Equatable {
    let rule: WalkRule
    let scope: PathScope?
    /// Whose perspectives weigh the steps.
    let agent: String?

    /// Over all edges and the tree, both ways.
    static let standard = WalkRequest(rule: .random, scope: nil, agent: nil)

    private init(rule: WalkRule, scope: PathScope?, agent: String?) {
        self.rule = rule
        self.scope = scope
        self.agent = agent
    }

    init(_ request: TrainRequest) throws(Problem) {
        let name = request.walks ?? WalkRule.random.rawValue
        guard let rule = WalkRule(rawValue: name) else {
            let known = WalkRule.allCases.map(\.rawValue).joined(separator: ", ")
            throw .badRequest("there are no '\(name)' walks", remedy: "use one of \(known)", field: "walks")
        }
        self.rule = rule
        do {
            scope = try request.scope.map { (text) throws(GraphError) in try PathScope(text) }
        } catch {
            throw .badRequest("\(error)", field: "scope")
        }
        switch (rule, request.perspectiveAgent) {
        case (.perspective, nil):
            throw .unusable(
                "walks by perspective need an agent who has perspectives", remedy: "name one with --perspective-agent",
                field: "perspective_agent")
        case (.perspective, let agent?): self.agent = agent
        case (_, nil): agent = nil
        case (_, _?):
            throw .unusable(
                "'\(name)' walks do not ask what an agent thinks", remedy: "leave it out, or use perspective walks",
                field: "perspective_agent")
        }
    }
}

extension WalkRule {
    /// Edges per walk unless told otherwise: a tour of a tree shows order only if it is long.
    func standardHops(_ context: Int) -> Int {
        switch self {
        case .tree: context / 2
        case .edge, .eitherWay, .random, .perspective: StandardRecipe.hops
        }
    }
}

/// What walks are held to.
struct WalkLimits: Sendable {
    /// The path, and the graph nodes at it and below.
    var scope: (path: PathScope, nodes: Set<TokenID>)?
    var perspectives: [PerspectiveEntry] = []
}
