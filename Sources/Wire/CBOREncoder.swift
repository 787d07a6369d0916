/// Writes deterministic CBOR (RFC 8949 §4.2.1): definite lengths, shortest integers, no floats.
///
/// The caller writes items in order; a container is its head followed by its items.
/// Map keys must be written in bytewise order of their encodings; only COSE headers need maps.
public struct CBOREncoder: Sendable {
    public private(set) var bytes: Bytes = []

    public init(reserving capacity: Int = 0) { bytes.reserveCapacity(capacity) }

    private mutating func head(_ major: UInt8, _ value: UInt64) {
        let top = major << 5
        switch value {
        case 0..<24: bytes.append(top | UInt8(value))
        case 24...0xFF:
            bytes.append(top | 24)
            bytes.append(UInt8(value))
        case 0x100...0xFFFF:
            bytes.append(top | 25)
            UInt16(value).append(to: &bytes)
        case 0x1_0000...0xFFFF_FFFF:
            bytes.append(top | 26)
            UInt32(value).append(to: &bytes)
        default:
            bytes.append(top | 27)
            value.append(to: &bytes)
        }
    }

    public mutating func uint(_ value: UInt64) { head(0, value) }
    public mutating func int(_ value: Int64) {
        if value >= 0 { head(0, UInt64(value)) } else { head(1, UInt64(bitPattern: ~value)) }
    }
    public mutating func bytes(_ value: some Collection<UInt8>) {
        head(2, UInt64(value.count))
        bytes += value
    }
    /// As above: other rooms call the generic one at ten times the cost.
    public mutating func bytes(_ value: Bytes) {
        head(2, UInt64(value.count))
        bytes += value
    }
    public mutating func bytes<Tag>(_ id: ID32<Tag>) {
        head(2, 32)
        id.append(to: &bytes)
    }
    public mutating func text(_ value: String) {
        head(3, UInt64(value.utf8.count))
        bytes += value.utf8
    }
    public mutating func array(_ count: Int) { head(4, UInt64(count)) }
    public mutating func map(_ count: Int) { head(5, UInt64(count)) }
    public mutating func tag(_ value: UInt64) { head(6, value) }
    public mutating func bool(_ value: Bool) { bytes.append(value ? 0xF5 : 0xF4) }
    public mutating func null() { bytes.append(0xF6) }

    /// A byte string, or null.
    public mutating func optionalBytes(_ value: Bytes?) {
        if let value { bytes(value) } else { null() }
    }

    /// Appends an item that is already encoded.
    public mutating func raw(_ item: Bytes) { bytes += item }
    public mutating func raw(_ item: some Collection<UInt8>) { bytes += item }
}
