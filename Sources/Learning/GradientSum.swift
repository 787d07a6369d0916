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
        let (dense, d) = (slice.dense, shape.dim)
        let (first, numbers) = (slice.rows.lowerBound * d, slice.rows.count * d)
        let sum = shards[0].gradients
        for shard in shards[1..<active] {
            let other = shard.gradients
            kernels.add(dense.count, other.dense + dense.lowerBound, sum.dense + dense.lowerBound)
            kernels.add(numbers, other.tokens + first, sum.tokens + first)
        }
        let smoothed = slice.rows.clamped(to: 0..<candidates)
        if smoothing > 0, !smoothed.isEmpty {
            kernels.addToRows(
                smoothed.count, d, -smoothing, shards[0].pass.headMemory.askedSum.start, sum.tokens + first)
        }
        shards[index].squares =
            kernels.sumOfSquares(dense.count, sum.dense + dense.lowerBound)
            + kernels.sumOfSquares(numbers, sum.tokens + first)
    }
}
