internal import API
internal import Graph
internal import Rules
internal import Wire

/// Rules in words: `treats(X, Y) if contains(X, A) and treats(A, Y)`.
struct RuleWords {
    private let graph: SiteGraph

    init(_ graph: SiteGraph) { self.graph = graph }

    func report(_ mined: MinedRule) -> RuleReport {
        RuleReport(
            id: RulePattern(mined.rule, graph.vocabulary).id.hex, words: text(mined.rule), body: mined.counts.body,
            support: mined.counts.support, confidence: mined.counts.confidence)
    }

    func text(_ rule: Rule) -> String {
        guard rule.form == .path else {
            let known = rule.known.map(node) ?? "somebody or something"
            return "\(atom(rule.head, "X", rule.concluded.map(node) ?? "")) if \(atom(rule.body, "X", known))"
        }
        let variables = ["X"] + ["A", "B"].prefix(rule.length - 1) + ["Y"]
        let body = rule.steps.enumerated().map { atom($0.element, variables[$0.offset], variables[$0.offset + 1]) }
        return "\(atom(rule.head, "X", "Y")) if \(body.joined(separator: " and "))"
    }

    /// An inverse relation is read from its other end.
    private func atom(_ directed: Int32, _ from: String, _ to: String) -> String {
        let R = Int32(graph.vocabulary.relationCount)
        let forward = directed < R ? directed : directed - R
        let name = graph.name(of: graph.vocabulary[forward + Int32(graph.vocabulary.nodeCount)])
        return directed < R ? "\(name)(\(from), \(to))" : "\(name)(\(to), \(from))"
    }

    private func node(_ index: Int32) -> String { graph.name(of: graph.vocabulary[index]) }
}
