internal import Search

/// Conditional logit with a prior: `-1/n Σ ln P(answer | candidates) + λ/2 Σ s_k² (w_k - prior_k)²` with
/// λ = strength / (strength + n) and s_k the spread of feature k, by Newton's method as in `Search/Calibration`.
struct BlendFit {
    private(set) var weights: [Double]

    private static let iterations = 25
    private static let tolerance = 1e-6

    /// Weights are not negative: evidence must not speak against a candidate. One that would be is 0, and the others are
    /// fitted again.
    init(_ examples: [BlendExample], prior: [Double], strength: Double) {
        weights = prior
        guard !examples.isEmpty else { return }
        var fixed: Set<Int> = []
        while true {
            weights = prior.enumerated().map { fixed.contains($0.offset) ? 0 : $0.element }
            descend(Problem(examples, prior: prior, strength: strength, fixed: fixed))
            guard let worst = weights.indices.min(by: { weights[$0] < weights[$1] }), weights[worst] < 0 else { return }
            fixed.insert(worst)
        }
    }

    private mutating func descend(_ problem: Problem) {
        var (loss, step) = problem.newtonStep(weights)
        for _ in 0..<Self.iterations {
            var scale = 1.0
            var next: (weights: [Double], loss: Double, step: [Double])?
            while scale > 1e-3, next == nil {
                let tried = zip(weights, step).map { $0 - scale * $1 }
                let (value, after) = problem.newtonStep(tried)
                if value < loss { next = (tried, value, after) }
                scale /= 2
            }
            guard let next else { return }
            let gain = loss - next.loss
            (weights, loss, step) = next
            if gain < Self.tolerance { return }
        }
    }

    private struct Problem {
        let examples: [BlendExample]
        let prior: [Double]
        let fixed: Set<Int>
        private(set) var penalties: [Double] = []

        init(_ examples: [BlendExample], prior: [Double], strength: Double, fixed: Set<Int>) {
            (self.examples, self.prior, self.fixed) = (examples, prior, fixed)
            let rate = strength / (strength + Double(examples.count))
            for k in 0..<RuleBlend.featureCount {
                var (count, sum, squares) = (0.0, 0.0, 0.0)
                for example in examples {
                    for at in stride(from: k, to: example.features.count, by: RuleBlend.featureCount) {
                        let value = Double(example.features[at])
                        (count, sum, squares) = (count + 1, sum + value, squares + value * value)
                    }
                }
                let mean = sum / max(count, 1)
                penalties.append(rate * max(squares / max(count, 1) - mean * mean, 1e-2))
            }
        }

        /// The objective, and (Hessian)⁻¹ · gradient.
        func newtonStep(_ weights: [Double]) -> (objective: Double, step: [Double]) {
            let n = weights.count
            var loss = 0.0
            var gradient = [Double](repeating: 0, count: n)
            var hessian = [Double](repeating: 0, count: n * n)
            var mean = gradient
            for example in examples {
                let scores = (0..<example.count).map { example.score($0, weights) }
                let highest = zip(scores, example.wrong).reduce(scores[0]) { $1.1 > 0 ? max($0, $1.0) : $0 }
                let powers = zip(scores, example.wrong).map { Double($1) * exponential($0 - highest) }
                let total = powers.reduce(0, +)
                loss -= scores[0] - highest - logarithm(total)
                for at in mean.indices { mean[at] = 0 }
                for (candidate, power) in powers.enumerated() {
                    let share = power / total
                    guard share > 1e-9 else { continue }
                    for i in 0..<n {
                        let scaled = share * Double(example.features[candidate * n + i])
                        mean[i] += scaled
                        for j in 0...i { hessian[i * n + j] += scaled * Double(example.features[candidate * n + j]) }
                    }
                }
                for i in 0..<n {
                    gradient[i] += mean[i] - Double(example.features[i])
                    for j in 0...i { hessian[i * n + j] -= mean[i] * mean[j] }
                }
            }
            let count = Double(examples.count)
            var objective = loss / count
            for i in 0..<n {
                let away = weights[i] - prior[i]
                objective += penalties[i] / 2 * away * away
                gradient[i] = gradient[i] / count + penalties[i] * away
                for j in 0...i { hessian[i * n + j] /= count }
                hessian[i * n + i] += penalties[i]
            }
            for i in fixed {
                gradient[i] = 0
                for j in 0..<n { hessian[max(i, j) * n + min(i, j)] = i == j ? 1 : 0 }
            }
            return (objective, choleskySolve(hessian, gradient))
        }
    }
}
