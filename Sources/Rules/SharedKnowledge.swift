/// Which of the answers that a site does not know may be true all the same, since other sites taught them to the model.
///
/// A model scores what it was taught alike, whoever taught it. So of the candidates at one level of score, as many are
/// other sites' facts as there are own facts at that level, times the number of sites that know as much:
/// ```
/// P(taught by others | level) = min(1, sites · own facts there / candidates there that are no own facts)
/// ```
/// A candidate counts as a wrong answer with what is left of 1. Without this a site that fits weights to its own triples
/// takes what others taught the model for errors, and gives rules about its own facts too much weight; that sites know
/// equally much is assumed, and too many sites speak for the model.
struct SharedKnowledge: Sendable {
    static let levels = 32
    /// Of one level, nats below the highest score; the last level holds the rest.
    private static let width: Float = 0.25

    /// - Parameter score: 0 for the best candidate, below for the others.
    static func level(_ score: Float) -> Int { Int(min(max(-score / width, 0), Float(levels - 1))) }

    /// Own facts by level, times the number of other sites.
    var taught = [Double](repeating: 0, count: levels)
    /// Candidates of which this site does not know whether they are true.
    var unknown = [Double](repeating: 0, count: levels)

    /// Examples whose candidates count less where others may know better. O(examples · candidates).
    static func discounted(_ examples: [BlendExample]) -> [BlendExample] {
        var sum = SharedKnowledge()
        for case let shared? in examples.map(\.shared) {
            for level in 0..<levels {
                sum.taught[level] += shared.taught[level]
                sum.unknown[level] += shared.unknown[level]
            }
        }
        let wrong = (0..<levels).map { level in
            sum.unknown[level] > 0 ? Float(1 - min(1, sum.taught[level] / sum.unknown[level])) : 1
        }
        return examples.map { example in
            guard example.shared != nil else { return example }
            var example = example
            for candidate in 1..<example.count {
                example.wrong[candidate] =
                    wrong[level(example.features[candidate * RuleBlend.featureCount])]
            }
            return example
        }
    }
}
