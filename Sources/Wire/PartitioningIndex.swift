extension RandomAccessCollection where Index == Int {
    /// Binary search: where the elements begin that are behind a border; all that are not come first. The end if none is.
    ///
    /// Of a range it finds the first such number. O(log count).
    @inlinable
    @inline(__always)
    public func partitioningIndex(where isBehind: (Element) -> Bool) -> Int {
        var (low, high) = (startIndex, endIndex)
        while low < high {
            let middle = (low + high) / 2
            if isBehind(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
