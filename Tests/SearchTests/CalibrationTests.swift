import Testing
import Wire

@testable import Search

@Suite struct CalibrationTests {
    /// Queries of 20 random candidates whose answer is drawn by the weights `truth`.
    private func examples(_ count: Int, truth: FeatureVector, seed: UInt64 = 1) -> [Example] {
        var random = Random(seed: seed)
        return (0..<count).map { _ in
            let candidates = (0..<20).map { _ in
                FeatureVector([
                    .words: random.unit(), .title: random.unit(), .model: 8 * random.unit() - 4,
                    .own: random.chance(0.2) ? 1 : 0,
                ])
            }
            let shares = probabilities(candidates.map(truth.dot))
            var draw = random.unit()
            let answer = shares.indices.first { at in
                draw -= shares[at]
                return draw < 0
            }
            return Example(candidates: candidates, answers: [answer ?? 19])
        }
    }

    private let truth = FeatureVector([.words: 5, .title: 0, .model: 1, .own: -2])

    @Test func `the weights that made the choices are found again`() {
        let fit = Calibration(examples(4_000, truth: truth))
        #expect(fit.examples == 4_000)
        for feature in [Feature.words, .title, .model, .own] {
            #expect(abs(fit.weights[feature] - truth[feature]) < 0.4, "\(feature)")
        }
        #expect(fit.lossAfter < fit.lossBefore)
        #expect(fit.weights[.linked] == FeatureVector.standard[.linked], "what never varies teaches nothing")
    }

    @Test func `choices are as probable as the fitted weights say`() {
        let fit = Calibration(examples(2_000, truth: truth))
        var (said, right) = (0.0, 0.0)
        let fresh = examples(2_000, truth: truth, seed: 2)
        for example in fresh {
            let shares = probabilities(example.candidates.map(fit.weights.dot))
            let best = shares.indices.max { shares[$0] < shares[$1] }!
            said += shares[best]
            right += example.answers.contains(best) ? 1 : 0
        }
        #expect(abs(said - right) / 2_000 < 0.03)
    }

    @Test func `few examples move the weights little, and none not at all`() {
        let few = Calibration(examples(3, truth: truth))
        let many = Calibration(examples(3_000, truth: truth))
        func moved(_ fit: Calibration) -> Double { abs(fit.weights[.words] - FeatureVector.standard[.words]) }
        #expect(moved(few) < moved(many) / 2)
        let none = Calibration([])
        #expect(none.weights == .standard && none.examples == 0 && none.lossAfter == 0)
        #expect(Calibration([Example(candidates: [FeatureVector()], answers: [])]).weights == .standard)
    }

    @Test func `fixed weights stay and the others make the best of it`() {
        let fit = Calibration(examples(1_000, truth: truth), fixed: [.model])
        #expect(fit.weights[.model] == FeatureVector.standard[.model])
        #expect(fit.lossAfter < fit.lossBefore)
    }

    @Test func `one of several right answers is enough`() {
        let both = (0..<200).map { _ in
            Example(
                candidates: [
                    FeatureVector([.title: 1]), FeatureVector([.title: 1, .own: 1]), FeatureVector([.words: 1]),
                ], answers: [0, 1])
        }
        let fit = Calibration(both)
        #expect(fit.lossAfter < 0.05)
        #expect(fit.weights.isFinite)
    }

    @Test func `examples with numbers that are none are left out`() {
        var broken = examples(10, truth: truth)
        broken[0].candidates[0][.model] = .nan
        #expect(Calibration(broken).examples == 9)
    }

    @Test func `a linear system is solved`() {
        let x = choleskySolve([4, 0, 2, 3], [2, 1])
        // [[4, 2], [2, 3]] · x = [2, 1]
        #expect(abs(x[0] - 0.5) < 1e-12 && abs(x[1]) < 1e-12)
    }
}
