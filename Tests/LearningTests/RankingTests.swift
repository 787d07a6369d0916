import Learning
import Testing
import Wire

@Suite struct RankingTests {
    let parameters = randomParameters(.small, vocabulary: 12, seed: 1)

    func rank(_ queries: [LinkQuery], _ parameters: Parameters, threads: Int = 1) throws -> Ranking {
        try evaluate(shape: .small, parameters: parameters, candidates: 9, queries: queries, threads: threads)
    }

    /// By the book, from single predictions.
    func slowRank(_ query: LinkQuery) throws -> Double {
        let predictor = try Predictor(shape: .small, parameters: parameters, candidates: 9)
        let scores = try predictor.logits(context: query.context)
        let others = scores.indices.filter { $0 != Int(query.answer) && !query.filtered.contains(Int32($0)) }
        let asked = scores[Int(query.answer)]
        return 1 + Double(others.count { scores[$0] > asked }) + Double(others.count { scores[$0] == asked }) / 2
    }

    @Test(arguments: 1...3) func `ranks of many queries equal ranks one by one`(threads: Int) throws {
        var random = Random(seed: 2)
        let queries = (0..<600).map { _ in
            LinkQuery(
                context: (0...random.below(4)).map { _ in Int32(random.below(12)) }, answer: Int32(random.below(9)),
                filtered: (0..<random.below(4)).map { _ in Int32(random.below(9)) })
        }
        let ranking = try rank(queries, parameters, threads: threads)
        #expect(ranking.queries == 600)
        for index in stride(from: 0, to: 600, by: 7) where !queries[index].filtered.contains(queries[index].answer) {
            #expect(ranking.ranks[index] == (try slowRank(queries[index])))
        }
    }

    @Test func `ties share their mean rank, and filtered answers do not count`() throws {
        let flat = Parameters.zeros(shape: .small, vocabulary: 12)
        let query = LinkQuery(context: [0, 10], answer: 4, filtered: [])
        #expect(try rank([query], flat).ranks == [5])
        let filtered = LinkQuery(context: [0, 10], answer: 4, filtered: [0, 1, 2, 3])
        #expect(try rank([filtered], flat).ranks == [3])
    }

    @Test func `the figures follow from the ranks`() {
        let ranking = Ranking(ranks: [1, 2, 4, 20])
        #expect(ranking.mrr == (1 + 0.5 + 0.25 + 0.05) / 4)
        #expect(ranking.hits1 == 0.25 && ranking.hits10 == 0.75 && ranking.queries == 4)
    }

    @Test func `no queries give no figures`() throws {
        let ranking = try rank([], parameters, threads: 2)
        #expect(ranking.mrr == nil && ranking.hits1 == nil && ranking.hits10 == nil && ranking.queries == 0)
    }

    @Test func `a model that is no longer a number ranks its answers last`() throws {
        var broken = parameters
        for index in broken.tokens.indices { broken.tokens[index] = .nan }
        #expect(try rank([LinkQuery(context: [0], answer: 1, filtered: [])], broken).ranks == [9])
    }

    @Test func `answers outside the candidates are refused`() {
        #expect(throws: LearningError.unknownToken(index: 0, token: 9, vocabulary: 9)) {
            try rank([LinkQuery(context: [0], answer: 9, filtered: [])], parameters)
        }
        #expect(throws: LearningError.unknownToken(index: 0, token: -1, vocabulary: 9)) {
            try rank([LinkQuery(context: [0], answer: 1, filtered: [-1])], parameters)
        }
    }

    @Test func `the bootstrap tells chance from difference`() {
        var random = Random(seed: 3)
        let worse = (0..<400).map { _ in Double(1 + random.below(9)) }
        let better = worse.map { max(1, $0 - 1) }
        let comparison = pairedBootstrap(worse, against: better, seed: 1)
        #expect(comparison.isSignificantlyBelow && comparison.low < comparison.difference)
        #expect(comparison == pairedBootstrap(worse, against: better, seed: 1))
        let shuffled = worse.indices.map { worse[$0 ^ 1] }
        let chance = pairedBootstrap(worse, against: shuffled, seed: 1)
        #expect(!chance.isSignificantlyBelow && !chance.isSignificantlyAbove)
        #expect(pairedBootstrap([], against: [], seed: 1).difference == 0)
    }
}
