import Identity
import Learning
import Testing
import Wire

@testable import Federation

@Suite struct PrivacyRoundTests {
    let spec = Fixture.spec()

    private func generator(_ seed: UInt8 = 1) -> SecureRandom { SecureRandom(seed: Bytes(repeating: seed, count: 32)) }

    /// The scaled change of a round, dense and rows, in weights.
    private func change(_ round: TrainingRound) -> (dense: [Double], rows: [Double]) {
        let dim = spec.shape.dim
        let dense = round.base.dense.indices.map {
            (Double(round.trained.dense[$0]) - Double(round.base.dense[$0])) * round.damping / Double(round.members)
        }
        let rows = round.base.tokens.indices.map {
            (Double(round.trained.tokens[$0]) - Double(round.base.tokens[$0])) * round.damping
                / Double(round.shares[$0 / dim].owners)
        }
        return (dense, rows)
    }

    private func norm(_ values: some Sequence<Double>) -> Double {
        values.reduce(0) { $0 + $1 * $1 }.squareRoot()
    }

    @Test(arguments: [0.01, 1, 5])
    func `the whole change has at most the norm asked for, and keeps its direction`(clip: Double) throws {
        var site = PretendSite()
        let round = site.round(step: 1)
        var random = generator()
        let clipped = try round.protected(by: PrivacyPolicy(["clip=\(clip)"]), spec: spec, using: &random)
        let (before, after) = (change(round), change(clipped))
        let factor = clip / norm(before.dense + before.rows)
        #expect(factor < 1)
        #expect(abs(norm(after.dense + after.rows) / clip - 1) < 1e-4)
        for (old, new) in zip(before.dense + before.rows, after.dense + after.rows) {
            #expect(abs(new - old * factor) < 1e-6)
        }
    }

    @Test func `each row has at most the norm asked for, small ones stay as they are`() throws {
        var site = PretendSite()
        var round = site.round(step: 0.5)
        for index in 0..<20 { round.trained.tokens[index] = round.base.tokens[index] + 0x1p-20 }
        var random = generator()
        let clipped = try round.protected(by: PrivacyPolicy(["row-clip=0.1"]), spec: spec, using: &random)
        let (before, after) = (change(round), change(clipped))
        #expect(norm(before.rows[20..<40]) > 0.2)
        for row in 0..<12 { #expect(norm(after.rows[row * 20..<row * 20 + 20]) < 0.1001) }
        for tensor in spec.layout.tensors {
            for row in 0..<tensor.spec.rows {
                let start = tensor.spec.offset + row * tensor.spec.columns
                #expect(norm(after.dense[start..<start + tensor.spec.columns]) < 0.1001, "\(tensor.spec.name)")
            }
        }
        for (old, new) in zip(before.rows[..<20], after.rows[..<20]) { #expect(abs(old - new) < 1e-7) }
    }

    @Test func `noise of the deviation asked for lies on every weight, changed or not`() throws {
        var site = PretendSite()
        var round = site.round(step: 0)
        round.trained = round.base
        var random = generator()
        let policy = try PrivacyPolicy(["clip=0.5", "noise=0.2"])
        let noised = try round.protected(by: policy, spec: spec, using: &random)
        let after = change(noised)
        let values = after.dense + after.rows
        let deviation = norm(values) / Double(values.count).squareRoot()
        // 5,600 values: the estimate is within 1 %, one standard deviation.
        #expect(abs(deviation / 0.1 - 1) < 0.04)
        #expect(abs(values.reduce(0, +) / Double(values.count)) < 0.006)
        #expect(!values.contains(0), "a weight that did not change is not to be told from one that did")
        #expect(values.count { abs($0) < 0.1 } * 100 / values.count == 68, "normally distributed")
        var same = generator()
        #expect(try round.protected(by: policy, spec: spec, using: &same).trained == noised.trained)
        var other = generator(2)
        #expect(try round.protected(by: policy, spec: spec, using: &other).trained != noised.trained)
    }

    @Test func `noise that is clipped again is added to what the clip left`() throws {
        var site = PretendSite()
        let round = site.round(step: 2)
        let policy = try PrivacyPolicy(["clip=1", "noise=0.001"])
        var (random, same) = (generator(), generator())
        var still = round
        still.trained = still.base
        let noise = change(try still.protected(by: policy, spec: spec, using: &random))
        let noised = change(try round.protected(by: policy, spec: spec, using: &same))
        let rest = zip(noised.dense + noised.rows, noise.dense + noise.rows).map { $0 - $1 }
        #expect(abs(norm(rest) - 1) < 1e-3)
    }

    @Test func `a noised round is sent as it is, and what was cut off follows noised values alone`() throws {
        var site = PretendSite()
        site.members = 1
        let round = site.round(step: 0.01)
        var random = generator()
        let noised = try round.protected(by: PrivacyPolicy(["clip=1", "noise=0.1"]), spec: spec, using: &random)
        let (delta, kept) = try RoundBuilder(spec: spec).build(noised, residuals: Residuals(shape: site.shape))
        #expect(delta.rows.indices.count == 12)
        #expect(delta.dense.indices.count == spec.layout.rowCount, "every dense row, changed or not")
        let (sent, whole) = (try site.sent(delta), site.scaled(noised))
        #expect(zip(sent.rows, kept.rows).map { $0 + $1 } == whole.rows)
        #expect(zip(sent.dense, kept.dense).map { $0 + $1 } == whole.dense)
    }

    @Test func `rows that were not announced are left out, the others unchanged`() throws {
        var site = PretendSite()
        let round = site.round(step: 0.1)
        let kept = [1, 4, 11].map { site.tokens[$0] }
        let shares = [1, 4, 11].map { site.shares[$0] }
        let restricted = round.restricted(to: kept, shares: shares, dim: 20)
        #expect(restricted.tokens == kept && restricted.base.dense == round.base.dense)
        for (at, row) in [1, 4, 11].enumerated() {
            #expect(restricted.trained.tokens[at * 20..<at * 20 + 20] == round.trained.tokens[row * 20..<row * 20 + 20])
            #expect(restricted.base.tokens[at * 20..<at * 20 + 20] == round.base.tokens[row * 20..<row * 20 + 20])
        }
        let (delta, _) = try RoundBuilder(spec: spec).build(restricted, residuals: Residuals(shape: site.shape))
        #expect(delta.rows.indices == shares.map(\.index).sorted())
        #expect(round.restricted(to: site.tokens, shares: site.shares, dim: 20).trained == round.trained)
        #expect(round.restricted(to: [], shares: [], dim: 20).trained.tokens.isEmpty)
    }

    @Test func `too few rows wait, and come with the next op`() throws {
        var site = PretendSite()
        let full = site.round(step: 0.1)
        var few = full
        for index in 40..<240 { few.trained.tokens[index] = few.base.tokens[index] }
        let builder = RoundBuilder(spec: spec, minRows: 3)
        let (nothing, waiting) = try builder.build(few, residuals: Residuals(shape: site.shape))
        #expect(nothing.isEmpty && nothing.round == few.round)
        let scaled = site.scaled(few)
        #expect(waiting.rows == scaled.rows && waiting.dense == scaled.dense)
        let (delta, kept) = try builder.build(full, residuals: waiting)
        #expect(delta.rows.indices.count == 12)
        let (sent, later) = (try site.sent(delta), site.scaled(full))
        for index in scaled.rows.indices {
            #expect(sent.rows[index] + kept.rows[index] == scaled.rows[index] + later.rows[index])
        }
    }

    @Test func `a value that is no number is named before anything is clipped`() throws {
        var site = PretendSite()
        var round = site.round(step: 0.1)
        round.trained.tokens[7] = .nan
        var random = generator()
        #expect(throws: FederationError.notFinite(name: "token_emb", index: 7)) {
            try round.protected(by: PrivacyPolicy(["clip=1", "noise=1"]), spec: spec, using: &random)
        }
    }
}
