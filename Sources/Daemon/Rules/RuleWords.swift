internal import API
internal import Graph
internal import Rules
internal import Wire

/// Rules in words: `treats(X, Y) if contains(X, A) and treats(A, Y)`.
struct RuleWords {
    private let graph: SiteGraph

    init(_ graph: SiteGraph) { self.graph = graph }

    func report(_ mined: MinedRule, isCertified: Bool) -> RuleReport {
        let pattern = RulePattern(mined.rule, graph.vocabulary)
        return RuleReport(
            id: pattern.id.hex, words: text(pattern), body: mined.counts.body, support: mined.counts.support,
            confidence: mined.counts.confidence, certified: isCertified)
    }

    /// What this site has no name for is shown by the first digits of its id.
    func text(_ pattern: RulePattern) -> String {
        guard pattern.form == .path else {
            let known = pattern.known.map(name) ?? "somebody or something"
            let body = atom(pattern.steps[0], "X", known)
            return "\(atom(pattern.head, "X", pattern.concluded.map(name) ?? "")) if \(body)"
        }
        let variables = ["X"] + ["A", "B"].prefix(pattern.steps.count - 1) + ["Y"]
        let body = pattern.steps.enumerated().map { atom($0.element, variables[$0.offset], variables[$0.offset + 1]) }
        return "\(atom(pattern.head, "X", "Y")) if \(body.joined(separator: " and "))"
    }

    /// An inverse relation is read from its other end.
    private func atom(_ relation: TokenID, _ from: String, _ to: String) -> String {
        guard let inverse = graph.vocabulary.index(ofInverse: relation) else {
            return "\(name(relation))(\(from), \(to))"
        }
        let forward = graph.vocabulary[inverse - Int32(graph.vocabulary.relationCount)]
        return "\(graph.name(of: forward))(\(to), \(from))"
    }

    private func name(_ token: TokenID) -> String {
        let name = graph.name(of: token)
        return name == token.hex ? "#\(name.prefix(8))" : name
    }
}
