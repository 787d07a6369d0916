/// One question whose answer is known: the candidates that a search would have weighed, and the right ones.
public struct Example: Sendable, Equatable {
    public var candidates: [FeatureVector]
    /// Positions of the right candidates; a page and its first section may both be right.
    public var answers: [Int]

    /// - Precondition: answers are positions of candidates.
    public init(candidates: [FeatureVector], answers: [Int]) {
        precondition(answers.allSatisfy(candidates.indices.contains), "an answer is a candidate")
        self.candidates = candidates
        self.answers = answers
    }
}

/// Fits the weights of ``Formula/combined`` to examples: listwise softmax regression (ListNet's top-one loss, Cao
/// et al. 2007), the conditional logit of a choice among candidates.
///
/// ```
/// P(answer | query) = Σ_answers exp(w·f) / Σ_candidates exp(w·f)
/// minimise  -1/n Σ ln P  +  λ/2 Σ_k s_k² (w_k - standard_k)²          s_k: spread of feature k
/// ```
/// Few weights, so Newton's method with the exact Hessian of the one-answer problem; steps are halved until the loss
/// falls. The same examples give the same bits. O(iterations · candidates · features²).
public struct Calibration: Sendable, Equatable {
    /// How strongly weights are drawn to the standard ones, in examples: with this many the data weighs the same.
    public static let priorExamples = 10.0
    static let maxIterations = 30
    static let tolerance = 1e-7

    public private(set) var weights: FeatureVector
    /// Mean of -ln P(answer) with the weights before and after, nats.
    public private(set) var lossBefore: Double
    public private(set) var lossAfter: Double
    /// Examples with an answer among their candidates; only these can teach.
    public private(set) var examples: Int

    /// - Parameter fixed: features whose weights stay as they are in `start`.
    public init(_ all: [Example], start: FeatureVector = .standard, fixed: Set<Feature> = []) {
        let usable = all.filter { !$0.answers.isEmpty && $0.candidates.allSatisfy(\.isFinite) }
        weights = start
        examples = usable.count
        guard !usable.isEmpty else {
            (lossBefore, lossAfter) = (0, 0)
            return
        }
        let problem = Problem(examples: usable, prior: start, fixed: fixed)
        lossBefore = problem.loss(start)
        lossAfter = lossBefore
        var objective = problem.objective(start)
        for _ in 0..<Self.maxIterations {
            let step = problem.newtonStep(weights)
            var scale = 1.0
            var found: (weights: FeatureVector, objective: Double)?
            while scale > 1e-4, found == nil {
                var candidate = weights
                for at in step.indices { candidate[at] -= scale * step[at] }
                let value = problem.objective(candidate)
                if value < objective { found = (candidate, value) }
                scale /= 2
            }
            guard let found else { break }
            let gain = objective - found.objective
            (weights, objective) = found
            if gain < Self.tolerance { break }
        }
        lossAfter = problem.loss(weights)
    }

    private struct Problem {
        let examples: [Example]
        let prior: FeatureVector
        let fixed: Set<Feature>
        let penalties: [Double]

        init(examples: [Example], prior: FeatureVector, fixed: Set<Feature>) {
            self.examples = examples
            self.prior = prior
            self.fixed = fixed
            let rate = Calibration.priorExamples / (Calibration.priorExamples + Double(examples.count))
            penalties = Feature.allCases.map { feature in
                var (count, sum, squares) = (0.0, 0.0, 0.0)
                for candidate in examples.lazy.flatMap(\.candidates) {
                    count += 1
                    sum += candidate[feature]
                    squares += candidate[feature] * candidate[feature]
                }
                let spread = squares / count - (sum / count) * (sum / count)
                return rate * max(spread, 1e-3)
            }
        }

        func loss(_ weights: FeatureVector) -> Double {
            var sum = 0.0
            for example in examples {
                let shares = probabilities(example.candidates.map(weights.dot))
                let right = example.answers.reduce(0) { $0 + shares[$1] }
                sum -= logarithm(max(right, 1e-300))
            }
            return sum / Double(examples.count)
        }

        func objective(_ weights: FeatureVector) -> Double {
            var value = loss(weights)
            for (at, penalty) in penalties.enumerated() {
                let away = weights[at] - prior[at]
                value += penalty / 2 * away * away
            }
            return value
        }

        /// (Hessian)⁻¹ · gradient. The Hessian is the candidates' covariance, which is exact for one answer and
        /// positive for more, so the step always leads down.
        func newtonStep(_ weights: FeatureVector) -> [Double] {
            let n = penalties.count
            var gradient = [Double](repeating: 0, count: n)
            var hessian = [Double](repeating: 0, count: n * n)
            for example in examples {
                let shares = probabilities(example.candidates.map(weights.dot))
                let right = example.answers.reduce(0) { $0 + shares[$1] }
                var mean = [Double](repeating: 0, count: n)
                for (candidate, share) in zip(example.candidates, shares) where share > 1e-12 {
                    for i in 0..<n {
                        let scaled = share * candidate[i]
                        mean[i] += scaled
                        for j in 0...i { hessian[i * n + j] += scaled * candidate[j] }
                    }
                }
                for i in 0..<n {
                    gradient[i] += mean[i]
                    for answer in example.answers where right > 0 {
                        gradient[i] -= shares[answer] / right * example.candidates[answer][i]
                    }
                    for j in 0...i { hessian[i * n + j] -= mean[i] * mean[j] }
                }
            }
            let count = Double(examples.count)
            for i in 0..<n {
                gradient[i] = gradient[i] / count + penalties[i] * (weights[i] - prior[i])
                for j in 0...i { hessian[i * n + j] /= count }
                hessian[i * n + i] += penalties[i]
            }
            for feature in fixed {
                let i = feature.rawValue
                gradient[i] = 0
                for j in 0..<n { hessian[max(i, j) * n + min(i, j)] = i == j ? 1 : 0 }
            }
            return choleskySolve(hessian, gradient)
        }
    }
}

/// x with A·x = b for a symmetric positive definite A, given by its lower triangle, row-major.
public func choleskySolve(_ a: [Double], _ b: [Double]) -> [Double] {
    let n = b.count
    var l = a
    for i in 0..<n {
        for j in 0...i {
            var sum = l[i * n + j]
            for k in 0..<j { sum -= l[i * n + k] * l[j * n + k] }
            // Rounding may bring a pivot to zero where features say the same.
            l[i * n + j] = i == j ? max(sum, 1e-12).squareRoot() : sum / l[j * n + j]
        }
    }
    var x = b
    for i in 0..<n {
        for k in 0..<i { x[i] -= l[i * n + k] * x[k] }
        x[i] /= l[i * n + i]
    }
    for i in (0..<n).reversed() {
        for k in i + 1..<n { x[i] -= l[k * n + i] * x[k] }
        x[i] /= l[i * n + i]
    }
    return x
}
