/// The `k` largest of some finite scores, best first; ties by index. Cost: one comparison a score, and log k for
/// the few that get among the best so far.
func largest(_ k: Int, of scores: UnsafeMutableBufferPointer<Float>) -> [(token: Int32, score: Float)] {
    let k = min(max(0, k), scores.count)
    guard k > 0 else { return [] }
    // A heap with the worst kept score at its root. Of equal scores the later index is the worse one, and indices
    // come in rising order: only a higher score gets in.
    var heap = (0..<k).map { (token: Int32($0), score: scores[$0]) }
    func isWorse(_ a: (token: Int32, score: Float), _ b: (token: Int32, score: Float)) -> Bool {
        (a.score, b.token) < (b.score, a.token)
    }
    func sink(_ start: Int) {
        var at = start
        while true {
            var worst = at
            for child in [2 * at + 1, 2 * at + 2] where child < k && isWorse(heap[child], heap[worst]) { worst = child }
            if worst == at { return }
            heap.swapAt(at, worst)
            at = worst
        }
    }
    for start in (0..<k / 2).reversed() { sink(start) }
    for index in k..<scores.count where scores[index] > heap[0].score {
        heap[0] = (Int32(index), scores[index])
        sink(0)
    }
    return heap.sorted { isWorse($1, $0) }
}
