import Federation
import Learning
import Testing
import Wire

@Suite struct ResidualsTests {
    private func residuals() throws -> Residuals {
        var site = PretendSite()
        return try RoundBuilder(spec: Fixture.spec(), topRows: 4)
            .build(site.round(step: 0.05), residuals: Residuals(shape: site.shape)).residuals
    }

    @Test func `residuals survive their bytes`() throws {
        let kept = try residuals()
        #expect(try Residuals(bytes: kept.bytes, shape: Fixture.shape) == kept)
        let none = Residuals(shape: Fixture.shape)
        #expect(try Residuals(bytes: none.bytes, shape: Fixture.shape) == none)
    }

    @Test func `residuals follow their tokens into a new vocabulary`() throws {
        let kept = try residuals()
        var site = PretendSite()
        site.tokens = [Fixture.token(3), Fixture.token(50), Fixture.token(1)]
        site.shares = (0..<3).map { RowShare(index: $0, owners: 1) }
        // Nothing trained and nothing sent: what comes out is what was kept, in the new order.
        let round = site.round(step: 0)
        let aligned = try RoundBuilder(spec: Fixture.spec(), topRows: 0).build(round, residuals: kept).residuals
        #expect(aligned.tokens == site.tokens)
        let expected =
            kept.rows[60..<80] + Array(repeating: 0, count: 20) + kept.rows[20..<40]
        #expect(aligned.rows == Array(expected))
    }

    @Test func `bytes of another shape, truncated or changed in form are refused`() throws {
        let bytes = try residuals().bytes
        let other = try ModelShape.beyondDefaults(dim: 24, heads: 2, layers: 1, context: 4)
        #expect(throws: FederationError.self) { try Residuals(bytes: bytes, shape: other) }
        for length in stride(from: 0, to: bytes.count, by: 37) {
            #expect(throws: FederationError.self) {
                try Residuals(bytes: Bytes(bytes.prefix(length)), shape: Fixture.shape)
            }
        }
        #expect(throws: FederationError.self) { try Residuals(bytes: bytes + [0], shape: Fixture.shape) }
    }
}
