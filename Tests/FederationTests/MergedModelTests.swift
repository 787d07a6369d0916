import Federation
import Learning
import Testing
import Wire

@Suite struct MergedModelTests {
    let shape = Fixture.shape
    let names = Fixture.tokens(0..<100)
    let author = Fixture.author(1)
    let log = LogID(rawValue: 1)

    private func model(announcing: Bool = true) throws -> MergedModel {
        var model = MergedModel(id: Fixture.model, spec: Fixture.spec())
        if announcing {
            try model.apply(RowAnnouncement(model: model.id, tokens: names), author: author, log: log)
        }
        return model
    }

    private func deltas(_ count: Int) -> [Delta] {
        var random = Random(seed: 30)
        return (0..<count).map { _ in Fixture.delta(&random, announced: names.count) }
    }

    @Test func `a weight is the rounded sum of start and deltas`() throws {
        var model = try model()
        var naive = NaiveSums()
        for delta in deltas(6) {
            naive.add(delta, rowNames: names, shape: shape)
            try model.apply(delta, author: author, log: log)
        }
        let start = Initializer(model: model.id, spec: model.spec)
        let tokens = [names[40], Fixture.token(999), names[3]]
        let weights = model.parameters(tokens: tokens)
        let zeros = [Int64](repeating: 0, count: shape.dim)
        let rows: [Int64] = tokens.flatMap { zip(start.row($0), naive.rows[$0] ?? zeros).map { $0 + $1 } }
        #expect(weights.tokens == rows.map { Float($0) / 4_294_967_296 })
        let dense: [Int64] = shape.tensors.indices.flatMap { start.tensor($0) }
        let sums: [Int64] = dense.indices.map { dense[$0] + (naive.dense[$0] ?? 0) }
        #expect(weights.dense == sums.map { Float($0) / 4_294_967_296 })
    }

    @Test func `weights are equal whatever the order of rows and deltas`() throws {
        var (a, b) = (try model(), try model(announcing: false))
        // B sees rows first through a site's own vocabulary, in another order.
        let early = b.parameters(tokens: names.reversed())
        try b.apply(RowAnnouncement(model: b.id, tokens: names), author: author, log: log)
        #expect(b.parameters(tokens: names.reversed()) == early, "an announcement changes no weight")
        let deltas = deltas(5)
        for delta in deltas { try a.apply(delta, author: author, log: log) }
        for delta in deltas.reversed() { try b.apply(delta, author: author, log: log) }
        #expect(a.parameters(tokens: names) == b.parameters(tokens: names))
        #expect(a.digest() == b.digest())
    }

    @Test func `a snapshot keeps its weights`() throws {
        var model = try model()
        let deltas = deltas(2)
        try model.apply(deltas[0], author: author, log: log)
        var snapshot = model
        let weights = model.parameters(tokens: names)
        try model.apply(deltas[1], author: author, log: log)
        #expect(snapshot.parameters(tokens: names) == weights)
        #expect(model.parameters(tokens: names) != weights)
        try model.retract(deltas[1], author: author, log: log)
        #expect(model.parameters(tokens: names) == weights)
    }

    @Test func `looking at weights changes no digest and nothing to be stored`() throws {
        var model = try model()
        let digest = model.digest()
        _ = model.parameters(tokens: [Fixture.token(500)] + names)
        #expect(model.digest() == digest)
        #expect(model.takeDirty().isEmpty)
    }

    @Test func `stored sums and announcements bring the model back`() throws {
        var model = try model()
        for delta in deltas(3) { try model.apply(delta, author: author, log: log) }
        var restored = try self.model()
        let dirty = model.takeDirty()
        for token in dirty.tokens { try restored.load(row: token, model.accumulators.rowBytes(token)!) }
        for index in dirty.tensors { try restored.load(tensor: index, model.accumulators.tensorBytes(index)!) }
        #expect(restored.digest() == model.digest())
        #expect(restored.parameters(tokens: names) == model.parameters(tokens: names))
    }

    @Test func `ops of another model are refused`() throws {
        var model = MergedModel(id: Fixture.otherModel, spec: Fixture.spec())
        #expect(throws: FederationError.wrongModel(Fixture.model)) {
            try model.apply(RowAnnouncement(model: Fixture.model, tokens: names), author: author, log: log)
        }
        #expect(throws: FederationError.wrongModel(Fixture.model)) {
            try model.apply(deltas(1)[0], author: author, log: log)
        }
    }
}
