import Federation
import Learning
import Testing
import Wire

@Suite struct InitializerTests {
    let initializer = Initializer(model: Fixture.model, spec: Fixture.spec())

    private func tensor(_ name: String) -> [Int64] {
        initializer.tensor(Fixture.shape.tensors.firstIndex { $0.name == name }!)
    }

    // Other nodes must start from the same bits: a change here is a change of the fold. The numbers
    // were computed a second time by an independent program.
    @Test func `starting values are frozen`() {
        #expect(
            initializer.row(Fixture.token(1)).prefix(4) == [311_552_112, 52_458_209, 201_253, 297_100_796])
        #expect(tensor("pos_emb").prefix(3) == [-11_322_064, -59_339_459, 40_870_425])
        #expect(tensor("layer0.q_proj").prefix(3) == [-114_223_810, 319_896_331, 109_354_559])
        #expect(tensor("layer0.ff_up").suffix(2) == [86_744_706, -65_963_525])
    }

    @Test func `a row depends on model and token alone`() {
        let row = initializer.row(Fixture.token(1))
        #expect(row == Initializer(model: Fixture.model, spec: Fixture.spec()).row(Fixture.token(1)))
        #expect(row != initializer.row(Fixture.token(2)))
        #expect(row != Initializer(model: Fixture.otherModel, spec: Fixture.spec()).row(Fixture.token(1)))
    }

    @Test func `norms start at one and output projections at zero`() {
        for name in ["layer0.norm1", "layer0.norm2", "final_norm"] {
            #expect(tensor(name).allSatisfy { $0 == 1 << 32 })
        }
        for name in ["layer0.o_proj", "layer0.ff_down"] { #expect(tensor(name).allSatisfy { $0 == 0 }) }
    }

    @Test func `tensors of equal shape start differently`() {
        #expect(tensor("layer0.q_proj") != tensor("layer0.k_proj"))
    }

    @Test func `rows fill their range evenly`() {
        let half = ModelShape.embeddingHalfWidth
        let values = (0..<500).flatMap { initializer.row(Fixture.token($0)) }
        #expect(values.allSatisfy { (-half..<half).contains($0) })
        #expect(values.max()! > half - half / 500)
        #expect(values.min()! < -half + half / 500)
        let mean = values.map(Double.init).reduce(0, +) / Double(values.count)
        let variance = values.map { (Double($0) - mean) * (Double($0) - mean) }.reduce(0, +) / Double(values.count)
        #expect(abs(mean) < 0.02 * Double(half))
        #expect(abs(variance / (Double(half) * Double(half) / 3) - 1) < 0.05)
    }

    @Test(arguments: [1, 128, 512, 4096])
    func `the scale of the spec stretches the range`(scale: Int) {
        let scaled = Initializer(model: Fixture.model, spec: Fixture.spec(initialScale: scale))
        let half = ModelShape.embeddingHalfWidth * Int64(scale) / 256
        let row = (0..<50).flatMap { scaled.row(Fixture.token($0)) }
        #expect(row.allSatisfy { (-half..<half).contains($0) })
        #expect(row.max()! > half - half / 50)
        // The same draws, stretched: scaling commutes with the floor up to one unit.
        for (a, b) in zip(initializer.row(Fixture.token(3)), scaled.row(Fixture.token(3))) {
            #expect(abs(Double(a) * Double(scale) / 256 - Double(b)) <= Double(scale) / 256 + 1)
        }
    }
}
