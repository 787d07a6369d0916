/// A direction among the rows of a model: the unit vector times 127 in whole numbers, so that every node finds the same
/// bytes for the same rows.
public struct Direction: Hashable, Sendable {
    /// Length of the vector before rounding; rounding changes it by less than √dim / 2.
    static let length: Int64 = 127
    /// Fewest and most coordinates.
    public static let dimensions = 4...1_024

    public let coordinates: [Int8]

    /// The direction of a vector of integers of any size; nil for zero, which has none.
    ///
    /// Integers throughout, and divisions that round half away from zero. O(dim).
    public init?(_ vector: [Int64]) {
        guard Self.dimensions.contains(vector.count) else { return nil }
        let largest = vector.lazy.map(\.magnitude).max() ?? 0
        guard largest > 0 else { return nil }
        // Below 2^26: 1,024 squares then stay below 2^62. Small ones are scaled up, for the root's sake.
        let up = max(0, Int64(largest.leadingZeroBitCount) - 38)
        let down = max(0, 38 - Int64(largest.leadingZeroBitCount))
        let scaled = vector.map { ($0 >> down) << up }
        let root = Self.squareRoot(scaled.reduce(0) { $0 + $1 * $1 })
        coordinates = scaled.map { value in
            let doubled = 2 * value * Self.length
            return Int8((doubled + (value < 0 ? -root : root)) / (2 * root))
        }
    }

    /// One that another site sent; nil unless its length is that of a direction.
    public init?(coordinates: [Int8]) {
        guard Self.dimensions.contains(coordinates.count), !coordinates.contains(-128) else { return nil }
        let square = coordinates.reduce(0) { $0 + Int($1) * Int($1) }
        // What rounding can do to a vector of length 127.
        let slack = Int(Self.squareRoot(Int64(coordinates.count))) / 2 + 2
        let least = max(Int(Self.length) - slack, 1)
        guard (least * least...(Int(Self.length) + slack) * (Int(Self.length) + slack)).contains(square) else {
            return nil
        }
        self.coordinates = coordinates
    }

    /// The cosine of the angle between two directions, -1...1; 0 for those of different spaces.
    public func likeness(to other: Direction) -> Double {
        guard coordinates.count == other.coordinates.count else { return 0 }
        var (product, mine, theirs) = (0, 0, 0)
        for (a, b) in zip(coordinates, other.coordinates) {
            product += Int(a) * Int(b)
            mine += Int(a) * Int(a)
            theirs += Int(b) * Int(b)
        }
        return Double(product) / (Double(mine) * Double(theirs)).squareRoot()
    }

    /// Where several lead together, each counted as often as its weight says; nil if they cancel out.
    public static func mean(_ parts: [(direction: Direction, weight: Int)]) -> Direction? {
        guard let first = parts.first else { return nil }
        var sum = [Int64](repeating: 0, count: first.direction.coordinates.count)
        for (direction, weight) in parts where direction.coordinates.count == sum.count {
            for at in sum.indices { sum[at] += Int64(direction.coordinates[at]) * Int64(weight) }
        }
        return Direction(sum)
    }

    /// Rounded down.
    private static func squareRoot(_ value: Int64) -> Int64 {
        guard value > 1 else { return value }
        // Newton's steps in integers from above fall until they are there.
        var root: Int64 = 1 << Int64((65 - value.leadingZeroBitCount) / 2)
        while true {
            let next = (root + value / root) / 2
            if next >= root { return root }
            root = next
        }
    }
}
