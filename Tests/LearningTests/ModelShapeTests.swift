import Learning
import Testing

@Suite struct ModelShapeTests {
    @Test(arguments: [
        (8, 4, 1, 16, "dim", "16 to 128"), (129, 1, 1, 16, "dim", "16 to 128"), (Int.min, 4, 1, 16, "dim", "16 to 128"),
        (32, 0, 1, 16, "heads", "1 to 8"), (32, 9, 1, 16, "heads", "1 to 8"),
        (32, 5, 1, 16, "heads", "a divisor of dim 32"),
        (32, 4, 0, 16, "layers", "1 to 2"), (32, 4, 3, 16, "layers", "1 to 2"),
        (32, 4, 1, 7, "context", "8 to 64"), (32, 4, 1, Int.max, "context", "8 to 64"),
    ])
    func `a shape outside its ranges is refused with the range`(
        dim: Int, heads: Int, layers: Int, context: Int, name: String, allowed: String
    ) {
        #expect {
            try ModelShape(dim: dim, heads: heads, layers: layers, context: context)
        } throws: { error in
            guard case .outOfRange(name, _, allowed) = error as? LearningError else { return false }
            return "\(error)".contains("\(name) is") && "\(error)".contains("choose \(allowed)")
        }
    }

    @Test func `wide shapes are bounded as well`() throws {
        #expect(try ModelShape.beyondDefaults(dim: 512, heads: 16, layers: 8, context: 256).headDim == 32)
        #expect(throws: LearningError.self) {
            try ModelShape.beyondDefaults(dim: 2048, heads: 16, layers: 8, context: 256)
        }
    }

    @Test func `the flat order and the counts are those of the seed design`() throws {
        let shape = try ModelShape(dim: 32, heads: 4, layers: 2, context: 16)
        let layer = ["q_proj", "k_proj", "v_proj", "o_proj", "ff_up", "ff_down", "norm1", "norm2"]
        #expect(
            shape.tensors.map(\.name)
                == ["pos_emb"] + layer.map { "layer0.\($0)" } + layer.map { "layer1.\($0)" } + ["final_norm"])
        var next = 0
        for tensor in shape.tensors {
            #expect(tensor.offset == next)
            next += tensor.count
        }
        #expect(next == shape.denseCount)
        let one = try ModelShape(dim: 32, heads: 4, layers: 1, context: 16)
        #expect(one.parameterCount(vocabulary: 1000) == 44_896)
    }

    @Test func `a model starts with gains of one and silent branches`() throws {
        let shape = ModelShape.small
        let start = Parameters.initial(shape: shape, vocabulary: 5, seed: 1)
        for tensor in shape.tensors {
            let values = start.dense[tensor.range]
            switch tensor.initial {
            case .zero: #expect(values.allSatisfy { $0 == 0 })
            case .one: #expect(values.allSatisfy { $0 == 1 })
            case .uniform(let halfWidth):
                let bound = Float(halfWidth) * 0x1p-32
                #expect(values.allSatisfy { abs($0) <= bound } && values.contains { abs($0) > bound / 2 })
            }
        }
        #expect(start == Parameters.initial(shape: shape, vocabulary: 5, seed: 1))
        #expect(start != Parameters.initial(shape: shape, vocabulary: 5, seed: 2))
    }
}
