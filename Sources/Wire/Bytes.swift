/// Owned bytes, the common currency of every room.
public typealias Bytes = [UInt8]

/// Lower-case hexadecimal text, the only textual form of ids and hashes.
public enum Hex {
    /// Two digits per byte.
    public static func encode(_ bytes: some Collection<UInt8>) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(unsafeUninitializedCapacity: bytes.count * 2) { buffer in
            var at = 0
            for byte in bytes {
                buffer[at] = digits[Int(byte >> 4)]
                buffer[at + 1] = digits[Int(byte & 15)]
                at += 2
            }
            return at
        }
    }

    /// The bytes, or nil unless `text` is an even number of hexadecimal digits (either case).
    public static func decode(_ text: some StringProtocol) -> Bytes? {
        let utf8 = Array(text.utf8)
        guard utf8.count.isMultiple(of: 2) else { return nil }
        var bytes = Bytes()
        bytes.reserveCapacity(utf8.count / 2)
        for at in stride(from: 0, to: utf8.count, by: 2) {
            guard let high = value(utf8[at]), let low = value(utf8[at + 1]) else { return nil }
            bytes.append(high << 4 | low)
        }
        return bytes
    }

    private static func value(_ digit: UInt8) -> UInt8? {
        switch digit {
        case 0x30...0x39: digit - 0x30
        case 0x61...0x66: digit - 0x61 + 10
        case 0x41...0x46: digit - 0x41 + 10
        default: nil
        }
    }
}

extension FixedWidthInteger {
    /// Big-endian bytes, network order.
    @inlinable public var bigEndianBytes: Bytes {
        withUnsafeBytes(of: bigEndian) { Bytes($0) }
    }

    /// Appends its big-endian bytes.
    @inlinable public func append(to bytes: inout Bytes) {
        withUnsafeBytes(of: bigEndian) { bytes.append(contentsOf: $0) }
    }

    /// Reads a big-endian integer; nil unless there are exactly as many bytes as the type has.
    @inlinable public init?(bigEndianBytes bytes: some Collection<UInt8>) {
        guard bytes.count == Self.bitWidth / 8 else { return nil }
        var value: Self = 0
        for byte in bytes { value = (value << 8) | Self(truncatingIfNeeded: byte) }
        self = value
    }
}
