internal import Search

/// How the model's scores and the rules' evidence become one score of a candidate.
///
/// ```
/// score = w0·z + w1·ln(p/ε) + w2·s + w3·ln(c/ε) + w4·ln(p'/ε)          ε = 0.001
/// ```
/// z is the model's logit (0 for the best candidate, below for the others), s the strength of the evidence and p its
/// probability, p' that of paths alone, c the confidence of the best rule (``RuleEvidence``); without rules the last four
/// terms are 0. The weights are fitted to held-out triples, for all relations together and for each directed relation.
public struct RuleBlend: Sendable, Equatable {
    public static let featureCount = 5
    /// The model alone.
    public static let modelAlone: [Double] = [1, 0, 0, 0, 0]
    /// Examples with which the data of all relations weighs as much as the model alone, and those of one relation as
    /// much as all relations.
    static let priorExamples = 100.0
    static let relationExamples = 100.0

    /// For all relations.
    public let weights: [Double]
    /// By directed relation, where there was something to learn from.
    public let byRelation: [Int32: [Double]]
    /// MRR among the examples' candidates that a half of the examples reached with weights of the other half, and
    /// with the model alone.
    public let gain: (blended: Double, alone: Double)
    /// Whether the rules were no help there: then the model speaks alone.
    public var isModelAlone: Bool { weights == Self.modelAlone && byRelation.isEmpty }

    public static func == (a: Self, b: Self) -> Bool {
        a.weights == b.weights && a.byRelation == b.byRelation && a.gain == b.gain
    }

    /// The model alone, for want of examples.
    public init() { (weights, byRelation, gain) = (Self.modelAlone, [:], (0, 0)) }

    /// Fits to examples, twice to halves of them first: only if each half is ranked better with what the other half
    /// taught than by the model alone, on average, the rules get a voice. O(examples · candidates · 25 · iterations).
    public init(_ examples: [BlendExample]) {
        let usable = SharedKnowledge.discounted(examples.filter { $0.count > 1 })
        let halves = [0, 1].map { half in usable.enumerated().filter { $0.offset % 2 == half }.map(\.element) }
        var (blended, alone) = (0.0, 0.0)
        for half in 0...1 {
            let taught = Self.fit(halves[1 - half])
            for example in halves[half] {
                blended += 1 / example.rank(taught.byRelation[example.directed] ?? taught.all)
                alone += 1 / example.rank(Self.modelAlone)
            }
        }
        let count = Double(max(1, usable.count))
        gain = (blended / count, alone / count)
        guard blended > alone else {
            (weights, byRelation) = (Self.modelAlone, [:])
            return
        }
        let final = Self.fit(usable)
        (weights, byRelation) = (final.all, final.byRelation)
    }

    private static func fit(_ examples: [BlendExample]) -> (all: [Double], byRelation: [Int32: [Double]]) {
        let all = BlendFit(examples, prior: modelAlone, strength: priorExamples).weights
        var groups: [Int32: [BlendExample]] = [:]
        for example in examples { groups[example.directed, default: []].append(example) }
        return (all, groups.mapValues { BlendFit($0, prior: all, strength: relationExamples).weights })
    }

    /// Adds what rules say to the model's logits of all candidates (N).
    ///
    /// - Parameter answerer: was asked the question.
    public func rescore(_ scores: UnsafeMutableBufferPointer<Float>, _ answerer: RuleAnswerer, directed: Int32) {
        guard !isModelAlone else { return }
        let w = byRelation[directed] ?? weights
        let scale = Float(w[0])
        for at in scores.indices { scores[at] *= scale }
        for (slot, candidate) in answerer.candidates.enumerated() {
            let terms = Self.terms(answerer.evidence(ofCandidateAt: slot))
            var sum = 0.0
            for at in terms.indices { sum += w[at + 1] * Double(terms[at]) }
            scores[Int(candidate)] += Float(sum)
        }
    }

    /// The four terms of the rules.
    static func terms(_ evidence: RuleEvidence) -> [Float] {
        func term(_ value: Double) -> Float { value <= epsilon ? 0 : Float(logarithm(value / epsilon)) }
        return [
            term(1 - exponential(-Double(evidence.strength))), evidence.strength, term(Double(evidence.best)),
            term(1 - exponential(-Double(evidence.pathStrength))),
        ]
    }

    private static let epsilon = 0.001
}

/// A question whose answer is known, with the candidates that matter.
public struct BlendExample: Sendable {
    /// Candidates of most model score, and as many of most evidence.
    static let kept = 60

    public let directed: Int32
    /// Of the candidates, the answer first: ``RuleBlend/featureCount`` each.
    let features: [Float]
    /// How much each candidate counts as a wrong answer, the answer itself 1.
    var wrong: [Float]
    /// Of a question to which others may have taught the model answers.
    let shared: SharedKnowledge?
    var count: Int { features.count / RuleBlend.featureCount }

    /// - Parameters:
    ///   - scores: the model's logits of all candidates (N).
    ///   - answerer: was asked the question.
    ///   - others: further true answers, which are no candidates.
    ///   - taught: those of `others` that this site trained the model on.
    ///   - sites: how many others may have taught it more answers to this question.
    public init(
        directed: Int32, answer: Int32, others: [Int32], taught: ArraySlice<Int32> = [], sites: Int = 0,
        scores: UnsafeMutableBufferPointer<Float>, _ answerer: RuleAnswerer
    ) {
        self.directed = directed
        let excluded = Set(others).union([answer])
        var byScore = Best(Self.kept + excluded.count)
        var highest = -Float.infinity
        for at in scores.indices {
            highest = max(highest, scores[at])
            byScore.offer(Int32(at), scores[at])
        }
        var byEvidence = Best(Self.kept + excluded.count)
        for (slot, candidate) in answerer.candidates.enumerated() {
            byEvidence.offer(candidate, answerer.evidence(ofCandidateAt: slot).strength)
        }
        var candidates = [answer]
        var taken = excluded
        // And some of little evidence: else nothing would be known of the many that only weak rules name.
        let stride = max(1, answerer.candidates.count / Self.kept)
        let weak = Swift.stride(from: 0, to: answerer.candidates.count, by: stride).map { answerer.candidates[$0] }
        for candidate in byScore.sorted.filter({ !excluded.contains($0) }).prefix(Self.kept)
            + byEvidence.sorted.filter({ !excluded.contains($0) }).prefix(Self.kept) + weak.prefix(Self.kept)
        where taken.insert(candidate).inserted {
            candidates.append(candidate)
        }
        var features: [Float] = []
        features.reserveCapacity(candidates.count * RuleBlend.featureCount)
        for candidate in candidates {
            features.append(scores[Int(candidate)] - highest)
            features += RuleBlend.terms(
                answerer.slot(of: candidate).map { answerer.evidence(ofCandidateAt: $0) } ?? RuleEvidence())
        }
        self.features = features
        wrong = [Float](repeating: 1, count: candidates.count)
        guard sites > 0 else {
            shared = nil
            return
        }
        var shared = SharedKnowledge()
        for at in taught { shared.taught[SharedKnowledge.level(scores[Int(at)] - highest)] += Double(sites) }
        for at in scores.indices where !excluded.contains(Int32(at)) {
            shared.unknown[SharedKnowledge.level(scores[at] - highest)] += 1
        }
        self.shared = shared
    }

    func score(_ candidate: Int, _ weights: [Double]) -> Double {
        let F = RuleBlend.featureCount
        var sum = 0.0
        for at in 0..<F { sum += weights[at] * Double(features[candidate * F + at]) }
        return sum
    }

    /// Of the answer among the candidates, ties by their mean.
    func rank(_ weights: [Double]) -> Double {
        let mine = score(0, weights)
        var rank = 1.0
        for other in 1..<count {
            let score = score(other, weights)
            let weight = Double(wrong[other])
            if score > mine { rank += weight } else if score == mine { rank += weight / 2 }
        }
        return rank
    }
}

/// The k of most score, ties by smaller number; one comparison for most of what is offered.
private struct Best {
    private let count: Int
    private var entries: [(number: Int32, score: Float)] = []
    private var bar = -Float.infinity

    init(_ count: Int) { self.count = count }

    mutating func offer(_ number: Int32, _ score: Float) {
        guard score > bar || entries.count < count else { return }
        entries.append((number, score))
        if entries.count >= 2 * count { shrink() }
    }

    private mutating func shrink() {
        entries.sort { $0.score != $1.score ? $0.score > $1.score : $0.number < $1.number }
        entries.removeLast(max(0, entries.count - count))
        bar = entries.count == count ? entries.last!.score : -.infinity
    }

    var sorted: [Int32] {
        var copy = self
        copy.shrink()
        return copy.entries.map(\.number)
    }
}
