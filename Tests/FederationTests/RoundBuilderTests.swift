import Federation
import Learning
import Testing
import Wire

/// A site with made-up weights that pretends to train.
struct PretendSite {
    var shape = Fixture.shape
    var tokens = (0..<12).map(Fixture.token)
    var shares = (0..<12).map { RowShare(index: UInt32(11 - $0), owners: 1 + $0 % 3) }
    var members = 4
    var damping = 1.0
    var random = Random(seed: 20)

    /// A round in which every weight moves by up to `step`.
    mutating func round(step: Float) -> TrainingRound {
        var base = Parameters.zeros(shape: shape, vocabulary: tokens.count)
        for index in base.dense.indices { base.dense[index] = Float(random.unit()) - 0.5 }
        for index in base.tokens.indices { base.tokens[index] = Float(random.unit()) - 0.5 }
        var trained = base
        for index in base.dense.indices { trained.dense[index] += step * (2 * Float(random.unit()) - 1) }
        for index in base.tokens.indices { trained.tokens[index] += step * (2 * Float(random.unit()) - 1) }
        return TrainingRound(
            model: Fixture.model, round: 1, steps: 2, tokensSeen: 3, base: base, trained: trained, tokens: tokens,
            shares: shares, members: members, damping: damping)
    }

    /// The scaled change by the formula of the design, without quantisation: dense, then token rows.
    func scaled(_ round: TrainingRound) -> (dense: [Int64], rows: [Int64]) {
        func units(_ trained: Float, _ base: Float, _ divisor: Int) -> Int64 {
            let change = (Double(trained) - Double(base)) * (round.damping / Double(divisor) * 0x1p32)
            return Int64(change.rounded(.toNearestOrEven))
        }
        let dense = round.base.dense.indices.map { units(round.trained.dense[$0], round.base.dense[$0], round.members) }
        let rows = round.base.tokens.indices.map {
            units(round.trained.tokens[$0], round.base.tokens[$0], round.shares[$0 / shape.dim].owners)
        }
        return (dense, rows)
    }

    /// What a delta adds, in the layout of `Parameters`.
    func sent(_ delta: Delta) throws -> (dense: [Int64], rows: [Int64]) {
        let names = (0..<UInt32(tokens.count)).map { index in tokens[shares.firstIndex { $0.index == index }!] }
        var sums = Accumulators(shape: shape)
        sums.apply(try Fixture.spec(shape: shape).judge(delta, announcedRows: names.count), rowNames: names)
        return (shape.tensors.indices.flatMap { sums.tensor($0) }, tokens.flatMap { sums.row($0) })
    }
}

private func sum(_ a: [Int64], _ b: [Int64]) -> [Int64] { zip(a, b).map { $0 + $1 } }

@Suite struct RoundBuilderTests {
    let spec = Fixture.spec()

    @Test(
        arguments: [(nil, .int8, 0), (3, .int8, 0), (nil, .int8, 6), (3, .int8, 3), (nil, .int16, 0), (1, .int16, 6)]
            as [(Int?, RowBlock.Precision, UInt8)])
    func `all that was sent and the residual make up all scaled changes`(
        topRows: Int?, precision: RowBlock.Precision, coarser: UInt8
    ) throws {
        var site = PretendSite()
        let builder = RoundBuilder(spec: spec, topRows: topRows, precision: precision, coarser: coarser)
        var residuals = Residuals(shape: site.shape)
        var sent = (dense: [Int64](repeating: 0, count: site.shape.denseCount), rows: [Int64](repeating: 0, count: 240))
        var scaled = sent
        for number in 0..<12 {
            site.damping = number % 3 == 0 ? 0.7 : 1
            let round = site.round(step: 0.02)
            let (delta, kept) = try builder.build(round, residuals: residuals)
            residuals = kept
            #expect(delta.rows.indices.count == topRows ?? 12)
            let (now, change) = (try site.sent(delta), site.scaled(round))
            sent = (sum(sent.dense, now.dense), sum(sent.rows, now.rows))
            scaled = (sum(scaled.dense, change.dense), sum(scaled.rows, change.rows))
            #expect(sum(sent.dense, residuals.dense) == scaled.dense)
            #expect(sum(sent.rows, residuals.rows) == scaled.rows)
        }
    }

    @Test(arguments: [.int8, .int16] as [RowBlock.Precision])
    func `a row takes the smallest shift that fits and is off by half a step at most`(
        precision: RowBlock.Precision
    ) throws {
        var site = PretendSite()
        let limit: Int64 = precision == .int8 ? 127 : 32767
        for step: Float in [1e-9, 1e-7, 1e-3, 0.1, 0.9] {
            let round = site.round(step: step)
            let (delta, kept) = try RoundBuilder(spec: spec, precision: precision)
                .build(round, residuals: Residuals(shape: site.shape))
            let scaled = site.scaled(round).rows
            for (position, index) in delta.rows.indices.enumerated() {
                let row = site.shares.firstIndex { $0.index == index }!
                let shift = delta.rows.shifts[position]
                let largest = scaled[row * 20..<row * 20 + 20].map(\.magnitude).max()!
                let half = shift == 0 ? 0 : Int64(1) << Int64(shift - 1)
                #expect(kept.rows[row * 20..<row * 20 + 20].allSatisfy { $0.magnitude <= half.magnitude })
                #expect(Double(largest) / Double(UInt64(1) << UInt64(shift)) <= Double(limit) + 0.5)
                if shift > 0 {
                    let finer = Double(largest) / Double(UInt64(1) << UInt64(shift - 1))
                    #expect(finer >= Double(limit) + 0.5, "a smaller shift would have fit")
                }
            }
        }
    }

    @Test func `the coarsest rows have five levels, lose nothing for good and take a fraction of the bytes`() throws {
        var site = PretendSite()
        let fine = RoundBuilder(spec: spec)
        let coarse = RoundBuilder(spec: spec, coarser: RoundBuilder.coarsest)
        let round = site.round(step: 0.02)
        let (large, _) = try fine.build(round, residuals: Residuals(shape: site.shape))
        let (small, kept) = try coarse.build(round, residuals: Residuals(shape: site.shape))
        #expect(small.rows.indices == large.rows.indices, "every row that changed is sent")
        for values in [small.dense.values, small.rows.values] {
            guard case .int8(let values) = values else { throw FederationError.frame(.corrupt) }
            #expect(values.allSatisfy { (-2...2).contains($0) } && values.contains { $0 != 0 })
        }
        #expect(zip(small.rows.shifts, large.rows.shifts).allSatisfy { $0 == $1 + RoundBuilder.coarsest })
        #expect(3 * small.body.count < large.body.count, "\(small.body.count) of \(large.body.count)")
        // Rounds that change nothing send the rest: it becomes smaller than half of the least level.
        var rest = round
        rest.trained = rest.base
        var residuals = kept
        for _ in 0..<8 { residuals = try coarse.build(rest, residuals: residuals).residuals }
        let left = residuals.rows.map(\.magnitude).max() ?? 0
        #expect(left * 16 < kept.rows.map(\.magnitude).max() ?? 0, "\(left)")
    }

    @Test func `ties round to even`() throws {
        // One weight fixes the shift at 2; the others end on halves of 4 units.
        let units: [Float] = [508, 2, 6, 10, -2, -6, -10, 3, -3, 1]
        var site = PretendSite()
        site.tokens = [Fixture.token(0)]
        site.shares = [RowShare(index: 0, owners: 1)]
        site.members = 1
        var round = site.round(step: 0)
        round.base = .zeros(shape: site.shape, vocabulary: 1)
        round.trained = round.base
        for (index, unit) in units.enumerated() { round.trained.tokens[index] = unit * 0x1p-32 }
        let (delta, kept) = try RoundBuilder(spec: spec).build(round, residuals: Residuals(shape: site.shape))
        #expect(delta.rows.shifts == [2])
        #expect(delta.rows.values == .int8([127, 0, 2, 2, 0, -2, -2, 1, -1, 0] + Array(repeating: 0, count: 10)))
        #expect(kept.rows.prefix(10) == [0, 2, -2, 2, -2, 2, -2, -1, 1, 1])
    }

    @Test func `rows are divided by their owners and dense weights by the members`() throws {
        var site = PretendSite()
        var round = site.round(step: 0)
        round.base = .zeros(shape: site.shape, vocabulary: 12)
        round.trained = round.base
        for index in round.trained.tokens.indices { round.trained.tokens[index] = 0x1p-10 }
        for index in round.trained.dense.indices { round.trained.dense[index] = 0x1p-10 }
        round.damping = 0.5
        let (delta, _) = try RoundBuilder(spec: spec, precision: .int16)
            .build(round, residuals: Residuals(shape: site.shape))
        let sent = try site.sent(delta)
        let whole: Int64 = 1 << 22
        #expect(sent.dense.allSatisfy { $0 == whole / 2 / 4 })
        for (row, share) in site.shares.enumerated() {
            let expected = whole / 2 / Int64(share.owners)
            #expect((sent.rows[row * 20] - expected).magnitude <= 32, "half a step of int16")
        }
    }

    @Test func `only the rows of largest norm are sent, the others stay whole`() throws {
        var site = PretendSite()
        let round = site.round(step: 0.01)
        let (delta, kept) = try RoundBuilder(spec: spec, topRows: 5)
            .build(round, residuals: Residuals(shape: site.shape))
        let scaled = site.scaled(round).rows
        let norms = (0..<12).map { row in
            scaled[row * 20..<row * 20 + 20].map { Double($0) * Double($0) }.reduce(0, +)
        }
        let largest = (0..<12).sorted { norms[$0] > norms[$1] }.prefix(5)
        #expect(delta.rows.indices == largest.map { site.shares[$0].index }.sorted())
        for row in 0..<12 where !largest.contains(row) {
            #expect(kept.rows[row * 20..<row * 20 + 20] == scaled[row * 20..<row * 20 + 20])
        }
        // The rest can be sent without training any further.
        var rest = round
        rest.trained = round.base
        let (second, left) = try RoundBuilder(spec: spec).build(rest, residuals: kept)
        let all = sum(try site.sent(delta).rows, try site.sent(second).rows)
        #expect(sum(all, left.rows) == scaled)
    }

    @Test func `a round whose rows do not fit one delta is sent in several, each row once`() throws {
        let caps = try ModelSpec.Caps(maxRowNorm: 1 << 36, maxOpNorm: 1 << 42, maxRows: 5)
        let builder = RoundBuilder(spec: Fixture.spec(caps: caps))
        var site = PretendSite()
        let round = site.round(step: 0.02)
        let (deltas, kept) = try builder.buildAll(round, residuals: Residuals(shape: site.shape))
        #expect(deltas.map(\.rows.indices.count) == [5, 5, 2])
        #expect(Set(deltas.flatMap(\.rows.indices)).count == 12)
        #expect(deltas.map(\.dense.indices.isEmpty) == [false, true, true], "dense rows go with the first")
        #expect(deltas.map(\.steps) == [2, 0, 0] && deltas.allSatisfy { $0.round == 1 })
        var sent = (dense: [Int64](repeating: 0, count: site.shape.denseCount), rows: [Int64](repeating: 0, count: 240))
        for delta in deltas {
            let now = try site.sent(delta)
            sent = (sum(sent.dense, now.dense), sum(sent.rows, now.rows))
        }
        let scaled = site.scaled(round)
        #expect(sum(sent.dense, kept.dense) == scaled.dense)
        #expect(sum(sent.rows, kept.rows) == scaled.rows)
        // What quantising cut off is little: a row that was left out would be whole.
        #expect(kept.rows.map(\.magnitude).max()! < scaled.rows.map(\.magnitude).max()! / 100)

        let limited = RoundBuilder(spec: Fixture.spec(caps: caps), topRows: 3)
        #expect(
            try limited.buildAll(round, residuals: Residuals(shape: site.shape)).deltas.map(\.rows.indices.count) == [3]
        )
    }

    @Test func `a vocabulary of any size leaves nothing out in sixteen deltas, and no more in one round`() throws {
        let caps = try ModelSpec.Caps(maxRowNorm: 1 << 36, maxOpNorm: 1 << 42, maxRows: 1)
        let builder = RoundBuilder(spec: Fixture.spec(caps: caps))
        var site = PretendSite()
        site.tokens = (0..<20).map(Fixture.token)
        site.shares = (0..<20).map { RowShare(index: UInt32($0), owners: 1) }
        var residuals = Residuals(shape: site.shape)
        let round = site.round(step: 0.02)
        let first = try builder.buildAll(round, residuals: residuals)
        #expect(first.deltas.count == RoundBuilder.maxDeltas)
        residuals = first.residuals
        var still = round
        still.trained = still.base
        let second = try builder.buildAll(still, residuals: residuals)
        let rows = (first.deltas + second.deltas).flatMap(\.rows.indices)
        #expect(Set(rows).count == 20, "the next round brings the others")
    }

    @Test(arguments: [(0, 1), (1, 1), (10, 1), (20, 0.5), (100, 0.1)] as [(UInt64, Double)])
    func `a base is as good as new for ten rounds of the fastest other site`(age: UInt64, damping: Double) {
        #expect(TrainingRound.damping(age: age) == damping)
    }

    @Test func `a round that changed nothing gives an empty delta`() throws {
        var site = PretendSite()
        let (delta, kept) = try RoundBuilder(spec: spec)
            .build(site.round(step: 0), residuals: Residuals(shape: site.shape))
        #expect(delta.isEmpty)
        #expect(kept.rows.allSatisfy { $0 == 0 })
        #expect(try Delta(body: delta.body) == delta)
    }

    @Test func `every delta passes the caps of its model, and residuals stay bounded`() throws {
        var random = Random(seed: 21)
        for _ in 0..<40 {
            let rowCap = UInt64(1) << UInt64(random.below(38))
            let opCap = rowCap << UInt64(random.below(4)) + UInt64(random.below(3))
            let caps = try ModelSpec.Caps(maxRowNorm: rowCap, maxOpNorm: max(1, opCap), maxRows: 1 + random.below(12))
            let spec = Fixture.spec(caps: caps)
            let builder = RoundBuilder(spec: spec, precision: random.chance(0.5) ? .int8 : .int16)
            var site = PretendSite()
            site.random = random.split()
            var residuals = Residuals(shape: site.shape)
            for step: Float in [0.5, 1e-4, 30, 1e30] {
                let (delta, kept) = try builder.build(site.round(step: step), residuals: residuals)
                _ = try spec.judge(delta, announcedRows: 12)
                residuals = kept
                #expect(kept.rows.allSatisfy { $0.magnitude <= rowCap })
                #expect(kept.dense.allSatisfy { $0.magnitude <= rowCap })
            }
        }
    }

    @Test func `a value that is no number is named`() throws {
        var site = PretendSite()
        for bad in [Float.nan, .infinity, -.infinity] {
            var round = site.round(step: 0.1)
            round.trained.tokens[25] = bad
            #expect(throws: FederationError.notFinite(name: "token_emb", index: 25)) {
                try RoundBuilder(spec: spec).build(round, residuals: Residuals(shape: site.shape))
            }
            round = site.round(step: 0.1)
            round.base.dense[0] = bad
            #expect(throws: FederationError.notFinite(name: "pos_emb", index: 0)) {
                try RoundBuilder(spec: spec).build(round, residuals: Residuals(shape: site.shape))
            }
        }
    }

    @Test func `rounds that do not fit are refused`() {
        var site = PretendSite()
        let good = site.round(step: 0.1)
        func refused(_ change: (inout TrainingRound) -> Void) -> Bool {
            var round = good
            change(&round)
            return (try? RoundBuilder(spec: spec).build(round, residuals: Residuals(shape: site.shape))) == nil
        }
        #expect(!refused { _ in })
        #expect(refused { $0.members = 0 })
        #expect(refused { $0.damping = 1.01 })
        #expect(refused { $0.damping = -0.01 })
        #expect(refused { $0.damping = .nan })
        #expect(refused { $0.shares[3] = RowShare(index: 3, owners: 0) })
        #expect(refused { $0.shares.removeLast() })
        #expect(refused { $0.tokens.removeLast() })
        #expect(refused { $0.base.tokens.removeLast() })
        #expect(refused { $0.trained.dense.append(0) })
        #expect(refused { $0.round = Delta.maxCounter + 1 })
    }
}
