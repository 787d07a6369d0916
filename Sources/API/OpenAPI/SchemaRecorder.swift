extension JSONSchema {
    /// The schema of a type, found by letting it decode itself from a decoder that notes what it asks for: the
    /// description cannot differ from what the type reads and writes.
    ///
    /// For types with synthesised coding, as all reports and requests are. Field names are those of ``JSON``.
    public init(of type: (some Decodable).Type) { self = Self.record(type) }

    fileprivate static func record(_ type: any Decodable.Type) -> JSONSchema {
        if let choices = (type as? any Choices.Type)?.choices { return .text(choices: choices) }
        if type is String.Type { return .text(choices: []) }
        if type is Bool.Type { return .boolean }
        if type is any UnsignedInteger.Type { return .integer(least: 0) }
        if type is any BinaryInteger.Type { return .integer(least: nil) }
        if type is any BinaryFloatingPoint.Type { return .number }
        if let list = type as? any DecodableList.Type { return .list(of: record(list.element)) }
        if let map = type as? any DecodableMap.Type { return .map(of: record(map.value)) }
        if let optional = type as? any DecodableOptional.Type { return .optional(record(optional.wrapped)) }
        let recorder = SchemaRecorder()
        _ = try? type.init(from: recorder)
        return recorder.schema(as: type as? any StrictDecodable.Type)
    }

    /// Some value of a type, so that decoding goes on to the next field.
    fileprivate static func sample(_ type: any Decodable.Type) throws -> any Decodable {
        if let choice = (type as? any Choices.Type)?.sample { return choice }
        if type is String.Type { return "" }
        return try type.init(from: SchemaRecorder())
    }
}

/// Notes the keys that a type asks for, and answers each with a value that means nothing.
private final class SchemaRecorder: Decoder {
    private(set) var fields: [JSONSchema.Field] = []
    var codingPath: [any CodingKey] { [] }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func note(_ key: any CodingKey, _ schema: JSONSchema, isRequired: Bool) {
        fields.append(.init(JSON.snakeCase(key.stringValue), schema, isRequired: isRequired))
    }

    func schema(as strict: (any StrictDecodable.Type)?) -> JSONSchema {
        guard let strict else { return fields.isEmpty ? .any : .object(fields: fields, isClosed: false) }
        return .object(fields: strict.narrowing(fields), isClosed: true)
    }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedDecodingContainer<Key> {
        KeyedDecodingContainer(Keyed<Key>(recorder: self))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer { Empty() }

    func singleValueContainer() -> any SingleValueDecodingContainer { Single() }

    private struct Keyed<Key: CodingKey>: KeyedDecodingContainerProtocol {
        let recorder: SchemaRecorder
        var codingPath: [any CodingKey] { [] }
        var allKeys: [Key] { [] }

        func contains(_ key: Key) -> Bool { true }

        func decodeNil(forKey key: Key) -> Bool { true }

        func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
            recorder.note(key, JSONSchema.record(type), isRequired: true)
            return try JSONSchema.sample(type) as! Value
        }

        func decodeIfPresent<Value: Decodable>(_ type: Value.Type, forKey key: Key) -> Value? {
            recorder.note(key, .optional(JSONSchema.record(type)), isRequired: false)
            return nil
        }

        func decodeIfPresent(_ type: Bool.Type, forKey key: Key) -> Bool? { absent(type, key) }
        func decodeIfPresent(_ type: String.Type, forKey key: Key) -> String? { absent(type, key) }
        func decodeIfPresent(_ type: Double.Type, forKey key: Key) -> Double? { absent(type, key) }
        func decodeIfPresent(_ type: Float.Type, forKey key: Key) -> Float? { absent(type, key) }
        func decodeIfPresent(_ type: Int.Type, forKey key: Key) -> Int? { absent(type, key) }
        func decodeIfPresent(_ type: Int64.Type, forKey key: Key) -> Int64? { absent(type, key) }
        func decodeIfPresent(_ type: UInt64.Type, forKey key: Key) -> UInt64? { absent(type, key) }

        private func absent<Value: Decodable>(_ type: Value.Type, _ key: Key) -> Value? {
            recorder.note(key, .optional(JSONSchema.record(type)), isRequired: false)
            return nil
        }

        func nestedContainer<Nested: CodingKey>(
            keyedBy type: Nested.Type, forKey key: Key
        ) -> KeyedDecodingContainer<Nested> {
            recorder.note(key, .any, isRequired: true)
            return SchemaRecorder().container(keyedBy: type)
        }

        func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
            recorder.note(key, .list(of: .any), isRequired: true)
            return Empty()
        }

        func superDecoder() -> any Decoder { SchemaRecorder() }
        func superDecoder(forKey key: Key) -> any Decoder { SchemaRecorder() }
    }

    private struct Empty: UnkeyedDecodingContainer {
        var codingPath: [any CodingKey] { [] }
        var count: Int? { 0 }
        var isAtEnd: Bool { true }
        var currentIndex: Int { 0 }

        func decodeNil() -> Bool { true }
        func decode<Value: Decodable>(_ type: Value.Type) throws -> Value { try JSONSchema.sample(type) as! Value }
        func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type) -> KeyedDecodingContainer<Nested> {
            SchemaRecorder().container(keyedBy: type)
        }
        func nestedUnkeyedContainer() -> any UnkeyedDecodingContainer { Empty() }
        func superDecoder() -> any Decoder { SchemaRecorder() }
    }

    private struct Single: SingleValueDecodingContainer {
        var codingPath: [any CodingKey] { [] }

        func decodeNil() -> Bool { true }
        func decode(_ type: Bool.Type) -> Bool { false }
        func decode(_ type: String.Type) -> String { "" }
        func decode(_ type: Double.Type) -> Double { 0 }
        func decode(_ type: Float.Type) -> Float { 0 }
        func decode(_ type: Int.Type) -> Int { 0 }
        func decode(_ type: Int8.Type) -> Int8 { 0 }
        func decode(_ type: Int16.Type) -> Int16 { 0 }
        func decode(_ type: Int32.Type) -> Int32 { 0 }
        func decode(_ type: Int64.Type) -> Int64 { 0 }
        func decode(_ type: UInt.Type) -> UInt { 0 }
        func decode(_ type: UInt8.Type) -> UInt8 { 0 }
        func decode(_ type: UInt16.Type) -> UInt16 { 0 }
        func decode(_ type: UInt32.Type) -> UInt32 { 0 }
        func decode(_ type: UInt64.Type) -> UInt64 { 0 }
        func decode<Value: Decodable>(_ type: Value.Type) throws -> Value { try JSONSchema.sample(type) as! Value }
    }
}

// Conformances by which the recorder sees through the standard library's types.

private protocol DecodableList { static var element: any Decodable.Type { get } }
extension Array: DecodableList where Element: Decodable {
    fileprivate static var element: any Decodable.Type { Element.self }
}
private protocol DecodableMap { static var value: any Decodable.Type { get } }
extension Dictionary: DecodableMap where Key == String, Value: Decodable {
    fileprivate static var value: any Decodable.Type { Value.self }
}
private protocol DecodableOptional { static var wrapped: any Decodable.Type { get } }
extension Optional: DecodableOptional where Wrapped: Decodable {
    fileprivate static var wrapped: any Decodable.Type { Wrapped.self }
}

/// An enumeration of words: reports that have one conform to it to be described.
public protocol Choices: Decodable, CaseIterable, RawRepresentable where RawValue == String {}
extension Choices {
    static var choices: [String] { allCases.map(\.rawValue) }
    static var sample: (any Decodable)? { allCases.first }
}
