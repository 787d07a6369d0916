internal import Wire

/// Inputs near ones that are known, from a seed: the same seed gives the same inputs on every machine.
///
/// Blind to what an input reaches, unlike libFuzzer; it is there so that every test run tries some thousands.
public struct Mutations {
    private var pool: [[UInt8]]
    private var random: Random
    private let maxBytes: Int
    /// Accepted inputs that are kept to begin with, besides the first ones.
    private static let kept = 256

    /// - Parameter corpus: at least one input.
    public init(of corpus: [[UInt8]], maxBytes: Int, seed: UInt64) {
        precondition(!corpus.isEmpty, "mutations need something to begin with")
        pool = corpus
        self.maxBytes = maxBytes
        random = Random(seed: seed)
    }

    public mutating func next() -> [UInt8] {
        var bytes = pool[random.below(pool.count)]
        for _ in 0..<(1 + random.below(4)) { mutate(&bytes) }
        return bytes.count > maxBytes ? Array(bytes.prefix(maxBytes)) : bytes
    }

    /// An input that was accepted is worth mutating again.
    public mutating func keep(_ bytes: [UInt8]) {
        pool.count < Self.kept ? pool.append(bytes) : (pool[random.below(pool.count)] = bytes)
    }

    private mutating func mutate(_ bytes: inout [UInt8]) {
        guard !bytes.isEmpty else { return bytes.append(UInt8(random.below(256))) }
        let at = random.below(bytes.count)
        switch random.below(8) {
        case 0: bytes[at] ^= 1 << UInt8(random.below(8))
        case 1: bytes[at] = UInt8(random.below(256))
        case 2: bytes[at] = [0, 1, 23, 24, 27, 31, 0x7F, 0x80, 0xFF, 0x22, 0x0A][random.below(11)]
        case 3: bytes.insert(UInt8(random.below(256)), at: at)
        case 4: bytes.remove(at: at)
        case 5: bytes.removeLast(bytes.count - at)
        case 6:
            let end = at + 1 + random.below(min(bytes.count - at, 32))
            bytes.insert(contentsOf: Array(bytes[at..<end]), at: random.below(bytes.count + 1))
        default:
            let other = pool[random.below(pool.count)]
            bytes = Array(bytes.prefix(at)) + other.dropFirst(min(at, other.count))
        }
    }
}
