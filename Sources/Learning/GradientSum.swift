/// One thread's part of all numbers of a model.
struct Slice {
    let dense: Range<Int>
    /// Token rows.
    let rows: Range<Int>

    /// Part `index` of `count`.
    init(_ index: Int, of count: Int, shape: ModelShape, vocabulary: Int) {
        func part(_ total: Int) -> Range<Int> { total * index / count..<total * (index + 1) / count }
        dense = part(shape.denseCount)
        rows = part(vocabulary)
    }

    /// Threads among which it pays to divide a model.
    static func count(_ crew: Crew, _ shape: ModelShape, _ vocabulary: Int) -> Int {
        max(1, min(crew.count, shape.parameterCount(vocabulary: vocabulary) / 32_768))
    }
}

/// The shards' gradients, added up in their order into the first one's.
struct GradientSum {
    let shards: [Shard]
    /// Shards that have one.
    let active: Int
    let shape: ModelShape
    let vocabulary: Int
    let candidates: Int
    /// `nil`: every row has a gradient.
    let sample: CandidateSample?
    /// ε / (E · counted positions): what every candidate's row loses of the sum of all asked rows.
    let smoothing: Float
    /// Σ of squares of the whole gradient.
    private(set) var squares = 0.0

    mutating func run(_ kernels: Kernels, _ crew: Crew) {
        let count = Slice.count(crew, shape, vocabulary)
        if smoothing > 0 {
            let sum = shards[0].pass.headMemory.askedSum.start
            for shard in shards[1..<active] { kernels.add(shape.dim, shard.pass.headMemory.askedSum.start, sum) }
        }
        let work = self
        crew.run(count) { index in work.run(kernels, index, count) }
        squares = shards[..<count].reduce(0) { $0 + $1.squares }
    }

    private func run(_ kernels: Kernels, _ index: Int, _ count: Int) {
        let slice = Slice(index, of: count, shape: shape, vocabulary: vocabulary)
        let (dense, sum) = (slice.dense, shards[0].gradients.dense)
        for shard in shards[1..<active] {
            kernels.add(dense.count, shard.gradients.dense + dense.lowerBound, sum + dense.lowerBound)
        }
        shards[index].squares =
            kernels.sumOfSquares(dense.count, sum + dense.lowerBound)
            + (sample.map { touchedRows(kernels, $0, index, count) } ?? allRows(kernels, slice.rows))
    }

    /// - Returns: the rows' sum of squares.
    private func allRows(_ kernels: Kernels, _ rows: Range<Int>) -> Double {
        let d = shape.dim
        let (first, numbers, sum) = (rows.lowerBound * d, rows.count * d, shards[0].gradients.tokens)
        for shard in shards[1..<active] { kernels.add(numbers, shard.gradients.tokens + first, sum + first) }
        let smoothed = rows.clamped(to: 0..<candidates)
        if smoothing > 0, !smoothed.isEmpty {
            kernels.addToRows(smoothed.count, d, -smoothing, shards[0].pass.headMemory.askedSum.start, sum + first)
        }
        return kernels.sumOfSquares(numbers, sum + first)
    }

    /// - Returns: the rows' sum of squares.
    private func touchedRows(_ kernels: Kernels, _ sample: CandidateSample, _ index: Int, _ count: Int) -> Double {
        let (d, sum, touched) = (shape.dim, shards[0].gradients.tokens, sample.touchedCount)
        let others = shards[1..<active].map(\.gradients.tokens)
        let rows = sample.touched.start
        var squares = 0.0
        for at in touched * index / count..<touched * (index + 1) / count {
            let row = Int(rows[at]) * d
            for other in others { kernels.add(d, other + row, sum + row) }
            squares += kernels.sumOfSquares(d, sum + row)
        }
        return squares
    }
}
