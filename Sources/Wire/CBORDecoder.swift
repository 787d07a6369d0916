/// Why bytes are not the canonical CBOR that was expected; `at` is the offset in bytes.
public enum CBORError: Error, Equatable, Sendable {
    /// The input ends inside an item.
    case truncated(at: Int)
    /// Valid CBOR, but not the one deterministic form (RFC 8949 §4.2.1).
    case notCanonical(at: Int)
    /// Another kind of item stands where `wanted` must be.
    case unexpected(at: Int, wanted: String)
    /// A value or length is outside what the caller allows.
    case outOfRange(at: Int, what: String)
    /// Bytes follow the last item.
    case trailing(at: Int)
}

extension CBORError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .truncated(let at): "CBOR ends inside an item at byte \(at)"
        case .notCanonical(let at): "CBOR is not in its deterministic form at byte \(at)"
        case .unexpected(let at, let wanted): "CBOR has another item than \(wanted) at byte \(at)"
        case .outOfRange(let at, let what): "CBOR value out of range at byte \(at): \(what)"
        case .trailing(let at): "bytes follow the CBOR item at byte \(at)"
        }
    }
}

/// Reads deterministic CBOR item by item and refuses every other form.
///
/// The caller says what it expects; whatever else comes is an error, never a guess. Lengths are
/// checked against what is left before anything is allocated, so memory is bounded by the input.
public struct CBORDecoder: Sendable {
    private let input: Bytes
    private let limit: Int
    /// Offset of the next item.
    public private(set) var position: Int

    public init(_ bytes: Bytes) {
        input = bytes
        limit = bytes.count
        position = 0
    }

    /// Bytes not read yet.
    public var remaining: Int { limit - position }

    /// What is not read yet, and its first byte: for readers that take whatever comes.
    package var rest: ArraySlice<UInt8> { input[position..<limit] }
    package var next: UInt8? { position < limit ? input[position] : nil }

    private mutating func head(major wanted: UInt8, _ name: String) throws(CBORError) -> UInt64 {
        guard position < limit else { throw .truncated(at: position) }
        let first = input[position]
        guard first >> 5 == wanted else { throw .unexpected(at: position, wanted: name) }
        let info = first & 31
        if info < 24 {
            position += 1
            return UInt64(info)
        }
        guard info <= 27 else { throw .notCanonical(at: position) }
        let width = 1 << Int(info - 24)
        guard limit - position > width else { throw .truncated(at: position) }
        var value: UInt64 = 0
        for offset in 1...width { value = value << 8 | UInt64(input[position + offset]) }
        let smallest: UInt64 = [24, 0x100, 0x1_0000, 0x1_0000_0000][Int(info - 24)]
        guard value >= smallest else { throw .notCanonical(at: position) }
        position += width + 1
        return value
    }

    /// A non-negative integer.
    public mutating func uint(max: UInt64 = .max) throws(CBORError) -> UInt64 {
        let start = position
        let value = try head(major: 0, "an unsigned integer")
        guard value <= max else { throw .outOfRange(at: start, what: "\(value) > \(max)") }
        return value
    }

    /// A non-negative integer that fits an `Int` and is at most `max`.
    public mutating func count(max: Int) throws(CBORError) -> Int { Int(try uint(max: UInt64(max))) }

    /// An integer of either sign in 64 bits.
    public mutating func int() throws(CBORError) -> Int64 {
        guard position < limit else { throw .truncated(at: position) }
        let start = position
        let negative = input[position] >> 5 == 1
        let magnitude = try head(major: negative ? 1 : 0, "an integer")
        guard magnitude <= UInt64(Int64.max) else { throw .outOfRange(at: start, what: "beyond 64 bits") }
        return negative ? ~Int64(magnitude) : Int64(magnitude)
    }

    private mutating func slice(_ major: UInt8, max: Int, _ name: String) throws(CBORError) -> ArraySlice<UInt8> {
        let start = position
        let length = try head(major: major, name)
        guard length <= UInt64(max) else { throw .outOfRange(at: start, what: "\(length) bytes > \(max)") }
        guard length <= UInt64(remaining) else { throw .truncated(at: start) }
        let end = position + Int(length)
        defer { position = end }
        return input[position..<end]
    }

    /// A byte string of at most `max` bytes.
    public mutating func bytes(max: Int) throws(CBORError) -> Bytes { Bytes(try slice(2, max: max, "a byte string")) }

    /// A byte string of exactly `count` bytes.
    public mutating func bytes(exactly count: Int) throws(CBORError) -> Bytes {
        let start = position
        let value = try bytes(max: count)
        guard value.count == count else { throw .outOfRange(at: start, what: "\(value.count) bytes, not \(count)") }
        return value
    }

    public mutating func id<Tag>(_: Tag.Type = Tag.self) throws(CBORError) -> ID32<Tag> {
        let start = position
        let bytes = try slice(2, max: 32, "a byte string")
        guard bytes.count == 32 else { throw .outOfRange(at: start, what: "\(bytes.count) bytes, not 32") }
        return bytes.withUnsafeBytes { ID32(raw: $0) }
    }

    /// A text string of at most `max` bytes of valid UTF-8.
    public mutating func text(max: Int) throws(CBORError) -> String {
        let start = position
        guard let text = String(validating: try slice(3, max: max, "a text string"), as: UTF8.self) else {
            throw .notCanonical(at: start)
        }
        return text
    }

    /// The head of an array of at most `max` items; its items follow.
    ///
    /// Every item takes at least one byte, so a count beyond the rest of the input is refused at once.
    public mutating func array(max: Int) throws(CBORError) -> Int {
        let start = position
        let count = try head(major: 4, "an array")
        guard count <= UInt64(max) else { throw .outOfRange(at: start, what: "\(count) items > \(max)") }
        guard count <= UInt64(remaining) else { throw .truncated(at: start) }
        return Int(count)
    }

    /// The head of an array of exactly `count` items.
    public mutating func array(exactly count: Int) throws(CBORError) {
        let start = position
        let found = try array(max: .max)
        guard found == count else { throw .outOfRange(at: start, what: "\(found) items, not \(count)") }
    }

    /// The head of a map of exactly `count` pairs.
    public mutating func map(exactly count: Int) throws(CBORError) {
        let start = position
        let found = try head(major: 5, "a map")
        guard found == UInt64(count) else { throw .outOfRange(at: start, what: "\(found) pairs, not \(count)") }
    }

    /// Exactly this tag.
    public mutating func tag(_ wanted: UInt64) throws(CBORError) {
        let start = position
        guard try head(major: 6, "a tag") == wanted else { throw .unexpected(at: start, wanted: "tag \(wanted)") }
    }

    private func simple() throws(CBORError) -> UInt8 {
        guard position < limit else { throw .truncated(at: position) }
        return input[position]
    }

    public mutating func bool() throws(CBORError) -> Bool {
        let value = try simple()
        guard value == 0xF4 || value == 0xF5 else { throw .unexpected(at: position, wanted: "a boolean") }
        position += 1
        return value == 0xF5
    }

    /// Reads a null if it stands here; false, and nothing read, if not.
    public mutating func null() throws(CBORError) -> Bool {
        guard try simple() == 0xF6 else { return false }
        position += 1
        return true
    }

    /// A byte string of at most `max` bytes, or null.
    public mutating func optionalBytes(max: Int) throws(CBORError) -> Bytes? {
        if try null() { return nil }
        return try bytes(max: max)
    }

    /// Nothing may follow.
    public func end() throws(CBORError) {
        guard position == limit else { throw .trailing(at: position) }
    }
}
