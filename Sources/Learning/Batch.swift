/// Walks of equal length, row-major (B, T).
public struct Batch: Hashable, Sendable {
    /// What the model reads: local token indices.
    public var tokens: [Int32]
    /// What it should say next, below the candidate count; -1 where nothing is asked.
    public var targets: [Int32]
    /// Number of walks.
    public var B: Int
    /// Tokens per walk; at most the model's context.
    public var T: Int

    /// - Precondition: both arrays hold B·T numbers.
    public init(tokens: [Int32], targets: [Int32], B: Int, T: Int) {
        precondition(B > 0 && T > 0 && tokens.count == B * T && targets.count == B * T)
        self.tokens = tokens
        self.targets = targets
        self.B = B
        self.T = T
    }
}

extension Batch {
    /// Checks every number and counts the targets.
    func counted(context: Int, vocabulary: Int, candidates: Int) throws(LearningError) -> Int {
        guard B > 0, T > 0, tokens.count == B * T, targets.count == B * T else {
            throw .outOfRange(name: "batch", value: "\(tokens.count) tokens", allowed: "B x T tokens and targets")
        }
        guard T <= context else {
            throw .outOfRange(name: "walk length", value: "\(T)", allowed: "1 to \(context), the model's context")
        }
        var counted = 0
        for index in 0..<B * T {
            let (token, target) = (Int(tokens[index]), Int(targets[index]))
            guard token >= 0, token < vocabulary else {
                throw .unknownToken(index: index, token: token, vocabulary: vocabulary)
            }
            guard target >= -1, target < candidates else {
                throw .unknownToken(index: index, token: target, vocabulary: candidates)
            }
            if target >= 0 { counted += 1 }
        }
        return counted
    }
}

/// What every model is checked for, wherever it is made.
func checkSizes(vocabulary: Int, candidates: Int, threads: Int) throws(LearningError) {
    guard (1...maximumVocabulary).contains(vocabulary) else {
        throw .outOfRange(name: "vocabulary", value: "\(vocabulary)", allowed: "1 to \(maximumVocabulary) tokens")
    }
    guard (1...vocabulary).contains(candidates) else {
        throw .outOfRange(
            name: "candidates", value: "\(candidates)", allowed: "1 to \(vocabulary), the size of the vocabulary")
    }
    guard (1...256).contains(threads) else {
        throw .outOfRange(name: "threads", value: "\(threads)", allowed: "1 to 256")
    }
}

/// Tokens of one model at most.
let maximumVocabulary = 1 << 24
