import Wire

/// Reads PostgreSQL's binary values from borrowed memory. Every length is checked.
struct BinaryReader {
    private(set) var bytes: UnsafeRawBufferPointer

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    var count: Int { bytes.count }

    mutating func integer<Integer: FixedWidthInteger>(_: Integer.Type) throws(StorageError) -> Integer {
        let field = try take(Integer.bitWidth / 8)
        return Integer(bigEndian: field.loadUnaligned(as: Integer.self))
    }

    mutating func take(_ count: Int) throws(StorageError) -> UnsafeRawBufferPointer {
        guard count >= 0, bytes.count >= count else { throw Self.malformed("a value ends early") }
        defer { bytes = UnsafeRawBufferPointer(rebasing: bytes[count...]) }
        return UnsafeRawBufferPointer(rebasing: bytes[..<count])
    }

    /// All of the rest as text.
    func text() throws(StorageError) -> String {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw Self.malformed("a text is not UTF-8")
        }
        return text
    }

    /// A field with its length before it; nil for null.
    mutating func field() throws(StorageError) -> BinaryReader? {
        let length = try integer(Int32.self)
        if length == -1 { return nil }
        return BinaryReader(try take(Int(length)))
    }

    /// A field that must not be null.
    mutating func value() throws(StorageError) -> BinaryReader {
        guard let field = try field() else { throw Self.malformed("a value is null") }
        return field
    }

    /// A one-dimensional array without nulls.
    mutating func array<Element>(
        _ type: UInt32, _ decode: (inout BinaryReader) throws(StorageError) -> Element
    ) throws(StorageError) -> [Element] {
        let dimensions = try integer(Int32.self)
        _ = try integer(Int32.self)
        guard try integer(UInt32.self) == type else { throw Self.malformed("an array has another element type") }
        if dimensions == 0 { return [] }
        guard dimensions == 1 else { throw Self.malformed("an array has \(dimensions) dimensions") }
        let count = Int(try integer(Int32.self))
        _ = try integer(Int32.self)
        guard count >= 0, count <= bytes.count / 4 else { throw Self.malformed("an array ends early") }
        var elements: [Element] = []
        elements.reserveCapacity(count)
        for _ in 0..<count {
            var element = try value()
            elements.append(try decode(&element))
        }
        return elements
    }

    static func malformed(_ cause: String) -> StorageError {
        StorageError(.unexpectedData, operation: "read", object: "an answer of the database", cause: cause)
    }
}
