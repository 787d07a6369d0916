import Learning
import Testing
import Wire

@Suite struct RankLossTests {
    let parameters = randomParameters(.small, vocabulary: 12, seed: 1)

    func losses(_ queries: [LinkQuery], _ parameters: Parameters) throws -> [Double] {
        try rankLosses(shape: .small, parameters: parameters, candidates: 9, queries: queries)
    }

    /// By the book, from single predictions.
    func slowLoss(_ query: LinkQuery) throws -> Double {
        let scores = try Predictor(shape: .small, parameters: parameters, candidates: 9).logits(context: query.context)
        var rank = 1.0
        for candidate in scores.indices
        where candidate != Int(query.answer) && !query.filtered.contains(Int32(candidate)) {
            rank += 1 / (1 + exponential(Double(scores[Int(query.answer)] - scores[candidate])))
        }
        return naturalLogarithm(rank)
    }

    /// By halving, so that a short series suffices.
    func exponential(_ x: Double) -> Double {
        if abs(x) > 0.1 { return exponential(x / 2) * exponential(x / 2) }
        return 1 + x * (1 + x / 2 * (1 + x / 3 * (1 + x / 4 * (1 + x / 5 * (1 + x / 6)))))
    }

    @Test func `losses of many questions equal those by the book`() throws {
        var random = Random(seed: 2)
        let queries = (0..<600).map { _ in
            let answer = Int32(random.below(9))
            return LinkQuery(
                context: (0...random.below(4)).map { _ in Int32(random.below(12)) }, answer: answer,
                filtered: (0..<random.below(4)).map { _ in Int32(random.below(9)) }.filter { $0 != answer })
        }
        let losses = try losses(queries, parameters)
        #expect(losses.count == 600)
        for index in stride(from: 0, to: 600, by: 7) {
            #expect(abs(losses[index] - (try slowLoss(queries[index]))) < 1e-5)
        }
    }

    @Test func `without an opinion the answer is in the middle, and filtered answers do not count`() throws {
        let flat = Parameters.zeros(shape: .small, vocabulary: 12)
        let open = LinkQuery(context: [0, 10], answer: 4, filtered: [])
        let filtered = LinkQuery(context: [0, 10], answer: 4, filtered: [0, 1, 2, 3])
        let losses = try losses([open, filtered], flat)
        #expect(abs(losses[0] - naturalLogarithm(5)) < 1e-6)
        #expect(abs(losses[1] - naturalLogarithm(3)) < 1e-6)
    }

    @Test func `no loss exceeds the logarithm of the number of candidates`() throws {
        var sure = parameters
        for index in sure.tokens.indices { sure.tokens[index] *= 100 }
        let queries = (0..<9).map { LinkQuery(context: [0, 10], answer: $0, filtered: []) }
        #expect(try losses(queries, sure).allSatisfy { $0 >= 0 && $0 <= naturalLogarithm(9) + 1e-9 })
    }

    @Test func `weights that are no numbers and unknown tokens are refused`() {
        var broken = parameters
        for index in broken.tokens.indices { broken.tokens[index] = .nan }
        #expect(throws: LearningError.notFinite("scores")) {
            try losses([LinkQuery(context: [0], answer: 1, filtered: [])], broken)
        }
        #expect(throws: LearningError.unknownToken(index: 0, token: 9, vocabulary: 9)) {
            try losses([LinkQuery(context: [0], answer: 9, filtered: [])], parameters)
        }
        #expect(throws: LearningError.self) {
            try losses([LinkQuery(context: [], answer: 1, filtered: [])], parameters)
        }
    }

    @Test(arguments: [
        1e-300, 1e-9, 0.1, 0.5, 0.9999999, 1, 1.0000001, 1.414, 1.415, 2, 2.718281828459045, 10, 1e9, 1e300,
    ])
    func `the logarithm is that of the C library`(x: Double) {
        // Its inverse is not at hand here; the derivative and known points are.
        let known: [Double: Double] = [
            1: 0, 2: 0.6931471805599453, 10: 2.302585092994046, 0.5: -0.6931471805599453, 0.1: -2.3025850929940455,
            2.718281828459045: 1, 1e-9: -20.72326583694641, 1e9: 20.72326583694641, 1e300: 690.7755278982137,
            1e-300: -690.7755278982137, 1.414: 0.34642256747438094, 1.415: 0.34712953109520095,
            0.9999999: -1.0000000494736474e-07, 1.0000001: 9.999999505838704e-08,
        ]
        let expected = known[x]!
        #expect(abs(naturalLogarithm(x) - expected) <= 4e-16 * max(abs(expected), 1e-8))
    }
}
