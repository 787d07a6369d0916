/// The logarithm of a smoothed filtered rank, one number for each question, in nats.
///
/// ```
/// loss(q) = ln(1 + Σ_c σ(s_c - s_a))     over the candidates c other than the answer a and the filtered ones
/// ```
/// The sum is how many candidates stand above the answer, a step smoothed by the logistic function, so 1 + Σ is the
/// rank that ``evaluate(shape:parameters:candidates:queries:threads:kernel:)`` counts. A true fact that only another
/// site knows costs one place in the rank however sure the model is of it; in a cross entropy it costs its
/// probability (docs/valuation.md has both measured).
///
/// With p = softmax(s), σ(s_c - s_a) = p_c / (p_c + p_a).
///
/// - Returns: numbers from 0 to ln(candidates), in the order of the questions.
/// - Throws: ``LearningError`` for weights or tokens that do not fit, ``LearningError/notFinite(_:)`` where weights
///   give scores that are no numbers.
/// - Complexity: one forward pass, and one division for each question and candidate.
public func rankLosses(
    shape: ModelShape, parameters: Parameters, candidates: Int, queries: [LinkQuery], kernel: KernelVariant = .best
) throws(LearningError) -> [Double] {
    if queries.isEmpty { return [] }
    let predictor = try Predictor(shape: shape, parameters: parameters, candidates: candidates, kernel: kernel)
    try checkAnswers(queries, predictor)
    var losses: [Double] = []
    losses.reserveCapacity(queries.count)
    var rest = queries[...]
    while !rest.isEmpty {
        let now = rest.prefix(256)
        rest = rest.dropFirst(256)
        predictor.score(now.map(\.context)[...]) { index, scores in
            losses.append(rankLoss(now[now.startIndex + index], scores, predictor))
        }
    }
    guard losses.allSatisfy(\.isFinite) else { throw .notFinite("scores") }
    return losses
}

private func rankLoss(
    _ query: LinkQuery, _ scores: UnsafeMutableBufferPointer<Float>, _ predictor: Predictor
) -> Double {
    for token in query.filtered { scores[Int(token)] = -.infinity }
    predictor.softmax(scores)
    // An answer whose probability is too small for a Float is below all that have one.
    let answer = max(scores[Int(query.answer)], .leastNonzeroMagnitude)
    guard scores[Int(query.answer)].isFinite else { return .nan }
    var above: Float = -0.5
    for score in scores { above += score / (score + answer) }
    return naturalLogarithm(1 + Double(max(above, 0)))
}

/// - Throws: ``LearningError`` for the first query with a token that is not there.
func checkAnswers(_ queries: [LinkQuery], _ predictor: Predictor) throws(LearningError) {
    for (index, query) in queries.enumerated() {
        try predictor.check(query.context)
        for token in query.filtered + [query.answer] where token < 0 || Int(token) >= predictor.candidates {
            throw .unknownToken(index: index, token: Int(token), vocabulary: predictor.candidates)
        }
    }
}

/// The natural logarithm of a positive finite number, relative error below 1e-15.
///
/// x = m·2^e with m near 1, and ln m = 2 artanh((m-1)/(m+1)): the core has no libm.
package func naturalLogarithm(_ x: Double) -> Double {
    precondition(x > 0 && x.isFinite, "only positive numbers have a logarithm")
    var (mantissa, exponent) = (x.significand, Double(x.exponent))
    if mantissa > 1.414_213_562_373_095 {
        mantissa /= 2
        exponent += 1
    }
    let ratio = (mantissa - 1) / (mantissa + 1)
    let square = ratio * ratio
    // |ratio| < 0.172: the terms left out are below 1e-17 of the sum.
    var sum = 0.0
    for degree in stride(from: 21.0, through: 1.0, by: -2.0) { sum = sum * square + 1 / degree }
    return 2 * ratio * sum + exponent * 0.693_147_180_559_945_3
}
