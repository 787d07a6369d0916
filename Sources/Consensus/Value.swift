public import Identity
public import Wire

/// The answer that electors vote on, in its one canonical form.
///
/// ```
/// [1, verdict, [numbers …], [used …], basis, payload]
/// hash = H("shoal/value/1", these bytes)
/// ```
public struct Value: Hashable, Sendable {
    public enum Verdict: UInt64, Sendable {
        case rejected = 0
        case accepted = 1
        /// Too few could tell.
        case undecided = 2
    }
    public enum Limits {
        public static let numbers = 16
        public static let payloadBytes = 64 * 1_024
        /// With a list of all electors.
        public static let bytes = 70 * 1_024
    }

    public let verdict: Verdict
    /// By kind: a median, counts, a bound.
    public let numbers: [Int64]
    /// The electors whose measurements count, by their place in the electorate, ascending.
    public let used: [Int]
    /// ``Value/basis(of:)`` of the measurements that it follows from; zero without.
    public let basis: Hash32
    public let payload: Bytes

    public init(
        verdict: Verdict, numbers: [Int64] = [], used: [Int] = [], basis: Hash32 = .zero, payload: Bytes = []
    ) {
        self.verdict = verdict
        self.numbers = numbers
        self.used = used
        self.basis = basis
        self.payload = payload
    }

    /// Of what is affirmed.
    public static let yes = Value(verdict: .accepted)

    /// Names a set of measurement ops.
    public static func basis(of measurements: [OpID]) -> Hash32 {
        var hasher = Hasher32(domain: "shoal/basis/1")
        for id in measurements.sorted() { hasher.update(id.bytes) }
        return hasher.finish()
    }

    public var hash: Hash32 { Self.hash(of: encode()) }

    public static func hash(of bytes: Bytes) -> Hash32 { blake2b256(domain: "shoal/value/1", bytes) }

    public func encode() -> Bytes {
        var encoder = CBOREncoder(reserving: 64 + numbers.count * 9 + used.count * 3 + payload.count)
        encoder.array(6)
        encoder.uint(1)
        encoder.uint(verdict.rawValue)
        encoder.array(numbers.count)
        for number in numbers { encoder.int(number) }
        encoder.array(used.count)
        for index in used { encoder.uint(UInt64(index)) }
        encoder.bytes(basis.bytes)
        encoder.bytes(payload)
        return encoder.bytes
    }

    public init(decoding bytes: Bytes) throws(CBORError) {
        var decoder = CBORDecoder(bytes)
        try decoder.array(exactly: 6)
        guard try decoder.uint() == 1 else { throw .unexpected(at: 1, wanted: "version 1") }
        let start = decoder.position
        guard let verdict = Verdict(rawValue: try decoder.uint()) else {
            throw .outOfRange(at: start, what: "no verdict")
        }
        self.verdict = verdict
        numbers = try decoder.integers(max: Limits.numbers)
        var used: [Int] = []
        for _ in 0..<(try decoder.array(max: Electorate.Limits.members)) {
            let at = decoder.position
            let index = try decoder.count(max: Electorate.Limits.members - 1)
            guard used.last.map({ $0 < index }) ?? true else { throw .notCanonical(at: at) }
            used.append(index)
        }
        self.used = used
        basis = try decoder.id()
        payload = try decoder.bytes(max: Limits.payloadBytes)
        try decoder.end()
    }
}

extension CBORDecoder {
    mutating func integers(max: Int) throws(CBORError) -> [Int64] {
        var numbers: [Int64] = []
        for _ in 0..<(try array(max: max)) { numbers.append(try int()) }
        return numbers
    }
}
