/// Walks of equal length, row-major (B, T).
public struct Batch: Hashable, Sendable {
    /// What the model reads: local token indices.
    public var tokens: [Int32]
    /// What it should say next, below the candidate count; -1 where nothing is asked.
    public var targets: [Int32]
    /// All right answers where a position has several; `nil`: each target is the only one.
    public var answers: Answers?
    /// Number of walks.
    public var B: Int
    /// Tokens per walk; at most the model's context.
    public var T: Int

    /// Right answers per position, as in a compressed sparse row matrix.
    ///
    /// The loss of a position is the cross entropy against the distribution over its answers, so that no
    /// known answer is pushed down for the sake of another.
    public struct Answers: Hashable, Sendable {
        /// B·T + 1 numbers, rising from 0: position i's answers are `offsets[i] ..< offsets[i + 1]` of ``tokens``;
        /// none where nothing is asked.
        public var offsets: [Int32]
        /// Below the candidate count. One that comes twice counts twice.
        public var tokens: [Int32]
        /// One per answer, above 0 and finite, in any unit: each position's are divided by their sum. Empty: all
        /// alike.
        public var weights: [Float]

        public init(offsets: [Int32], tokens: [Int32], weights: [Float] = []) {
            self.offsets = offsets
            self.tokens = tokens
            self.weights = weights
        }
    }

    /// One answer per asked position.
    ///
    /// - Precondition: both arrays hold B·T numbers.
    public init(tokens: [Int32], targets: [Int32], B: Int, T: Int) {
        precondition(B > 0 && T > 0 && tokens.count == B * T && targets.count == B * T)
        self.tokens = tokens
        self.targets = targets
        self.B = B
        self.T = T
    }

    /// Lists of answers; ``targets`` becomes the first of each list.
    ///
    /// - Precondition: B·T tokens, B·T + 1 offsets that rise from 0 to the number of answers.
    public init(tokens: [Int32], answers: Answers, B: Int, T: Int) {
        precondition(answers.offsets.count == B * T + 1 && Int(answers.offsets[B * T]) == answers.tokens.count)
        let targets = (0..<B * T).map { index in
            let range = answers.offsets[index]..<answers.offsets[index + 1]
            return range.isEmpty ? -1 : answers.tokens[Int(range.lowerBound)]
        }
        self.init(tokens: tokens, targets: targets, B: B, T: T)
        self.answers = answers
    }
}

extension Batch {
    /// Checks every number and counts the asked positions.
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
        if let answers { try check(answers, candidates: candidates) }
        return counted
    }

    private func check(_ answers: Answers, candidates: Int) throws(LearningError) {
        let (offsets, count) = (answers.offsets, answers.tokens.count)
        guard offsets.count == B * T + 1, offsets[0] == 0, Int(offsets[B * T]) == count else {
            throw .outOfRange(
                name: "answer offsets", value: "\(offsets.count) numbers",
                allowed: "B x T + 1 numbers from 0 to the number of answers")
        }
        for index in 0..<B * T
        where (offsets[index] < offsets[index + 1]) != (targets[index] >= 0)
            || offsets[index] > offsets[index + 1]
        {
            throw .outOfRange(
                name: "answers of position \(index)", value: "\(offsets[index]) to \(offsets[index + 1])",
                allowed: "at least one where a target is set, none where it is -1")
        }
        for (index, token) in answers.tokens.enumerated() where token < 0 || Int(token) >= candidates {
            throw .unknownToken(index: index, token: Int(token), vocabulary: candidates)
        }
        guard answers.weights.isEmpty || answers.weights.count == count else {
            throw .wrongCount(name: "answer weights", found: answers.weights.count, expected: count)
        }
        // The upper bound keeps the sum of a list finite.
        for weight in answers.weights where !(weight >= 1e-20 && weight <= 1e20) {
            throw .outOfRange(name: "answer weight", value: "\(weight)", allowed: "1e-20 to 1e20")
        }
    }
}

extension Batch.Answers {
    func borrowing(_ body: (Pass.AnswerLists) -> Void) {
        offsets.withUnsafeBufferPointer { offsets in
            tokens.withUnsafeBufferPointer { tokens in
                weights.withUnsafeBufferPointer { weights in
                    body(
                        Pass.AnswerLists(
                            offsets: offsets.baseAddress!, tokens: tokens.baseAddress!,
                            weights: weights.isEmpty ? nil : weights.baseAddress!))
                }
            }
        }
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
