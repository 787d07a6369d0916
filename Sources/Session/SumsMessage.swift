internal import Identity
public import Wire

/// A question of a node that begins: which certificates may stand for bodies.
///
/// ```
/// SUMS_WANT = [0, height]                          of the checkpoints after this one, ascending
///           | [1, author || log: 40B, after]       of sums: of this log from this place on, and of later logs
/// ```
public enum SumsWant: Sendable, Hashable, Comparable {
    case checkpoints(after: UInt64)
    case sums(from: LogBound, after: UInt64)

    /// In the order in which a node that begins asks.
    public static func < (a: Self, b: Self) -> Bool {
        switch (a, b) {
        case (.checkpoints(let one), .checkpoints(let other)): one < other
        case (.checkpoints, .sums): true
        case (.sums, .checkpoints): false
        case (.sums(let one, let after), .sums(let other, let next)): (one, after) < (other, next)
        }
    }

    func encode(into encoder: inout CBOREncoder) {
        switch self {
        case .checkpoints(let height):
            encoder.array(2)
            encoder.uint(0)
            encoder.uint(height)
        case .sums(let from, let after):
            encoder.array(3)
            encoder.uint(1)
            encoder.bytes(from.author.bytes + from.log.bytes)
            encoder.uint(after)
        }
    }

    init(_ decoder: inout CBORDecoder) throws(CBORError) {
        let items = try decoder.array(2...3)
        let start = decoder.position
        switch (try decoder.uint(), items) {
        case (0, 2): self = .checkpoints(after: try decoder.uint(max: 1 << 53))
        case (1, 3):
            let bytes = try decoder.bytes(exactly: 40)
            self = .sums(
                from: LogBound(author: PeerID(bytes[..<32])!, log: LogID(bytes[32...])!),
                after: try decoder.uint(max: 1 << 53))
        default: throw .outOfRange(at: start, what: "no question about certificates")
        }
    }
}

/// The answer: certificates as their ops carry them, not verified here, and whether there are more behind them.
///
/// ```
/// SUMS = [[certificate …], more]                   at most 256 certificates; none: there are no more
/// ```
public struct SumsAnswer: Sendable, Equatable {
    public var certificates: [Bytes]
    public var more: Bool

    public init(certificates: [Bytes], more: Bool) {
        self.certificates = certificates
        self.more = more
    }

    func encode(into encoder: inout CBOREncoder) {
        encoder.array(2)
        encoder.array(certificates.count)
        for certificate in certificates { encoder.bytes(certificate) }
        encoder.bool(more)
    }

    init(_ decoder: inout CBORDecoder) throws(CBORError) {
        try decoder.array(exactly: 2)
        certificates = []
        for _ in 0..<(try decoder.array(max: SessionLimits.certificatesPerFrame)) {
            certificates.append(try decoder.bytes(max: SessionLimits.certificateBytes))
        }
        more = try decoder.bool()
    }
}
