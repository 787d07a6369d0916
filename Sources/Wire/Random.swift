/// xoshiro256** (Blackman and Vigna, 2018), seeded through SplitMix64.
///
/// The same seed gives the same numbers on every machine. The standard library's
/// `random(in:using:)` may change between releases; use ``below(_:)`` and ``unit()``.
/// Not for secrets.
public struct Random: RandomNumberGenerator, Sendable, Equatable {
    private var s: (UInt64, UInt64, UInt64, UInt64)

    public init(seed: UInt64) {
        var state = seed
        func splitMix() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = state
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return z ^ (z >> 31)
        }
        s = (splitMix(), splitMix(), splitMix(), splitMix())
    }

    /// Seeds from a byte string, usually a hash: the first 32 bytes count, fewer are padded with zeros.
    public init(seed bytes: Bytes) {
        var words: [UInt64] = [0, 0, 0, 0]
        for (at, byte) in bytes.prefix(32).enumerated() { words[at / 8] = words[at / 8] << 8 | UInt64(byte) }
        var mixed = Random(seed: words[0])
        s = (mixed.next() ^ words[0], mixed.next() ^ words[1], mixed.next() ^ words[2], mixed.next() ^ words[3])
        if s == (0, 0, 0, 0) { s.0 = 1 }
    }

    public mutating func next() -> UInt64 {
        let scrambled = s.1 &* 5
        let result = ((scrambled << 7) | (scrambled >> 57)) &* 9
        let t = s.1 << 17
        s.2 ^= s.0
        s.3 ^= s.1
        s.1 ^= s.2
        s.0 ^= s.3
        s.2 ^= t
        s.3 = (s.3 << 45) | (s.3 >> 19)
        return result
    }

    /// Uniform in `0 ..< bound`, without bias (Lemire, 2019).
    public mutating func below(_ bound: Int) -> Int {
        precondition(bound > 0, "an empty range has no members")
        let range = UInt64(bound)
        var product = next().multipliedFullWidth(by: range)
        if product.low < range {
            let threshold = (0 &- range) % range
            while product.low < threshold { product = next().multipliedFullWidth(by: range) }
        }
        return Int(product.high)
    }

    /// Uniform in [0, 1), 53 bits.
    public mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }

    /// True with the given probability.
    public mutating func chance(_ probability: Double) -> Bool { unit() < probability }

    /// Fisher-Yates.
    public mutating func shuffle<Element>(_ array: inout [Element]) {
        guard array.count > 1 else { return }
        for last in stride(from: array.count - 1, through: 1, by: -1) {
            array.swapAt(last, below(last + 1))
        }
    }

    /// A generator of its own, for a part that must not disturb the sequence of the whole.
    public mutating func split() -> Random { Random(seed: next()) }

    public static func == (a: Self, b: Self) -> Bool { a.s == b.s }
}
