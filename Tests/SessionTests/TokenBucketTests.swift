import Session
import Testing
import Wire

@Suite struct TokenBucketTests {
    private let begin = Instant(milliseconds: 5_000)

    /// An empty one.
    private func emptied(perSecond: UInt64, burst: UInt64) -> TokenBucket {
        var bucket = TokenBucket(perSecond: perSecond, burst: burst, now: begin)
        let wasFull = bucket.take(burst, now: begin)
        #expect(wasFull)
        return bucket
    }

    /// What a bucket holds at a time, without touching it.
    private func held(_ bucket: TokenBucket, after milliseconds: UInt64) -> UInt64 {
        var copy = bucket
        return copy.available(now: begin + milliseconds)
    }

    @Test func `it is taken from whole or not at all`() {
        var bucket = TokenBucket(perSecond: 10, burst: 30, now: begin)
        let taken = [bucket.take(20, now: begin), bucket.take(11, now: begin), bucket.take(10, now: begin)]
        #expect(taken == [true, false, true])
        #expect(held(bucket, after: 0) == 0)
    }

    @Test func `tokens come back evenly, and never beyond a full bucket`() {
        let bucket = emptied(perSecond: 10, burst: 30)
        #expect([99, 100, 2_950, 3_000, 1 << 60].map { held(bucket, after: $0) } == [0, 1, 29, 30, 30])
    }

    @Test func `asking often makes none more`() {
        var bucket = emptied(perSecond: 7, burst: 100)
        for at in 1...9_999 as ClosedRange<UInt64> { _ = bucket.available(now: begin + at) }
        #expect(held(bucket, after: 10_000) == 70)
    }

    @Test func `a clock that goes back brings none`() {
        var bucket = emptied(perSecond: 10, burst: 10)
        let before = bucket.available(now: Instant(milliseconds: 0))
        #expect(before == 0 && held(bucket, after: 100) == 1)
    }

    @Test func `it says when there will be enough`() {
        let bucket = emptied(perSecond: 3, burst: 12)
        let wait = bucket.ready(for: 4) - begin
        #expect(held(bucket, after: wait - 1) == 3 && held(bucket, after: wait) == 4)
        #expect(TokenBucket(perSecond: 3, burst: 12, now: begin).ready(for: 12) == begin)
    }
}
