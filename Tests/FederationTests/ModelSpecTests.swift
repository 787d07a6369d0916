import Federation
import Learning
import Testing
import Wire

@Suite struct ModelSpecTests {
    let spec = Fixture.spec()

    @Test func `a spec survives its body`() throws {
        let caps = try ModelSpec.Caps(maxRowNorm: 1 << 46, maxOpNorm: 1, maxRows: 17)
        for spec in [spec, Fixture.spec(caps: caps, initialScale: 4096)] {
            let decoded = try ModelSpec(body: spec.body)
            #expect(decoded == spec)
            #expect(decoded.body == spec.body)
        }
    }

    @Test func `the body is frozen`() {
        #expect(
            Hex.encode(spec.body)
                == "8601656661637473676465666175" + "6c74841402010483" + "1b0000001000000000" + "1b0000040000000000"
                + "1a00010000" + "190100")
    }

    @Test func `every truncation and every added byte is refused`() {
        let body = spec.body
        for length in 0..<body.count {
            #expect(throws: FederationError.self) { try ModelSpec(body: Bytes(body.prefix(length))) }
        }
        #expect(throws: FederationError.malformed(body: .modelSpec, .trailing(at: body.count))) {
            try ModelSpec(body: body + [0])
        }
    }

    @Test func `a flipped bit gives another spec or an error, and never another form of a spec`() {
        for bit in 0..<spec.body.count * 8 {
            var body = spec.body
            body[bit / 8] ^= 1 << UInt8(bit % 8)
            if let other = try? ModelSpec(body: body) {
                #expect(other.body == body)
                #expect(other != spec)
            }
        }
    }

    @Test func `a later fold is named as such`() {
        var body = spec.body
        body[1] = 2
        #expect(throws: FederationError.unknownVersion(body: .modelSpec, version: 2)) { try ModelSpec(body: body) }
    }

    @Test(arguments: ["", String(repeating: "x", count: 65), "a\u{0}b", "a\nb", "\u{9b}31m"])
    func `a name without length, too long or with control characters is refused`(name: String) {
        #expect(throws: FederationError.self) { try ModelSpec(name: name, agent: "a", shape: Fixture.shape) }
        #expect(throws: FederationError.self) { try ModelSpec(name: "a", agent: name, shape: Fixture.shape) }
    }

    @Test func `caps and scale end where they say`() throws {
        #expect(throws: FederationError.self) {
            try ModelSpec.Caps(maxRowNorm: 1 << 46 + 1, maxOpNorm: 1, maxRows: 1)
        }
        #expect(throws: FederationError.self) { try ModelSpec.Caps(maxRowNorm: 0, maxOpNorm: 1, maxRows: 1) }
        #expect(throws: FederationError.self) {
            try ModelSpec.Caps(maxRowNorm: 1, maxOpNorm: 1 << 56 + 1, maxRows: 1)
        }
        #expect(throws: FederationError.self) { try ModelSpec.Caps(maxRowNorm: 1, maxOpNorm: 1, maxRows: 0) }
        #expect(throws: FederationError.self) {
            try ModelSpec(name: "a", agent: "b", shape: Fixture.shape, initialScale: 4097)
        }
    }

    @Test func `a shape that would take too much memory is refused`() throws {
        let vast = try ModelShape.beyondDefaults(dim: 1024, heads: 8, layers: 24, context: 64)
        #expect(throws: FederationError.self) { try ModelSpec(name: "a", agent: "b", shape: vast) }
    }

    @Test func `a body that claims an impossible shape is refused`() {
        var encoder = CBOREncoder()
        encoder.array(6)
        encoder.uint(1)
        encoder.text("a")
        encoder.text("b")
        encoder.array(4)
        for size: UInt64 in [64, 7, 1, 16] { encoder.uint(size) }
        encoder.array(3)
        for cap: UInt64 in [1, 1, 1] { encoder.uint(cap) }
        encoder.uint(256)
        #expect(throws: FederationError.self) { try ModelSpec(body: encoder.bytes) }
    }
}
