import Wire

/// PostgreSQL's binary value format: big-endian, each field with a 32-bit length before it.
struct BinaryWriter {
    var bytes: Bytes = []

    // Without a length.

    mutating func raw(_ value: some FixedWidthInteger) {
        withUnsafeBytes(of: value.bigEndian) { bytes.append(contentsOf: $0) }
    }

    mutating func raw(contentsOf value: some Collection<UInt8>) {
        bytes.append(contentsOf: value)
    }

    mutating func rawText(_ value: String) throws(StorageError) {
        let start = bytes.count
        bytes.append(contentsOf: value.utf8)
        if bytes[start...].contains(0) { throw Self.invalidText(value) }
    }

    // As a field: length, then value.

    mutating func null() { raw(-1 as Int32) }

    mutating func integer(_ value: some FixedWidthInteger) {
        raw(Int32(value.bitWidth / 8))
        raw(value)
    }

    mutating func bytes(_ value: some Collection<UInt8>) {
        raw(Int32(value.count))
        bytes.append(contentsOf: value)
    }

    mutating func text(_ value: String) throws(StorageError) {
        raw(Int32(value.utf8.count))
        try rawText(value)
    }

    /// One-dimensional array: dimensions, null flag, element type, length, lower bound; fields follow.
    mutating func arrayHeader(of type: UInt32, count: Int, hasNull: Bool = false) {
        raw((count == 0 ? 0 : 1) as Int32)
        raw((hasNull ? 1 : 0) as Int32)
        raw(type)
        guard count > 0 else { return }
        raw(Int32(count))
        raw(1 as Int32)
    }

    mutating func array<Values: Collection>(of type: UInt32, _ values: Values)
    where Values.Element: FixedWidthInteger {
        arrayHeader(of: type, count: values.count)
        bytes.reserveCapacity(bytes.count + values.count * (4 + Values.Element.bitWidth / 8))
        for value in values { integer(value) }
    }

    static func invalidText(_ value: String) -> StorageError {
        let shown = String(String.UnicodeScalarView(value.unicodeScalars.prefix(40).map { $0 == "\0" ? "␀" : $0 }))
        return StorageError(
            .invalidText, operation: "store", object: "the text \"\(shown)\"",
            cause: "it contains U+0000, which PostgreSQL cannot hold", remedy: "remove that character")
    }
}
