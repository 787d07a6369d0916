/// A Horn rule over directed relations (``RuleGraph``), X, Y, A, B being variables and c, k graph nodes.
///
/// ```
/// path       h(X,Y) ⇐ b1(X,A), b2(A,B), b3(B,Y)        1 to 3 steps; h a forward relation
/// constant   h(X,c) ⇐ b(X,k)                           h in either direction
/// any        h(X,c) ⇐ b(X,A)
/// ```
///
/// All variables of a rule stand for different graph nodes (object identity, Meilicke et al. 2020 §3): without it
/// h(X,A), h⁻¹(A,B), h(B,Y) would "prove" every h(X,Y) by itself. 20 bytes.
public struct Rule: Hashable, Sendable {
    public enum Form: UInt8, Sendable, CaseIterable {
        case path, constant, any
    }

    public let form: Form
    /// The directed relation that is concluded.
    public let head: Int32
    private let one: Int32
    private let two: Int32
    private let three: Int32

    /// - Parameter steps: 1 to 3 directed relations from X to Y.
    public init(head: Int32, path steps: [Int32]) {
        precondition(1...3 ~= steps.count, "a body has one to three steps")
        self.init(path: head, steps[0], steps.count > 1 ? steps[1] : -1, steps.count > 2 ? steps[2] : -1)
    }

    init(path head: Int32, _ one: Int32, _ two: Int32 = -1, _ three: Int32 = -1) {
        (form, self.head, self.one, self.two, self.three) = (.path, head, one, two, three)
    }

    /// - Parameters:
    ///   - concluded: c.
    ///   - known: k; nil: any graph node.
    public init(head: Int32, concluded: Int32, body: Int32, known: Int32?) {
        (form, self.head) = (known == nil ? .any : .constant, head)
        (one, two, three) = (body, concluded, known ?? -1)
    }

    /// The directed relations of a path from X to Y; of other forms b alone.
    public var steps: [Int32] {
        form == .path ? [one, two, three].filter { $0 >= 0 } : [one]
    }

    public var length: Int { form != .path || two < 0 ? 1 : three < 0 ? 2 : 3 }
    var step: (Int32, Int32, Int32) { (one, two, three) }
    /// b of a rule with a constant.
    public var body: Int32 { one }
    /// c of a rule with a constant.
    public var concluded: Int32? { form == .path ? nil : two }
    /// k of ``Form/constant``.
    public var known: Int32? { form == .constant ? three : nil }
}

extension Rule: Comparable {
    /// An order that depends on nothing but the rule.
    public static func < (a: Rule, b: Rule) -> Bool {
        (a.form.rawValue, a.head, a.one, a.two, a.three) < (b.form.rawValue, b.head, b.one, b.two, b.three)
    }
}

/// What a graph says about a rule.
public struct RuleCounts: Hashable, Sendable {
    /// Groundings of the body, as distinct pairs (X, Y), or distinct X where Y is a constant.
    public var body: Int
    /// Those of which the graph holds the head as well.
    public var support: Int

    public init(body: Int, support: Int) {
        self.body = body
        self.support = support
    }

    /// A lower estimate of the share of true conclusions: support / (body + 5).
    ///
    /// Five failures that nobody has seen are added to each rule (Meilicke et al. 2019 §4.2): one good case is no
    /// certainty, a thousand are nearly unchanged. Wilson's bound does the same with a root, and ranked answers as
    /// well where it was measured (decision record).
    public var confidence: Double { Double(support) / Double(body + Self.unseen) }

    public static let unseen = 5
}

/// A rule with its counts.
public struct MinedRule: Hashable, Sendable {
    public let rule: Rule
    public let counts: RuleCounts

    public init(_ rule: Rule, _ counts: RuleCounts) {
        self.rule = rule
        self.counts = counts
    }

    /// Better rules first: confidence, then support, then the rule itself.
    public static func isBetter(_ a: MinedRule, _ b: MinedRule) -> Bool {
        let (x, y) = (a.counts.confidence, b.counts.confidence)
        if x != y { return x > y }
        if a.counts.support != b.counts.support { return a.counts.support > b.counts.support }
        return a.rule < b.rule
    }
}
