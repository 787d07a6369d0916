internal import Wire

/// Which candidates a step looks at where there are too many to look at all (Jean et al. 2015).
///
/// The batch's answers, each for itself, and n others drawn evenly without repetition, each for (E - answers)/n
/// candidates: the logarithm of that weight is what is elsewhere called the log-Q correction. The expected sum of
/// exponentials is then the whole one. All rows of a batch share the sample.
final class CandidateSample {
    /// The sample's candidates, answers first.
    let ids = Buffer<Int32>()
    /// Token rows whose gradient may be other than 0: ``ids``, then the tokens that the batch reads.
    let touched = Buffer<Int32>()
    private(set) var plain = 0
    private(set) var count = 0
    private(set) var touchedCount = 0
    private(set) var weight: Float = 1
    /// Per token its place in ``touched``; -1 for others.
    private var slots: [Int32] = []
    private let table = Buffer<Float>()

    /// Draws for one batch.
    ///
    /// - Parameter wanted: how many besides the answers.
    func draw(_ batch: Batch, vocabulary: Int, candidates: Int, wanted: Int, seed: UInt64) {
        forget()
        if slots.count != vocabulary { slots = Array(repeating: -1, count: vocabulary) }
        let answers = batch.answers?.tokens ?? batch.targets
        touched.reserve(min(vocabulary, answers.count + 2 * wanted + batch.tokens.count))
        for answer in answers where answer >= 0 { touch(answer) }
        plain = touchedCount
        let rest = candidates - plain
        if rest <= 2 * wanted {
            for candidate in 0..<candidates { touch(Int32(candidate)) }
        } else {
            var random = Random(seed: seed)
            while touchedCount < plain + wanted { touch(Int32(random.below(candidates))) }
        }
        count = touchedCount
        weight = count > plain ? Float(rest) / Float(count - plain) : 1
        ids.reserve(count).update(from: touched.start, count: count)
        for token in batch.tokens { touch(token) }
    }

    /// Its rows, copied side by side.
    func gathered(_ tokens: ConstFloats, _ kernels: Kernels, dim: Int) -> ConstFloats {
        let rows = table.reserve(count * dim)
        kernels.gather(count, dim, ids.start, tokens, rows)
        return ConstFloats(rows)
    }

    func withSlots(_ body: (ConstInts) -> Void) { slots.withUnsafeBufferPointer { body($0.baseAddress!) } }

    /// Forgets everything, the size of the vocabulary included.
    func reset() { (touchedCount, plain, count, slots) = (0, 0, 0, []) }

    private func touch(_ token: Int32) {
        guard slots[Int(token)] < 0 else { return }
        slots[Int(token)] = Int32(touchedCount)
        touched.start[touchedCount] = token
        touchedCount += 1
    }

    private func forget() {
        for index in 0..<touchedCount { slots[Int(touched.start[index])] = -1 }
        touchedCount = 0
    }
}
