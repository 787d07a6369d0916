/// Token buckets, one per remote address: how often an address may connect.
///
/// A pure value: the caller passes the time. Bounded memory: when full, addresses whose bucket has filled up
/// again are forgotten (they lose nothing by it), then the one that was quiet the longest.
struct AddressRate: Sendable {
    private struct Bucket {
        /// Thousandths of a token, as of `since`.
        var milliTokens: UInt64
        var since: UInt64
    }

    private let perSecond: UInt64
    private let capacity: UInt64
    private let limit: Int
    private var buckets: [UInt64: Bucket] = [:]

    /// - Parameters:
    ///   - burst: tokens of a full bucket, at least 1.
    ///   - addresses: buckets kept, at least 1.
    init(perSecond: Int, burst: Int, addresses: Int) {
        precondition(perSecond >= 0 && burst > 0 && addresses > 0)
        self.perSecond = UInt64(perSecond)
        capacity = UInt64(burst) * 1_000
        limit = addresses
    }

    var count: Int { buckets.count }

    /// Takes a token of `address`; false if there is none.
    mutating func admit(_ address: UInt64, now: UInt64) -> Bool {
        var bucket = buckets[address] ?? Bucket(milliTokens: capacity, since: now)
        bucket.milliTokens = filled(bucket, now)
        bucket.since = now
        let admitted = bucket.milliTokens >= 1_000
        if admitted { bucket.milliTokens -= 1_000 }
        if buckets[address] == nil, buckets.count >= limit { forget(now) }
        buckets[address] = bucket
        return admitted
    }

    /// One token per second is one thousandth per millisecond.
    private func filled(_ bucket: Bucket, _ now: UInt64) -> UInt64 {
        min(capacity, bucket.milliTokens + (now - bucket.since) * perSecond)
    }

    private mutating func forget(_ now: UInt64) {
        buckets = buckets.filter { filled($0.value, now) < capacity }
        guard buckets.count >= limit else { return }
        let quietest = buckets.min { ($0.value.since, $0.key) < ($1.value.since, $1.key) }
        if let quietest { buckets[quietest.key] = nil }
    }
}
