/// A 32-byte identifier; `Tag` keeps peers, ops, networks and hashes apart at compile time.
///
/// Compared as an unsigned big-endian number, which is the order of its bytes.
public struct ID32<Tag>: Hashable, Comparable, Sendable {
    @usableFromInline let words: (UInt64, UInt64, UInt64, UInt64)

    @inlinable init(_ words: (UInt64, UInt64, UInt64, UInt64)) { self.words = words }

    /// Reads 32 bytes, without an array.
    @inlinable public init(raw: UnsafeRawBufferPointer) {
        precondition(raw.count == 32, "an id has 32 bytes")
        func word(_ at: Int) -> UInt64 { UInt64(bigEndian: raw.loadUnaligned(fromByteOffset: at, as: UInt64.self)) }
        self.init((word(0), word(8), word(16), word(24)))
    }

    /// Thirty-two zero bytes: "nobody", "nothing before this".
    @inlinable public static var zero: Self { Self((0, 0, 0, 0)) }

    /// Nil unless there are exactly 32 bytes.
    public init?(_ bytes: some Collection<UInt8>) { self.init(Bytes(bytes)) }

    /// As above, for the usual case.
    @inlinable public init?(_ bytes: Bytes) {
        guard bytes.count == 32 else { return nil }
        self = bytes.withUnsafeBytes { Self(raw: $0) }
    }

    /// Nil unless `hex` is 64 hexadecimal digits.
    public init?(hex: some StringProtocol) {
        guard let bytes = Hex.decode(hex) else { return nil }
        self.init(bytes)
    }

    @inlinable public var bytes: Bytes {
        withUnsafeBytes(of: (words.0.bigEndian, words.1.bigEndian, words.2.bigEndian, words.3.bigEndian)) { Bytes($0) }
    }

    /// Appends the 32 bytes.
    @inlinable public func append(to bytes: inout Bytes) {
        withUnsafeBytes(of: (words.0.bigEndian, words.1.bigEndian, words.2.bigEndian, words.3.bigEndian)) {
            bytes.append(contentsOf: $0)
        }
    }

    public var hex: String { Hex.encode(bytes) }

    /// The first eight digits, for people.
    public var short: String { String(hex.prefix(8)) }

    @inlinable public static func == (a: Self, b: Self) -> Bool { a.words == b.words }
    @inlinable public static func < (a: Self, b: Self) -> Bool { a.words < b.words }
    @inlinable public func hash(into hasher: inout Hasher) {
        hasher.combine(words.0)
        hasher.combine(words.1)
        hasher.combine(words.2)
        hasher.combine(words.3)
    }
}

extension ID32: CustomStringConvertible {
    public var description: String { hex }
}

/// The id of what the model reads: a graph node, a relation or an inverse relation (16 bytes).
public struct TokenID: Hashable, Comparable, Sendable, CustomStringConvertible {
    public var rawValue: UInt128

    public init(rawValue: UInt128) { self.rawValue = rawValue }

    /// Nil unless there are exactly 16 bytes, big-endian.
    public init?(_ bytes: some Collection<UInt8>) {
        guard let value = UInt128(bigEndianBytes: bytes) else { return nil }
        rawValue = value
    }

    public init?(hex: some StringProtocol) {
        guard let bytes = Hex.decode(hex) else { return nil }
        self.init(bytes)
    }

    public var bytes: Bytes { rawValue.bigEndianBytes }
    public var hex: String { Hex.encode(bytes) }
    public var description: String { hex }
    public static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
}

/// Names one log of an author: 8 random bytes, new for every incarnation of its database.
public struct LogID: Hashable, Comparable, Sendable, CustomStringConvertible {
    public var rawValue: UInt64

    public init(rawValue: UInt64) { self.rawValue = rawValue }

    public init?(_ bytes: some Collection<UInt8>) {
        guard let value = UInt64(bigEndianBytes: bytes) else { return nil }
        rawValue = value
    }

    /// Nil unless these are 16 hexadecimal digits.
    public init?(hex: some StringProtocol) {
        guard hex.utf8.count == 16, hex.allSatisfy(\.isHexDigit), let value = UInt64(hex, radix: 16) else { return nil }
        rawValue = value
    }

    public var bytes: Bytes { rawValue.bigEndianBytes }
    public var hex: String { Hex.encode(bytes) }
    public var description: String { hex }
    public static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
}

/// A point on the caller's clock in milliseconds. Only differences mean anything.
public struct Instant: Hashable, Comparable, Sendable {
    public var milliseconds: UInt64

    public init(milliseconds: UInt64) { self.milliseconds = milliseconds }

    public static func + (instant: Self, milliseconds: UInt64) -> Self {
        Self(milliseconds: instant.milliseconds &+ milliseconds)
    }

    /// Milliseconds from `earlier` to `later`; zero when the clock went back.
    public static func - (later: Self, earlier: Self) -> UInt64 {
        later.milliseconds >= earlier.milliseconds ? later.milliseconds - earlier.milliseconds : 0
    }

    public static func < (a: Self, b: Self) -> Bool { a.milliseconds < b.milliseconds }
}
