public import Identity
public import Replication
public import Wire

/// A stretch of one log, whose deltas are added up and certified together.
public struct LogBlock: Hashable, Sendable {
    public let key: LogKey
    /// The place before the first: 0, or where something else ends.
    public let after: UInt64
    /// The last place; `after < through`.
    public let through: UInt64
    /// The id of op `through`, so that no other branch can be meant.
    public let id: OpID

    public init(key: LogKey, after: UInt64, through: UInt64, id: OpID) {
        self.key = key
        self.after = after
        self.through = through
        self.id = id
    }

    public func contains(_ seq: UInt64) -> Bool { after < seq && seq <= through }

    /// Whether they have a place in common.
    public func overlaps(_ other: LogBlock) -> Bool {
        key == other.key && after < other.through && other.after < through
    }
}

/// What the valid deltas of a block come to, named by hashes: the bytes are cut into parts that travel as bodies do.
public struct BlockSums: Hashable, Sendable {
    public enum Limits {
        /// Of a part but the last, which may be shorter: what the body of an op may have.
        public static let partBytes = 8 * 1_024 * 1_024
        /// With one more a question would be longer than ``Question/Limits/fieldBytes``.
        public static let parts = 28
    }
    public let block: LogBlock
    /// Bytes of all parts together, 1 or more.
    public let byteCount: UInt64
    /// Body hashes of the parts, in order: as many as `byteCount` needs.
    public let parts: [Hash32]

    /// - Precondition: the number of parts fits `byteCount`.
    public init(block: LogBlock, byteCount: UInt64, parts: [Hash32]) {
        precondition(Self.partCount(byteCount) == parts.count, "as many parts as the bytes need")
        self.block = block
        self.byteCount = byteCount
        self.parts = parts
    }

    /// - Returns: nil where the number of parts does not fit `byteCount`.
    public init?(block: LogBlock, byteCount: UInt64, hashes: [Hash32]) {
        guard Self.partCount(byteCount) == hashes.count else { return nil }
        self.init(block: block, byteCount: byteCount, parts: hashes)
    }

    /// Cuts sums into parts.
    ///
    /// - Returns: nil for no bytes at all, and for more than ``Limits/parts`` parts hold (224 MiB).
    public init?(block: LogBlock, of bytes: Bytes) {
        guard let count = Self.partCount(UInt64(bytes.count)) else { return nil }
        self.block = block
        byteCount = UInt64(bytes.count)
        parts = (0..<count).map { BodyHash.hash(of: Self.part($0, of: bytes)) }
    }

    public static func part(_ index: Int, of bytes: Bytes) -> Bytes {
        let start = index * Limits.partBytes
        return Bytes(bytes[start..<min(start + Limits.partBytes, bytes.count)])
    }

    /// Bytes of one part.
    public func length(of part: Int) -> Int {
        min(Limits.partBytes, Int(byteCount) - part * Limits.partBytes)
    }

    private static func partCount(_ bytes: UInt64) -> Int? {
        guard bytes > 0, bytes <= UInt64(Limits.parts * Limits.partBytes) else { return nil }
        return (Int(bytes) + Limits.partBytes - 1) / Limits.partBytes
    }

    func encode(into encoder: inout CBOREncoder) {
        encoder.bytes(block.key.log.bytes)
        encoder.uint(block.after)
        encoder.uint(block.through)
        encoder.bytes(block.id.bytes)
        encoder.uint(byteCount)
        encoder.array(parts.count)
        for part in parts { encoder.bytes(part.bytes) }
    }

    init(of author: PeerID, _ decoder: inout CBORDecoder) throws(CBORError) {
        let log = LogID(try decoder.bytes(exactly: 8))!
        let start = decoder.position
        let after = try decoder.uint(max: 1 << 53)
        let through = try decoder.uint(max: 1 << 53)
        guard after < through else { throw .outOfRange(at: start, what: "no block of a log") }
        block = LogBlock(key: LogKey(author: author, log: log), after: after, through: through, id: try decoder.id())
        let lengthAt = decoder.position
        byteCount = try decoder.uint()
        guard let count = Self.partCount(byteCount) else { throw .outOfRange(at: lengthAt, what: "bytes of sums") }
        try decoder.array(exactly: count)
        var parts: [Hash32] = []
        for _ in 0..<count { parts.append(try decoder.id()) }
        self.parts = parts
    }
}
