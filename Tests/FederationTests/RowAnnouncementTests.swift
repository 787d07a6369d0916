import Federation
import Identity
import Testing
import Wire

@Suite struct RowAnnouncementTests {
    @Test(arguments: [1, 2, 300]) func `an announcement survives its body`(count: Int) throws {
        let announcement = try RowAnnouncement(model: Fixture.model, tokens: Fixture.tokens(0..<count))
        let decoded = try RowAnnouncement(body: announcement.body)
        #expect(decoded == announcement)
        #expect(decoded.body == announcement.body)
    }

    @Test func `tokens must increase`() {
        let (a, b) = (Fixture.tokens(0..<2)[0], Fixture.tokens(0..<2)[1])
        #expect(throws: FederationError.notIncreasing(index: 1)) {
            try RowAnnouncement(model: Fixture.model, tokens: [b, a])
        }
        #expect(throws: FederationError.notIncreasing(index: 2)) {
            try RowAnnouncement(model: Fixture.model, tokens: [a, b, b])
        }
        #expect(throws: FederationError.notIncreasing(index: 1)) {
            try RowAnnouncement(body: body(a.bytes + a.bytes))
        }
    }

    @Test func `an announcement has at least one token and at most its limit`() throws {
        #expect(throws: FederationError.self) { try RowAnnouncement(model: Fixture.model, tokens: []) }
        #expect(throws: FederationError.self) { try RowAnnouncement(body: body([])) }
        let many = (0...RowAnnouncement.maxTokens).map { TokenID(rawValue: UInt128($0)) }
        #expect(throws: FederationError.self) { try RowAnnouncement(model: Fixture.model, tokens: many) }
        let most = try RowAnnouncement(model: Fixture.model, tokens: many.dropLast())
        #expect(try RowAnnouncement(body: most.body) == most)
    }

    @Test func `every truncation, half a token and added bytes are refused`() throws {
        let whole = try RowAnnouncement(model: Fixture.model, tokens: Fixture.tokens(0..<3)).body
        for length in 0..<whole.count {
            #expect(throws: FederationError.self) { try RowAnnouncement(body: Bytes(whole.prefix(length))) }
        }
        #expect(throws: FederationError.self) { try RowAnnouncement(body: whole + [0xF6]) }
        #expect(throws: FederationError.self) { try RowAnnouncement(body: body(Bytes(repeating: 1, count: 17))) }
    }

    @Test func `what decodes is canonical`() throws {
        let whole = try RowAnnouncement(model: Fixture.model, tokens: Fixture.tokens(0..<3)).body
        for bit in 0..<whole.count * 8 {
            var body = whole
            body[bit / 8] ^= 1 << UInt8(bit % 8)
            if let decoded = try? RowAnnouncement(body: body) { #expect(decoded.body == body) }
        }
    }

    private func body(_ tokens: Bytes) -> Bytes {
        var encoder = CBOREncoder()
        encoder.array(3)
        encoder.uint(1)
        encoder.bytes(Fixture.model.bytes)
        encoder.bytes(tokens)
        return encoder.bytes
    }
}
