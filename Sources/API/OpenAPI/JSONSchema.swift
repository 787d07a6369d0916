/// A JSON Schema (draft 2020-12), as much of it as reports and requests need.
public indirect enum JSONSchema: Sendable, Equatable {
    case any
    case text(choices: [String])
    case boolean
    /// `least` where the type itself has a bound.
    case integer(least: Int?)
    case number
    case list(of: JSONSchema)
    case map(of: JSONSchema)
    /// - Parameter isClosed: fields beyond these are refused.
    case object(fields: [Field], isClosed: Bool)
    /// The value, or null.
    case optional(JSONSchema)

    public struct Field: Sendable, Equatable {
        public let name: String
        public let schema: JSONSchema
        public let isRequired: Bool

        public init(_ name: String, _ schema: JSONSchema, isRequired: Bool) {
            self.name = name
            self.schema = schema
            self.isRequired = isRequired
        }
    }

    /// As a JSON document.
    var json: JSONValue {
        switch self {
        case .any: return .object([:])
        case .text(let choices):
            var object: [String: JSONValue] = ["type": .text("string")]
            if !choices.isEmpty { object["enum"] = .list(choices.map { .text($0) }) }
            return .object(object)
        case .boolean: return .object(["type": .text("boolean")])
        case .integer(let least):
            var object: [String: JSONValue] = ["type": .text("integer")]
            if let least { object["minimum"] = .integer(Int64(least)) }
            return .object(object)
        case .number: return .object(["type": .text("number")])
        case .list(let element): return .object(["type": .text("array"), "items": element.json])
        case .map(let value): return .object(["type": .text("object"), "additionalProperties": value.json])
        case .object(let fields, let isClosed):
            let sorted = fields.sorted { $0.name < $1.name }
            var object: [String: JSONValue] = [
                "type": .text("object"),
                "properties": .object(Dictionary(uniqueKeysWithValues: sorted.map { ($0.name, $0.schema.json) })),
            ]
            let required = sorted.filter(\.isRequired).map { JSONValue.text($0.name) }
            if !required.isEmpty { object["required"] = .list(required) }
            if isClosed { object["additionalProperties"] = .bool(false) }
            return .object(object)
        case .optional(let schema):
            return .object(["anyOf": .list([schema.json, .object(["type": .text("null")])])])
        }
    }
}
