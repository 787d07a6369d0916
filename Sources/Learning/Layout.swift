/// Where each tensor lies in the flat dense array, as plain offsets for the passes.
struct Layout: Sendable {
    struct Layer: Sendable {
        let q, k, v, o, up, down, norm1, norm2: Int
    }

    let positions: Int
    let layers: [Layer]
    let finalNorm: Int

    init(_ shape: ModelShape) {
        let (d, square) = (shape.dim, shape.dim * shape.dim)
        positions = 0
        var at = shape.context * d
        layers = (0..<shape.layers).map { _ in
            let layer = Layer(
                q: at, k: at + square, v: at + 2 * square, o: at + 3 * square, up: at + 4 * square,
                down: at + 8 * square, norm1: at + 12 * square, norm2: at + 12 * square + d)
            at += 12 * square + 2 * d
            return layer
        }
        finalNorm = at
    }
}
