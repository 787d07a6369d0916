public import Graph
public import Identity
public import Wire

/// A rule by ids that every site reads alike: what travels. It names relations and, where the rule has constants, graph
/// nodes; never a triple.
///
/// ```cddl
/// rule   = [ form: 0, head: token-id, steps: [1*3 token-id] ]                      path; head a forward token
///        / [ form: 1, head: token-id, [body: token-id], concluded: token-id, known: token-id ]
///        / [ form: 2, head: token-id, [body: token-id], concluded: token-id ]
/// ```
/// An inverse relation has a token of its own, so directed relations need nothing else.
public struct RulePattern: Hashable, Sendable {
    public let form: Rule.Form
    public let head: TokenID
    public let steps: [TokenID]
    public let concluded: TokenID?
    public let known: TokenID?

    /// Most bytes of an encoding.
    public static let maxBytes = 96

    /// - Precondition: the rule is one of a graph over `vocabulary`.
    public init(_ rule: Rule, _ vocabulary: LocalVocabulary) {
        let nodes = Int32(vocabulary.nodeCount)
        form = rule.form
        head = vocabulary[rule.head + nodes]
        steps = rule.steps.map { vocabulary[$0 + nodes] }
        concluded = rule.concluded.map { vocabulary[$0] }
        known = rule.known.map { vocabulary[$0] }
    }

    /// The same rule over a site's own graph; nil if it lacks a relation or graph node of it, or has one in another role.
    public func rule(in vocabulary: LocalVocabulary) -> Rule? {
        let nodes = Int32(vocabulary.nodeCount)
        func directed(_ id: TokenID) -> Int32? {
            (vocabulary.index(ofRelation: id) ?? vocabulary.index(ofInverse: id)).map { $0 - nodes }
        }
        var path: [Int32] = []
        for step in steps {
            guard let step = directed(step) else { return nil }
            path.append(step)
        }
        guard form != .path else {
            return vocabulary.index(ofRelation: head).map { Rule(head: $0 - nodes, path: path) }
        }
        guard let head = directed(head), let concluded = concluded.flatMap({ vocabulary.index(ofNode: $0) }) else {
            return nil
        }
        guard form == .constant else { return Rule(head: head, concluded: concluded, body: path[0], known: nil) }
        guard let known = known.flatMap({ vocabulary.index(ofNode: $0) }) else { return nil }
        return Rule(head: head, concluded: concluded, body: path[0], known: known)
    }

    /// Names the pattern: the same rule is one pattern, whoever proposes it.
    public var id: Hash32 {
        var hasher = Hasher32(domain: "shoal/pattern/1")
        var encoder = CBOREncoder()
        encode(into: &encoder)
        hasher.update(encoder.bytes)
        return hasher.finish()
    }
}

extension RulePattern {
    public func encode(into encoder: inout CBOREncoder) {
        encoder.array(form == .path ? 3 : form == .constant ? 5 : 4)
        encoder.uint(UInt64(form.rawValue))
        encoder.bytes(head.bytes)
        encoder.array(steps.count)
        for step in steps { encoder.bytes(step.bytes) }
        if let concluded { encoder.bytes(concluded.bytes) }
        if let known { encoder.bytes(known.bytes) }
    }

    /// Reads one rule of a longer body.
    public init(_ decoder: inout CBORDecoder) throws(CBORError) {
        let items = try decoder.array(max: 5)
        guard let form = Rule.Form(rawValue: UInt8(try decoder.uint(max: 2))),
            items == (form == .path ? 3 : form == .constant ? 5 : 4)
        else { throw .unexpected(at: 0, wanted: "a rule of form 0, 1 or 2 with 3, 5 or 4 items") }
        self.form = form
        head = try Self.token(&decoder)
        let count = try decoder.array(max: form == .path ? 3 : 1)
        guard count > 0 else { throw .unexpected(at: 0, wanted: "a rule with a body") }
        var steps: [TokenID] = []
        for _ in 0..<count { steps.append(try Self.token(&decoder)) }
        self.steps = steps
        concluded = form == .path ? nil : try Self.token(&decoder)
        known = form == .constant ? try Self.token(&decoder) : nil
        // "What is so is so" is no knowledge.
        guard !(steps == [head] && (form != .constant || known == concluded)) else {
            throw .unexpected(at: 0, wanted: "a rule whose body is not its head")
        }
    }

    private static func token(_ decoder: inout CBORDecoder) throws(CBORError) -> TokenID {
        TokenID(try decoder.bytes(exactly: 16))!
    }
}
