/// What is known of a candidate for a query, one number each. Larger is not always better: that is the weights' say.
public enum Feature: Int, CaseIterable, Sendable {
    /// How much of the query the text holds: Σ idf · s over the query's words, as a share of Σ idf. s saturates
    /// with repetition (0.61 for one occurrence, 1 for many), as in BM25. In 0...1.
    case words
    /// 1 if the text holds every word of the query.
    case everyWord
    /// How close together they stand: `ts_rank_cd` mapped to 0...1.
    case closeness
    /// Trigram similarity of title and query, 0...1.
    case title
    /// The share of the query's idf that the title holds, 0...1.
    case titleWords
    /// The share of the title's words that are in the query, 0...1.
    case titleOnly
    /// Of the texts that read as the query does, the share that led here: link texts, earlier selections. In 0..<1.
    case called
    /// The likeness of the query and the most similar such text that led here, 0...1.
    case calledLike
    /// ln(1 + graph nodes that link here).
    case linked
    /// ln(1 + p · N): how much more probable than chance the model finds this after the context. That it finds it
    /// improbable says little: it knows the links that there are. 0 without model or context.
    case model
    /// 1/(1 + hops) for a neighbour of the context or a neighbour's neighbour, else 0.
    case near
    /// 1 for the context itself and for what is part of the same document.
    case own
    /// ln(1 + different words of the text).
    case length
    /// ln of how much more often than chance this kind of graph node is linked to.
    case kind
    /// Average weight of the perspectives on it, -1...1.
    case perspective
    /// How like it is to where people went from places like the context, times how much that is trusted, 0...1.
    case pattern
    /// How probable rules make it after the context, 0...1.
    case rules

    /// As `--why` and stored weights call it.
    public var name: String {
        switch self {
        case .words: "words"
        case .everyWord: "every-word"
        case .closeness: "closeness"
        case .title: "title"
        case .titleWords: "title-words"
        case .titleOnly: "title-only"
        case .called: "called"
        case .calledLike: "called-like"
        case .linked: "linked"
        case .model: "model"
        case .near: "near"
        case .own: "own"
        case .length: "length"
        case .kind: "kind"
        case .perspective: "perspective"
        case .pattern: "pattern"
        case .rules: "rules"
        }
    }

    public init?(name: String) {
        guard let feature = Feature.allCases.first(where: { $0.name == name }) else { return nil }
        self = feature
    }
}

/// A number for each feature: what is known of a candidate, or how much that counts.
public struct FeatureVector: Sendable, Equatable {
    /// In the order of `Feature.allCases`.
    public private(set) var values = [Double](repeating: 0, count: Feature.allCases.count)

    public init() {}

    public init(_ values: [Feature: Double]) {
        for (feature, value) in values { self[feature] = value }
    }

    public subscript(feature: Feature) -> Double {
        get { values[feature.rawValue] }
        set { values[feature.rawValue] = newValue }
    }

    subscript(at: Int) -> Double {
        get { values[at] }
        set { values[at] = newValue }
    }

    func dot(_ other: FeatureVector) -> Double {
        var sum = 0.0
        for at in values.indices { sum += values[at] * other.values[at] }
        return sum
    }

    public var isFinite: Bool { values.allSatisfy(\.isFinite) }
}
