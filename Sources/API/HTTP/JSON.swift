import FoundationEssentials

/// JSON as shoal writes it: sorted keys in snake_case, plain slashes, so that equal values give equal bytes.
///
/// Swift's `stateDigest` is JSON's `state_digest`. Names avoid capital abbreviations (`peerId` would
/// not come back as `peerID`).
public enum JSON {
    /// Encodes `value`; fails only for numbers that JSON cannot hold (NaN, infinities).
    public static func encode(_ value: some Encodable, pretty: Bool = false) throws(Problem) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting =
            pretty ? [.sortedKeys, .withoutEscapingSlashes, .prettyPrinted] : [.sortedKeys, .withoutEscapingSlashes]
        encoder.keyEncodingStrategy = .convertToSnakeCase
        do {
            return try [UInt8](encoder.encode(value))
        } catch {
            throw .internalError("the answer has a value that JSON cannot hold")
        }
    }

    /// Decodes one JSON document; a mistake becomes a 400 that names the field.
    public static func decode<Value: Decodable>(_ type: Value.Type, from bytes: [UInt8]) throws(Problem) -> Value {
        try lenient(type, Data(bytes))
    }

    /// As ``decode(_:from:)``, and refuses fields that `Value` does not know: a misspelt option is an error.
    public static func decode<Value: StrictDecodable>(_ type: Value.Type, from bytes: [UInt8]) throws(Problem) -> Value
    {
        let data = Data(bytes)
        let value = try lenient(type, data)
        let known = Value.CodingKeys.allCases.map { snakeCase($0.stringValue) }
        let names = try lenient([String: Anything].self, data).keys.sorted()
        if let unknown = names.first(where: { !known.contains($0) }) {
            throw .badRequest(
                "the field '\(unknown)' is unknown", remedy: "known fields: \(known.sorted().joined(separator: ", "))",
                field: unknown)
        }
        return value
    }

    private static func decoder() -> JSONDecoder {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return decoder
    }

    private static func lenient<Value: Decodable>(_ type: Value.Type, _ data: Data) throws(Problem) -> Value {
        do {
            return try decoder().decode(type, from: data)
        } catch let error as DecodingError {
            throw unfittingNumber(type, data) ?? problem(error)
        } catch {
            throw .badRequest("the body is not JSON")
        }
    }

    /// The field whose number does not fit its type, such as 32.5 for a whole number.
    ///
    /// The decoder says only that the document is corrupt. So every number is replaced by 0, and they are
    /// put back one by one until the decoder balks. Costs one decoding per number, for small documents only.
    private static func unfittingNumber<Value: Decodable>(_ type: Value.Type, _ data: Data) -> Problem? {
        guard data.count <= 64 << 10, let document = try? JSONDecoder().decode(JSONValue.self, from: data) else {
            return nil
        }
        let numbers = document.numbers
        guard (1...256).contains(numbers.count) else { return nil }
        func decodes(_ count: Int) -> Bool {
            guard let data = try? JSONEncoder().encode(document.keepingNumbers(count)) else { return false }
            return (try? decoder().decode(type, from: data)) != nil
        }
        guard decodes(0), let culprit = numbers.indices.first(where: { !decodes($0 + 1) }) else { return nil }
        let field = name(numbers[culprit])
        return .badRequest("the field '\(field)' has a number out of its range", field: field)
    }

    private static func problem(_ error: DecodingError) -> Problem {
        switch error {
        case .keyNotFound(let key, let context):
            let field = name(context.codingPath + [key])
            return .badRequest("the field '\(field)' is missing", field: field)
        case .valueNotFound(let type, let context), .typeMismatch(let type, let context):
            let field = name(context.codingPath)
            let subject = field.isEmpty ? "the body" : "the field '\(field)'"
            return .badRequest("\(subject) must be \(plainName(type))", field: field.isEmpty ? nil : field)
        case .dataCorrupted(let context):
            let field = name(context.codingPath)
            guard !field.isEmpty else { return .badRequest("the body is not JSON") }
            return .badRequest("the field '\(field)' is not valid: \(context.debugDescription)", field: field)
        @unknown default:
            return .badRequest("the body is not JSON")
        }
    }

    /// `options.layers[2]` from a coding path.
    private static func name(_ path: [any CodingKey]) -> String {
        path.reduce(into: "") { text, key in
            if let index = key.intValue {
                text += "[\(index)]"
            } else {
                let name = snakeCase(key.stringValue)
                text += text.isEmpty ? name : ".\(name)"
            }
        }
    }

    static func snakeCase(_ name: String) -> String {
        name.reduce(into: "") { text, letter in
            if letter.isUppercase { text += "_" + letter.lowercased() } else { text.append(letter) }
        }
    }

    private static func plainName(_ type: Any.Type) -> String {
        switch type {
        case is String.Type: "text"
        case is Bool.Type: "true or false"
        case is any UnsignedInteger.Type: "a whole number, 0 or more"
        case is any BinaryInteger.Type: "a whole number"
        case is any BinaryFloatingPoint.Type: "a number"
        case is [Any].Type: "a list"
        default: "\(type)".hasPrefix("Array") ? "a list" : "an object"
        }
    }
}

/// A request body whose unknown fields are mistakes: declare `CodingKeys` as `CaseIterable`.
public protocol StrictDecodable: Decodable {
    associatedtype CodingKeys: CodingKey & CaseIterable & Hashable
    /// What a field takes where that is less than its type holds; the handler refuses the rest.
    static var narrowed: [CodingKeys: JSONSchema] { get }
}

extension StrictDecodable {
    public static var narrowed: [CodingKeys: JSONSchema] { [:] }

    static func narrowing(_ fields: [JSONSchema.Field]) -> [JSONSchema.Field] {
        fields.map { field in
            guard let key = narrowed.keys.first(where: { JSON.snakeCase($0.stringValue) == field.name }),
                let schema = narrowed[key]
            else { return field }
            let isOptional = if case .optional = field.schema { true } else { false }
            return .init(field.name, isOptional ? .optional(schema) : schema, isRequired: field.isRequired)
        }
    }
}

/// Decodes as whatever is there.
private struct Anything: Decodable {
    init(from decoder: any Decoder) {}
}
