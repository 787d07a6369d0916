/// What a site does to its changes of weights before anybody sees them. Off unless asked for.
///
/// What each setting protects, and what it costs, is in docs/privacy.md.
public struct PrivacyPolicy: Hashable, Sendable {
    /// Largest L2 norm of all that one op changes, in weights, after the division by owners; nil: the model's cap.
    public var clip: Double?
    /// Largest L2 norm of what one op changes in one row, in weights; nil: the model's cap.
    public var rowClip: Double?
    /// Standard deviation of the Gaussian noise on every weight sent, as a multiple of ``clip``; 0: none.
    public var noise: Double
    /// A token with fewer edges at this site is neither announced nor sent.
    public var minEdges: Int
    /// An op that would change fewer token rows waits.
    public var minRows: Int
    /// The site stops sending before its epsilon exceeds this; nil: it goes on.
    public var budget: Double?
    /// Of which the epsilon is told.
    public var delta: Double

    public static let standardDelta = 1e-5

    /// Nothing is changed.
    public static let off = PrivacyPolicy(
        unchecked: nil, rowClip: nil, noise: 0, minEdges: 0, minRows: 0, budget: nil, delta: standardDelta)

    private init(
        unchecked clip: Double?, rowClip: Double?, noise: Double, minEdges: Int, minRows: Int, budget: Double?,
        delta: Double
    ) {
        self.clip = clip
        self.rowClip = rowClip
        self.noise = noise
        self.minEdges = minEdges
        self.minRows = minRows
        self.budget = budget
        self.delta = delta
    }

    /// Whether anything is asked for.
    public var isOff: Bool { self == .off }
}

/// As text: `clip=1 row-clip=0.5 noise=0.3 min-edges=2 min-rows=8 budget=10 delta=1e-5`, in any order.
extension PrivacyPolicy {
    enum Key: String, CaseIterable {
        case clip
        case rowClip = "row-clip"
        case noise
        case minEdges = "min-edges"
        case minRows = "min-rows"
        case budget, delta
    }

    /// - Parameter words: `KEY=VALUE` each, or `off` alone.
    /// - Throws: ``FederationError/outOfRange(name:value:allowed:)`` for an unknown or repeated key, a value out of
    ///   range, noise without a clip or a budget without noise.
    public init(_ words: [String]) throws(FederationError) {
        self = .off
        if words == ["off"] { return }
        var seen: Set<Key> = []
        for word in words {
            let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 2, let key = Key(rawValue: parts[0]) else {
                let known = Key.allCases.map { "\($0.rawValue)=N" }.joined(separator: ", ")
                throw .outOfRange(name: "privacy setting", value: "'\(word)'", allowed: known)
            }
            guard seen.insert(key).inserted else {
                throw .outOfRange(name: "privacy setting", value: "\(key.rawValue) twice", allowed: "each at most once")
            }
            try set(key, parts[1])
        }
        if noise > 0, clip == nil {
            throw .outOfRange(
                name: "privacy setting", value: "noise without clip",
                allowed: "clip=N too: without a bound there is nothing that noise could hide")
        }
        if budget != nil, noise == 0 {
            throw .outOfRange(
                name: "privacy setting", value: "budget without noise", allowed: "clip=N and noise=N too")
        }
    }

    private mutating func set(_ key: Key, _ text: String) throws(FederationError) {
        switch key {
        case .clip: clip = try number(key, text, "above 0 to 16384") { $0 > 0 && $0 <= 16_384 }
        case .rowClip: rowClip = try number(key, text, "above 0 to 16384") { $0 > 0 && $0 <= 16_384 }
        case .noise: noise = try number(key, text, "0 to 1000") { (0...1_000).contains($0) }
        case .minEdges: minEdges = try whole(key, text, 0...1_000_000)
        case .minRows: minRows = try whole(key, text, 0...65_536)
        case .budget: budget = try number(key, text, "above 0 to 1000000") { $0 > 0 && $0 <= 1_000_000 }
        case .delta: delta = try number(key, text, "1e-12 to 0.1") { (1e-12...0.1).contains($0) }
        }
    }

    private func number(
        _ key: Key, _ text: String, _ allowed: String, _ holds: (Double) -> Bool
    ) throws(FederationError) -> Double {
        guard let value = Double(text), value.isFinite, holds(value) else {
            throw .outOfRange(name: "privacy setting \(key.rawValue)", value: "'\(text)'", allowed: allowed)
        }
        return value
    }

    private func whole(_ key: Key, _ text: String, _ range: ClosedRange<Int>) throws(FederationError) -> Int {
        guard let value = Int(text), range.contains(value) else {
            throw .outOfRange(
                name: "privacy setting \(key.rawValue)", value: "'\(text)'",
                allowed: "\(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }

    /// What ``init(_:)`` reads; settings at their defaults are left out.
    public var words: [String] {
        let values: [(Key, String?)] = [
            (.clip, clip.map { "\($0)" }), (.rowClip, rowClip.map { "\($0)" }), (.noise, noise > 0 ? "\(noise)" : nil),
            (.minEdges, minEdges > 0 ? "\(minEdges)" : nil), (.minRows, minRows > 0 ? "\(minRows)" : nil),
            (.budget, budget.map { "\($0)" }), (.delta, delta != Self.standardDelta ? "\(delta)" : nil),
        ]
        return values.compactMap { key, value in value.map { "\(key.rawValue)=\($0)" } }
    }
}
