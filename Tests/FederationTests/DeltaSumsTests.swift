import Federation
import Identity
import Learning
import Testing
import Wire

@testable import Federation

/// Sums that travel in place of deltas have one form, and are what the deltas come to.
@Suite struct DeltaSumsTests {
    private let names = Fixture.tokens(0..<150)
    private var ground: [ModelID: DeltaGround] {
        [Fixture.model: DeltaGround(spec: Fixture.spec(), rows: names)]
    }

    private func bodies(_ count: Int, seed: UInt64) -> [Bytes] {
        var random = Random(seed: seed)
        return (0..<count).map { _ in Fixture.delta(&random, announced: names.count).body }
    }

    private func sums(of bodies: [Bytes]) throws -> Bytes {
        var sums = DeltaSums(grounds: ground)
        for body in bodies { try sums.add(body: body) }
        return sums.encode()
    }

    private func decode(_ bytes: Bytes) throws(FederationError) -> [ModelID: Accumulators] {
        try DeltaSums.decode(bytes) { $0 == Fixture.model ? Fixture.spec() : nil }
    }

    @Test func `the bytes do not depend on the order of the deltas, and read back as their sums`() throws {
        let bodies = bodies(20, seed: 1)
        let bytes = try sums(of: bodies)
        #expect(try sums(of: bodies.reversed()) == bytes)
        var plain = Accumulators(shape: Fixture.shape)
        for body in bodies {
            plain.apply(try Fixture.spec().judge(try Delta(body: body), announcedRows: names.count), rowNames: names)
        }
        #expect(try decode(bytes)[Fixture.model] == plain)
    }

    @Test func `a model with the sums added is the model with the deltas, and without them as if there were none`()
        throws
    {
        let bodies = bodies(8, seed: 2)
        let (author, log) = (PeerID(Bytes(repeating: 3, count: 32))!, LogID(rawValue: 4))
        func table() throws -> ModelTable {
            var table = ModelTable()
            table.apply(create: Fixture.spec(), id: Fixture.model)
            try table.apply(try RowAnnouncement(model: Fixture.model, tokens: names.sorted()), author: author, log: log)
            return table
        }
        var (one, other) = (try table(), try table())
        let empty = one.digest()
        var sums = DeltaSums(grounds: other.grounds(of: .init(author: author, log: log)))
        for body in bodies {
            try one.apply(try Delta(body: body), author: author, log: log)
            try sums.add(body: body)
        }
        let decoded = try decode(sums.encode())
        try other.merge(decoded, negated: false)
        #expect(other.digest() == one.digest() && other.digest() != empty)
        try other.merge(decoded, negated: true)
        #expect(other.digest() == empty)
    }

    @Test func `deltas that cancel out come to no bytes`() throws {
        let row = { (value: Int8) in
            RowBlock(indices: [0], shifts: [3], values: .int8(Array(repeating: value, count: Fixture.shape.dim)))
        }
        let pair = [Int8(5), -5].map {
            Delta(model: Fixture.model, round: 0, steps: 0, tokensSeen: 0, dense: .empty, rows: row($0)).body
        }
        #expect(try sums(of: pair) == [])
    }

    @Test(arguments: [Int64.min, .max, -1, 0, 1, 1 << 40, -(1 << 40)])
    func `numbers read back as they were`(_ value: Int64) {
        var bytes = Bytes()
        LEB128.append(LEB128.zigzag(value), to: &bytes)
        var at = 0
        #expect(LEB128.read(bytes, &at).map(LEB128.unzigzag) == value)
        #expect(at == bytes.count)
    }

    @Test(arguments: [
        [0x80, 0x00], [0xFF], Bytes(repeating: 0xFF, count: 9) + [0x02], Bytes(repeating: 0x80, count: 11),
    ])
    func `longer forms, torn numbers and more than 64 bits are refused`(_ bytes: Bytes) {
        var at = 0
        #expect(LEB128.read(bytes, &at) == nil)
    }

    @Test func `nothing but the one form is read`() throws {
        let bytes = try sums(of: bodies(3, seed: 4))
        // Cut anywhere, or with a byte behind it.
        for end in stride(from: 1, to: bytes.count, by: 7) {
            #expect(throws: FederationError.self) { try decode(Bytes(bytes[..<end])) }
        }
        #expect(throws: FederationError.self) { try decode(bytes + [0]) }
        #expect(throws: FederationError.self) { try decode(bytes + bytes) }
        #expect(throws: FederationError.unknownModel(ModelID(Bytes(repeating: 9, count: 32))!)) {
            try decode(Bytes(repeating: 9, count: 32) + [0, 0])
        }
        // No tensors and no rows; a tensor that the shape lacks; more rows than bytes.
        #expect(throws: FederationError.self) { try decode(Fixture.model.bytes + [0, 0]) }
        #expect(throws: FederationError.self) { try decode(Fixture.model.bytes + [1, 0xFF, 0x7F]) }
        #expect(throws: FederationError.self) { try decode(Fixture.model.bytes + [0, 0xFF, 0xFF, 0xFF, 0x7F]) }
    }

    @Test func `a row has the largest shift that it allows, and is not zero`() throws {
        let token = names.sorted()[0].bytes
        let dim = Fixture.shape.dim
        func row(_ shift: UInt8, _ value: UInt8) -> Bytes {
            Fixture.model.bytes + [0, 1] + token + [shift] + Bytes(repeating: value, count: dim)
        }
        #expect(try decode(row(8, 2))[Fixture.model]?.row(names.sorted()[0]) == Array(repeating: 1 << 8, count: dim))
        #expect(throws: FederationError.self, "2 at shift 8 is 1 at shift 9") { try decode(row(8, 4)) }
        #expect(throws: FederationError.self, "all zero") { try decode(row(8, 0)) }
        #expect(throws: FederationError.self, "no such shift") { try decode(row(65, 2)) }
        #expect(throws: FederationError.self, "beyond 64 bits") { try decode(row(63, 6)) }
        #expect(throws: FederationError.self) {
            try decode(Fixture.model.bytes + [0, 1] + token + [64])
        }
    }
}
