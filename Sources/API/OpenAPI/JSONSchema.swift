/// A JSON Schema (draft 2020-12), as much of it as reports and requests need.
public indirect enum JSONSchema: Sendable, Equatable {
    case any
    case text(choices: [String])
    /// Text of so many characters (code points).
    case words(ClosedRange<Int>)
    /// Text that a regular expression (ECMA-262) describes from end to end.
    case pattern(String)
    case boolean
    /// `least` where the type itself has a bound.
    case integer(least: Int?)
    case whole(ClosedRange<Int>)
    case number
    case real(from: Bound, to: Bound)
    case list(of: JSONSchema)
    /// A list of so many.
    case some(of: JSONSchema, ClosedRange<Int>)
    case map(of: JSONSchema)
    /// - Parameter isClosed: fields beyond these are refused.
    case object(fields: [Field], isClosed: Bool)
    /// The value, or null.
    case optional(JSONSchema)

    /// An end of a range of numbers: itself allowed, or not.
    public enum Bound: Sendable, Equatable {
        case including(Double)
        case excluding(Double)
    }

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
        case .words(let length):
            return Self.bounded("string", length, "minLength", "maxLength")
        case .pattern(let pattern): return .object(["type": .text("string"), "pattern": .text("^(?:\(pattern))$")])
        case .boolean: return .object(["type": .text("boolean")])
        case .integer(let least):
            var object: [String: JSONValue] = ["type": .text("integer")]
            if let least { object["minimum"] = .integer(Int64(least)) }
            return .object(object)
        case .whole(let range):
            return .object([
                "type": .text("integer"), "minimum": .integer(Int64(range.lowerBound)),
                "maximum": .integer(Int64(range.upperBound)),
            ])
        case .number: return .object(["type": .text("number")])
        case .real(let from, let to):
            var object: [String: JSONValue] = ["type": .text("number")]
            switch from {
            case .including(let least): object["minimum"] = .number(least)
            case .excluding(let edge): object["exclusiveMinimum"] = .number(edge)
            }
            switch to {
            case .including(let most): object["maximum"] = .number(most)
            case .excluding(let edge): object["exclusiveMaximum"] = .number(edge)
            }
            return .object(object)
        case .list(let element): return .object(["type": .text("array"), "items": element.json])
        case .some(let element, let count):
            return Self.bounded("array", count, "minItems", "maxItems", ["items": element.json])
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

    /// A range up to `Int.max` has no upper end.
    private static func bounded(
        _ type: String, _ range: ClosedRange<Int>, _ least: String, _ most: String, _ more: [String: JSONValue] = [:]
    ) -> JSONValue {
        var object = more
        object["type"] = .text(type)
        object[least] = .integer(Int64(range.lowerBound))
        if range.upperBound < Int.max { object[most] = .integer(Int64(range.upperBound)) }
        return .object(object)
    }
}
