import Federation
import Identity
import Learning
import Testing
import Wire

@Suite struct ModelTableTests {
    enum Op {
        case announce(RowAnnouncement)
        case train(Delta)
    }
    struct Log {
        let author: PeerID
        let log: LogID
        var ops: [Op]
    }

    /// Three authors, one of them with two logs, two models; each log announces and trains by turns.
    private func history(_ random: inout Random) throws -> [Log] {
        try [(1, 1), (1, 2), (2, 1), (3, 9)].map { author, log in
            var ops: [Op] = []
            for model in [Fixture.model, Fixture.otherModel] {
                var announced = 0
                for _ in 0..<3 {
                    let fresh = 5 + random.below(30)
                    // Different sites share some rows and not others.
                    let tokens = Fixture.tokens(announced + 10 * author..<announced + 10 * author + fresh)
                    ops.append(.announce(try RowAnnouncement(model: model, tokens: tokens)))
                    announced += fresh
                    for _ in 0..<random.below(4) {
                        ops.append(.train(Fixture.delta(&random, announced: announced, model: model)))
                    }
                }
            }
            return Log(author: Fixture.author(UInt8(author)), log: LogID(rawValue: UInt64(log)), ops: ops)
        }
    }

    private func table() -> ModelTable {
        var table = ModelTable()
        table.apply(create: Fixture.spec(), id: Fixture.model)
        table.apply(create: Fixture.spec(initialScale: 100), id: Fixture.otherModel)
        return table
    }

    private func apply(_ op: Op, of log: Log, to table: inout ModelTable) throws {
        switch op {
        case .announce(let announcement): try table.apply(announcement, author: log.author, log: log.log)
        case .train(let delta): try table.apply(delta, author: log.author, log: log.log)
        }
    }

    private func retract(_ op: Op, of log: Log, from table: inout ModelTable) throws {
        switch op {
        case .announce(let announcement): try table.retract(announcement, author: log.author, log: log.log)
        case .train(let delta): try table.retract(delta, author: log.author, log: log.log)
        }
    }

    /// Applies all logs, interleaved at random.
    private func fold(_ history: [Log], _ random: inout Random) throws -> ModelTable {
        var table = table()
        var next = history.map { _ in 0 }
        while true {
            let open = history.indices.filter { next[$0] < history[$0].ops.count }
            guard !open.isEmpty else { return table }
            let log = open[random.below(open.count)]
            try apply(history[log].ops[next[log]], of: history[log], to: &table)
            next[log] += 1
        }
    }

    @Test(arguments: 1...8 as ClosedRange<UInt64>) func `every interleaving of the logs gives one state`(seed: UInt64)
        throws
    {
        var random = Random(seed: seed)
        let history = try history(&random)
        var first = try fold(history, &random)
        for _ in 0..<4 {
            var other = try fold(history, &random)
            #expect(other.digest() == first.digest())
            for id in first.ids {
                #expect(other[id]?.accumulators == first[id]?.accumulators)
                #expect(other[id]?.owners == first[id]?.owners)
            }
        }
    }

    @Test(arguments: 1...8 as ClosedRange<UInt64>)
    func `cutting logs back gives the state of a fold without the cut ops`(seed: UInt64) throws {
        var random = Random(seed: 100 + seed)
        var history = try history(&random)
        var table = try fold(history, &random)
        for index in history.indices {
            for _ in 0..<random.below(history[index].ops.count + 1) {
                try retract(history[index].ops.removeLast(), of: history[index], from: &table)
            }
        }
        var expected = try fold(history, &random)
        #expect(table.digest() == expected.digest())
    }

    @Test func `a delta out of the middle of a log can be subtracted`() throws {
        var random = Random(seed: 40)
        var history = try history(&random)
        var table = try fold(history, &random)
        let middle = history[0].ops.firstIndex { if case .train = $0 { true } else { false } }!
        try retract(history[0].ops.remove(at: middle), of: history[0], from: &table)
        var expected = try fold(history, &random)
        #expect(table.digest() == expected.digest())
    }

    @Test func `ops of an unknown model must wait`() throws {
        var table = ModelTable()
        let empty = table.digest()
        var random = Random(seed: 41)
        let waiting = FederationError.unknownModel(Fixture.model)
        #expect(throws: waiting) {
            try table.apply(Fixture.delta(&random, announced: 1), author: Fixture.author(1), log: LogID(rawValue: 1))
        }
        #expect(throws: waiting) {
            try table.apply(
                RowAnnouncement(model: Fixture.model, tokens: Fixture.tokens(0..<2)), author: Fixture.author(1),
                log: LogID(rawValue: 1))
        }
        #expect(throws: waiting) { try table.apply(delete: Fixture.model) }
        #expect(table.digest() == empty)
    }

    @Test func `a void op changes nothing`() throws {
        var random = Random(seed: 42)
        let history = try history(&random)
        var table = try fold(history, &random)
        let digest = table.digest()
        var delta = Fixture.delta(&random, announced: 10)
        delta.rows = RowBlock(
            indices: [0, 1, 4000], shifts: [3, 3, 3], values: .int8(Array(repeating: 1, count: 3 * Fixture.shape.dim)))
        let log = history[0]
        #expect(throws: FederationError.self) { try table.apply(delta, author: log.author, log: log.log) }
        #expect(throws: FederationError.self) { try table.judge(delta, author: log.author, log: log.log) }
        let again = try RowAnnouncement(
            model: Fixture.model, tokens: (Fixture.tokens(900..<910) + Fixture.tokens(10..<11)).sorted())
        #expect(throws: FederationError.self) { try table.apply(again, author: log.author, log: log.log) }
        #expect(table.digest() == digest)
    }

    @Test func `row numbers belong to their log`() throws {
        var table = table()
        let (a, b) = (Fixture.tokens(0..<1), Fixture.tokens(1..<2))
        try table.apply(
            RowAnnouncement(model: Fixture.model, tokens: a), author: Fixture.author(1), log: LogID(rawValue: 1))
        try table.apply(
            RowAnnouncement(model: Fixture.model, tokens: b), author: Fixture.author(1), log: LogID(rawValue: 2))
        let row = RowBlock(indices: [0], shifts: [0], values: .int8(Array(repeating: 5, count: Fixture.shape.dim)))
        let delta = Delta(model: Fixture.model, round: 0, steps: 0, tokensSeen: 0, dense: .empty, rows: row)
        try table.apply(delta, author: Fixture.author(1), log: LogID(rawValue: 2))
        #expect(table[Fixture.model]?.accumulators.nonzeroTokens == b)
        #expect(throws: FederationError.unknownRow(part: .tokens, index: 0, rows: 0)) {
            try table.apply(delta, author: Fixture.author(2), log: LogID(rawValue: 1))
        }
    }

    @Test func `a deleted model is out of sight and comes back whole`() throws {
        var random = Random(seed: 43)
        let history = try history(&random)
        var table = try fold(history, &random)
        let digest = table.digest()
        try table.apply(delete: Fixture.model)
        try table.apply(delete: Fixture.model)
        #expect(table[Fixture.model] == nil)
        #expect(table.ids == [Fixture.otherModel])
        let deleted = table.digest()
        #expect(deleted != digest)
        let late = Fixture.delta(&random, announced: 10)
        try table.apply(late, author: history[0].author, log: history[0].log)
        #expect(table.digest() == deleted, "what is concurrent to a deletion does not show")
        try table.retract(late, author: history[0].author, log: history[0].log)
        try table.retract(delete: Fixture.model)
        #expect(table.digest() == deleted)
        try table.retract(delete: Fixture.model)
        #expect(table.digest() == digest)
    }

    @Test func `a model taken back leaves no trace`() {
        var table = ModelTable()
        let empty = table.digest()
        table.apply(create: Fixture.spec(), id: Fixture.model)
        #expect(table.digest() != empty)
        #expect(table.ids == [Fixture.model])
        table.retract(create: Fixture.model)
        #expect(table.digest() == empty)
    }
}
