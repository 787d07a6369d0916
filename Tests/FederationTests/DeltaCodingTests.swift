import Federation
import Identity
import Testing
import Wire

@Suite struct DeltaCodingTests {
    /// The raw form, written by hand.
    private func raw(
        counters: [UInt64] = [3, 200, 5000], dense: (UInt64, Bytes, Bytes, Bytes) = (1, [], [], []),
        rows: (UInt64, Bytes, Bytes, Bytes) = (1, [0, 1], [4, 40], [1, 2, 0xFF, 4]), rest: Bytes = []
    ) -> Bytes {
        var encoder = CBOREncoder()
        encoder.array(7)
        encoder.uint(1)
        encoder.bytes(Fixture.model.bytes)
        for counter in counters { encoder.uint(counter) }
        for block in [dense, rows] {
            encoder.array(4)
            encoder.uint(block.0)
            for part in [block.1, block.2, block.3] { encoder.bytes(part) }
        }
        return encoder.bytes + rest
    }

    private func decode(_ raw: Bytes) throws(FederationError) -> Delta { try Delta(body: StoredFrame(raw).bytes) }

    @Test func `the raw form reads as documented`() throws {
        let delta = try decode(raw())
        #expect(
            delta
                == Delta(
                    model: Fixture.model, round: 3, steps: 200, tokensSeen: 5000, dense: .empty,
                    rows: RowBlock(indices: [0, 2], shifts: [4, 40], values: .int8([1, 2, -1, 4]))))
        let wide = try decode(raw(rows: (2, [0x80, 0x01], [0], [0x01, 0x80])))
        #expect(wide.rows == RowBlock(indices: [128], shifts: [0], values: .int16([-32767])))
    }

    @Test func `a delta survives its body`() throws {
        var random = Random(seed: 1)
        for _ in 0..<100 {
            let delta = Fixture.delta(&random, announced: random.below(200))
            let body = delta.body
            let decoded = try Delta(body: body)
            #expect(decoded == delta)
            #expect(decoded.body == body)
        }
    }

    @Test func `row numbers of every size survive`() throws {
        var delta = try decode(raw())
        let indices: [UInt32] = [0, 1, 127, 128, 129, 300, 16_511, 16_512, 1 << 21, 1 << 28, 1 << 31 - 1]
        delta.rows = RowBlock(
            indices: indices, shifts: Bytes(repeating: 0, count: indices.count),
            values: .int8(Array(repeating: 1, count: indices.count)))
        #expect(try Delta(body: delta.body) == delta)
    }

    @Test func `every truncation is refused`() {
        var random = Random(seed: 2)
        let body = Fixture.delta(&random, announced: 20).body
        for length in 0..<body.count {
            #expect(throws: FederationError.self) { try Delta(body: Bytes(body.prefix(length))) }
        }
        let raw = raw()
        for length in 0..<raw.count {
            #expect(throws: FederationError.self) { try decode(Bytes(raw.prefix(length))) }
        }
    }

    @Test func `flipped bits are refused or give another canonical delta`() throws {
        let raw = raw()
        for bit in 0..<raw.count * 8 {
            var flipped = raw
            flipped[bit / 8] ^= 1 << UInt8(bit % 8)
            guard let delta = try? decode(flipped) else { continue }
            #expect(try Delta(body: delta.body) == delta)
            #expect(delta != (try decode(raw)), "two forms of one delta")
        }
        var random = Random(seed: 3)
        let body = Fixture.delta(&random, announced: 50).body
        for _ in 0..<2000 {
            var flipped = body
            for _ in 0...random.below(3) { flipped[random.below(body.count)] ^= 1 << UInt8(random.below(8)) }
            guard let delta = try? Delta(body: flipped) else { continue }
            #expect(try Delta(body: delta.body) == delta)
        }
    }

    @Test(arguments: [
        ("a gap in a longer form", [0x80, 0x00] as Bytes, [0] as Bytes),
        ("a gap beyond 31 bits", [0x80, 0x80, 0x80, 0x80, 0x08], [0]),
        ("a gap that never ends", [0x80], [0]), ("a gap of six bytes", [0x81, 0x80, 0x80, 0x80, 0x80, 0x01], [0]),
        ("more shifts than gaps", [0], [0, 0]), ("more gaps than shifts", [0, 0], [0]),
    ])
    func `row numbers in another form are refused`(what: String, gaps: Bytes, shifts: Bytes) {
        #expect(throws: FederationError.self, "\(what)") { try decode(raw(rows: (1, gaps, shifts, [1]))) }
    }

    @Test func `precisions, halves of values and empty blocks have one form`() {
        for precision: UInt64 in [0, 3] {
            #expect(throws: FederationError.self) { try decode(raw(rows: (precision, [0], [0], [1]))) }
        }
        #expect(throws: FederationError.self) { try decode(raw(rows: (2, [0], [0], [1, 2, 3]))) }
        #expect(throws: FederationError.self) { try decode(raw(rows: (2, [], [], []))) }
        #expect(throws: FederationError.self) { try decode(raw(rows: (1, [], [], [1]))) }
    }

    @Test func `counters beyond 2^53, other versions and added items are refused`() {
        #expect(throws: FederationError.self) { try decode(raw(counters: [1 << 53 + 1, 0, 0])) }
        #expect(throws: FederationError.self) { try decode(raw(rest: [0])) }
        var later = raw()
        later[1] = 9
        #expect(throws: FederationError.unknownVersion(body: .delta, version: 9)) { try decode(later) }
    }
}
