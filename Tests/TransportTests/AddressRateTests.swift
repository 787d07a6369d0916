import Testing

@testable import Transport

@Suite struct AddressRateTests {
    @Test func `a burst passes, then one per refilled token`() {
        var rate = AddressRate(perSecond: 2, burst: 3, addresses: 8)
        let burst = (0..<4).map { _ in rate.admit(1, now: 100) }
        #expect(burst == [true, true, true, false])
        let early = rate.admit(1, now: 599)
        let inTime = rate.admit(1, now: 600)
        let again = rate.admit(1, now: 600)
        #expect([early, inTime, again] == [false, true, false])
    }

    @Test func `addresses do not share tokens`() {
        var rate = AddressRate(perSecond: 1, burst: 1, addresses: 8)
        let admitted = (0..<8).map { rate.admit($0, now: 0) }
        #expect(admitted.allSatisfy { $0 })
    }

    @Test func `a bucket never holds more than the burst`() {
        var rate = AddressRate(perSecond: 1_000, burst: 2, addresses: 8)
        _ = rate.admit(1, now: 0)
        let later = (0..<3).map { _ in rate.admit(1, now: 1_000_000_000) }
        #expect(later == [true, true, false])
    }

    @Test func `memory is bounded, and the quiet are forgotten first`() {
        var rate = AddressRate(perSecond: 0, burst: 1, addresses: 3)
        for address in UInt64(0)..<100 { _ = rate.admit(address, now: address) }
        #expect(rate.count == 3)
        let remembered = rate.admit(99, now: 100)
        #expect(!remembered, "its token is spent")
    }

    @Test func `addresses that lost nothing make room`() {
        var rate = AddressRate(perSecond: 1_000, burst: 1, addresses: 3)
        for address in UInt64(0)..<3 { _ = rate.admit(address, now: 0) }
        _ = rate.admit(3, now: 10)
        #expect(rate.count == 1)
    }
}
