internal import Membership
internal import Wire

/// Amounts along one line of ops, with the sum up to each.
struct RunningSum: Sendable {
    /// Ascending in seq.
    private(set) var steps: [(seq: UInt64, total: Int128)] = []

    mutating func append(_ amount: Int128, at seq: UInt64) {
        steps.append((seq, (steps.last?.total ?? 0) + amount))
    }

    /// The sum of what stands at or before `bound` and in a past, which holds a beginning of every line.
    ///
    /// Costs a binary search.
    func total(through bound: UInt64, where includes: (UInt64) -> Bool) -> Int128 {
        let end = steps.partitioningIndex { $0.seq > bound || !includes($0.seq) }
        return end == 0 ? 0 : steps[end - 1].total
    }
}
