import Federation
import Identity
import Learning
import Testing
import Wire

@Suite struct AccumulatorsTests {
    let shape = Fixture.shape
    /// 150 rows lie on three pages.
    let names = Fixture.tokens(0..<150)

    private func deltas(_ count: Int, seed: UInt64) throws -> [JudgedDelta] {
        var random = Random(seed: seed)
        return try (0..<count).map { _ in
            try Fixture.spec().judge(Fixture.delta(&random, announced: names.count), announcedRows: names.count)
        }
    }

    private func fold(_ deltas: [JudgedDelta]) -> Accumulators {
        var sums = Accumulators(shape: shape)
        for delta in deltas { sums.apply(delta, rowNames: names) }
        return sums
    }

    @Test func `sums equal those of the naive twin`() throws {
        var naive = NaiveSums()
        var sums = Accumulators(shape: shape)
        for delta in try deltas(20, seed: 6) {
            naive.add(delta.delta, rowNames: names, shape: shape)
            sums.apply(delta, rowNames: names)
            #expect(naive.matches(sums, shape: shape))
        }
    }

    @Test(arguments: [4, 16, 36, 68]) func `the kernel equals its twin for all shifts, widths and signs`(dim: Int)
        throws
    {
        let shape = try ModelShape.beyondDefaults(dim: dim, heads: 2, layers: 1, context: 2)
        let spec = Fixture.spec(
            shape: shape, caps: try .init(maxRowNorm: 1 << 46, maxOpNorm: 1 << 56, maxRows: 1000))
        var random = Random(seed: UInt64(dim))
        var naive = NaiveSums()
        var sums = Accumulators(shape: shape)
        for wide in [false, true] {
            let most = wide ? 27 : 35
            let values = (0..<(most + 1) * dim).map { _ in Int16(truncatingIfNeeded: random.next()) | 1 }
            let block = RowBlock(
                indices: (0...UInt32(most)).map { $0 }, shifts: (0...UInt8(most)).map { $0 },
                values: wide ? .int16(values) : .int8(values.map { Int8(truncatingIfNeeded: $0) }))
            let delta = Delta(model: Fixture.model, round: 0, steps: 0, tokensSeen: 0, dense: .empty, rows: block)
            let judged = try spec.judge(delta, announcedRows: names.count)
            naive.add(delta, rowNames: names, shape: shape)
            sums.apply(judged, rowNames: names)
            #expect(naive.matches(sums, shape: shape))
            sums.retract(judged, rowNames: names)
            sums.retract(judged, rowNames: names)
            naive.add(delta, rowNames: names, shape: shape, sign: -2)
            #expect(naive.matches(sums, shape: shape))
        }
    }

    @Test func `any order and any grouping give the same sums and digest`() throws {
        var deltas = try deltas(12, seed: 7)
        var first = fold(deltas)
        var random = Random(seed: 8)
        for _ in 0..<20 {
            random.shuffle(&deltas)
            var other = fold(deltas)
            #expect(other == first)
            #expect(other.digest() == first.digest())
        }
    }

    @Test func `retraction restores every earlier state to the bit`() throws {
        var deltas = try deltas(10, seed: 9)
        var sums = Accumulators(shape: shape)
        let empty = sums.digest()
        var random = Random(seed: 10)
        for delta in deltas { sums.apply(delta, rowNames: names) }
        while let last = deltas.popLast() {
            sums.retract(last, rowNames: names)
            var fresh = fold(deltas)
            #expect(sums == fresh)
            #expect(sums.digest() == fresh.digest())
            random.shuffle(&deltas)
        }
        #expect(sums.digest() == empty)
        #expect(sums.nonzeroTokens == [])
        #expect(names.allSatisfy { sums.rowBytes($0) == nil })
        #expect(shape.tensors.indices.allSatisfy { sums.tensorBytes($0) == nil })
    }

    @Test func `sums wrap and come back`() throws {
        let spec = Fixture.spec(caps: try .init(maxRowNorm: 1 << 46, maxOpNorm: 1 << 56, maxRows: 1000))
        let block = RowBlock(
            indices: [0], shifts: [40], values: .int8([64] + Array(repeating: 0, count: shape.dim - 1)))
        let delta = Delta(model: Fixture.model, round: 0, steps: 0, tokensSeen: 0, dense: .empty, rows: block)
        let judged = try spec.judge(delta, announcedRows: 1)
        var sums = Accumulators(shape: shape)
        for _ in 0..<(1 << 17) + 1 { sums.apply(judged, rowNames: names) }
        #expect(sums.row(names[0])[0] == Int64.min + 1 << 46)
        for _ in 0..<(1 << 17) + 1 { sums.retract(judged, rowNames: names) }
        #expect(sums == Accumulators(shape: shape))
    }

    @Test func `the digest after many small steps is that of a fold from scratch`() throws {
        let deltas = try deltas(8, seed: 11)
        var sums = Accumulators(shape: shape)
        for count in deltas.indices {
            sums.apply(deltas[count], rowNames: names)
            var fresh = fold(Array(deltas[...count]))
            #expect(sums.digest() == fresh.digest())
            #expect(sums.digest() == fresh.digest(), "the second time from the cache")
        }
    }

    @Test func `one unit anywhere changes the digest`() throws {
        var base = fold(try deltas(3, seed: 12))
        let token = base.nonzeroTokens[0]
        var bytes = base.rowBytes(token)!
        bytes[0] ^= 1
        var other = base
        try other.load(row: token, bytes)
        #expect(other.digest() != base.digest())
        var tensor = base.tensorBytes(3)!
        tensor[8] ^= 1
        other = base
        try other.load(tensor: 3, tensor)
        #expect(other.digest() != base.digest())
        try other.load(tensor: 3, base.tensorBytes(3)!)
        #expect(other.digest() == base.digest())
    }

    @Test func `equal values in another row or tensor give another digest`() throws {
        var (a, b, c) = (Accumulators(shape: shape), Accumulators(shape: shape), Accumulators(shape: shape))
        let bytes = Bytes(repeating: 1, count: shape.dim * 8)
        try a.load(row: names[0], bytes)
        try b.load(row: names[1], bytes)
        try c.load(tensor: 7, bytes)
        #expect(Set([a.digest(), b.digest(), c.digest()]).count == 3)
    }

    // Computed a second time by an independent program.
    @Test func `the digest is frozen`() throws {
        var sums = Accumulators(shape: shape)
        #expect(sums.digest().hex == "a4490d7af8aa2edb90e9d23553d2ad5fdf4f8b3520b269d37700ab1cd9793471")
        try sums.load(row: Fixture.token(1), Bytes(repeating: 1, count: shape.dim * 8))
        try sums.load(row: Fixture.token(2), Bytes(repeating: 2, count: shape.dim * 8))
        try sums.load(tensor: 8, Bytes(repeating: 3, count: shape.dim * 8))
        #expect(sums.digest().hex == "17aa10b212761f205f5c96c4d8714088e0b2d3294e55a88fae285b581bc2aed1")
    }

    @Test func `a snapshot keeps its sums and its digest`() throws {
        let deltas = try deltas(4, seed: 13)
        var sums = fold(Array(deltas[..<3]))
        var snapshot = sums
        let digest = sums.digest()
        sums.apply(deltas[3], rowNames: names)
        #expect(snapshot == fold(Array(deltas[..<3])))
        #expect(snapshot.digest() == digest)
        #expect(sums.digest() != digest)
        #expect(snapshot != sums)
    }

    @Test func `dirty rows and tensors are those of the deltas since the last call`() throws {
        let deltas = try deltas(2, seed: 14)
        var sums = fold([deltas[0]])
        #expect(sums.takeDirty().tokens == deltas[0].delta.rows.indices.map { names[Int($0)] })
        #expect(sums.takeDirty().isEmpty)
        sums.retract(deltas[0], rowNames: names)
        let dirty = sums.takeDirty()
        #expect(dirty.tokens == deltas[0].delta.rows.indices.map { names[Int($0)] })
        #expect(!dirty.tensors.isEmpty)
        #expect(dirty.tokens.allSatisfy { sums.rowBytes($0) == nil }, "the store drops rows that are zero again")
    }

    @Test func `stored bytes load into the same sums and are not dirty`() throws {
        var sums = fold(try deltas(5, seed: 15))
        var loaded = Accumulators(shape: shape)
        for token in sums.nonzeroTokens.reversed() { try loaded.load(row: token, sums.rowBytes(token)!) }
        for index in shape.tensors.indices { try loaded.load(tensor: index, sums.tensorBytes(index)!) }
        #expect(loaded == sums)
        #expect(loaded.digest() == sums.digest())
        #expect(loaded.takeDirty().isEmpty)
        #expect(sums.rowBytes(sums.nonzeroTokens[0])!.count == shape.dim * 8)
    }

    @Test func `bytes that do not fit are refused`() {
        var sums = Accumulators(shape: shape)
        for count in [0, shape.dim * 8 - 1, shape.dim * 8 + 8] {
            #expect(throws: FederationError.self) { try sums.load(row: names[0], Bytes(repeating: 0, count: count)) }
        }
        #expect(throws: FederationError.self) { try sums.load(tensor: 0, []) }
        for index in [-1, shape.tensors.count] {
            #expect(throws: FederationError.self) { try sums.load(tensor: index, []) }
        }
        #expect(sums == Accumulators(shape: shape))
    }
}
