import Search
import Testing

@Suite struct FormulaTests {
    private let found = Evidence(
        textRank: 0.5, probability: 0.25, features: FeatureVector([.perspective: -0.5, .words: 1]))
    private let unsaid = Evidence(probability: 0.9, features: FeatureVector([.model: 3]))

    @Test func `the seed's formulas multiply the rank of the text`() {
        #expect(Formula.text.score(found, weights: .standard) == 0.5)
        #expect(Formula.context.score(found, weights: .standard) == 0.25)
        #expect(Formula.seed.score(found, weights: .standard) == 0.625)
    }

    @Test func `only the combination finds what the text does not say`() {
        for formula in [Formula.text, .context, .seed] { #expect(formula.score(unsaid, weights: .standard) == nil) }
        #expect(Formula.combined.score(unsaid, weights: FeatureVector([.model: 2])) == 6)
    }

    @Test func `rankings descend, ties keep their order and what is no number comes last`() {
        let weights = FeatureVector([.words: 1])
        let candidates = [1, .nan, 3, 1].map { Evidence(features: FeatureVector([.words: $0])) }
        #expect(Formula.combined.ranking(candidates, weights: weights).map(\.at) == [2, 0, 3, 1])
        #expect(Formula.text.ranking(candidates, weights: weights).isEmpty)
    }

    @Test func `probabilities sum to one, however large the scores`() {
        let shares = probabilities([1_000, 1_000 + logarithm(3), -1_000])
        #expect(abs(shares[0] - 0.25) < 1e-12 && abs(shares[1] - 0.75) < 1e-12 && shares[2] == 0)
        #expect(probabilities([]) == [])
        #expect(probabilities([-.infinity, -.infinity]) == [0.5, 0.5])
    }

    @Test(arguments: [0, 1, -1, 0.3, 20, -20, 350, -350])
    func `exp and ln are each other's inverse and agree with known values`(x: Double) {
        #expect(abs(logarithm(exponential(x)) - x) <= 1e-13 * max(1, abs(x)))
        #expect(exponential(0) == 1 && logarithm(1) == 0)
        #expect(abs(exponential(1) - 2.718_281_828_459_045) < 1e-15)
        #expect(abs(logarithm(10) - 2.302_585_092_994_046) < 1e-15)
        #expect(exponential(-1_000) == 0 && exponential(1_000) == .infinity && logarithm(0) == -.infinity)
        #expect(logarithm(-1).isNaN && exponential(.nan).isNaN)
    }

    @Test func `every feature has a name of its own that leads back to it`() {
        #expect(Set(Feature.allCases.map(\.name)).count == Feature.allCases.count)
        for feature in Feature.allCases { #expect(Feature(name: feature.name) == feature) }
        #expect(Feature(name: "unheard") == nil)
    }

    @Test func `an answer that was not found counts as a reciprocal rank of zero`() {
        var measure = SearchMeasure()
        #expect(measure.mrr == nil && measure.hits1 == nil)
        measure.add([5, 6, 7], answers: [7, 6])
        measure.add([5], answers: [9])
        measure.add([9], answers: [9])
        #expect(measure.mrr == 0.5 && measure.queries == 3)
        #expect(measure.hits1 == 1.0 / 3 && measure.hits10 == 2.0 / 3)
    }
}
