/// Any JSON document.
enum JSONValue: Codable {
    case null
    case bool(Bool)
    case integer(Int64)
    case number(Double)
    case text(String)
    case list([JSONValue])
    case object([String: JSONValue])

    init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        if value.decodeNil() {
            self = .null
        } else if let bool = try? value.decode(Bool.self) {
            self = .bool(bool)
        } else if let integer = try? value.decode(Int64.self) {
            self = .integer(integer)
        } else if let number = try? value.decode(Double.self) {
            self = .number(number)
        } else if let text = try? value.decode(String.self) {
            self = .text(text)
        } else if let list = try? value.decode([JSONValue].self) {
            self = .list(list)
        } else {
            self = .object(try value.decode([String: JSONValue].self))
        }
    }

    func encode(to encoder: any Encoder) throws {
        var value = encoder.singleValueContainer()
        switch self {
        case .null: try value.encodeNil()
        case .bool(let bool): try value.encode(bool)
        case .integer(let integer): try value.encode(integer)
        case .number(let number): try value.encode(number)
        case .text(let text): try value.encode(text)
        case .list(let list): try value.encode(list)
        case .object(let object): try value.encode(object)
        }
    }

    /// Where the numbers are, objects by sorted keys.
    var numbers: [[any CodingKey]] {
        switch self {
        case .null, .bool, .text: []
        case .integer, .number: [[]]
        case .list(let list):
            list.enumerated().flatMap { index, value in value.numbers.map { [Step(intValue: index)] + $0 } }
        case .object(let object):
            object.sorted { $0.key < $1.key }.flatMap { key, value in
                value.numbers.map { [Step(stringValue: key)] + $0 }
            }
        }
    }

    /// The document with all numbers but the first `count` replaced by 0, in the order of ``numbers``.
    func keepingNumbers(_ count: Int) -> JSONValue {
        var left = count
        return keepingNumbers(&left)
    }

    private func keepingNumbers(_ left: inout Int) -> JSONValue {
        switch self {
        case .null, .bool, .text: return self
        case .integer, .number:
            left -= 1
            return left >= 0 ? self : .integer(0)
        case .list(let list): return .list(list.map { $0.keepingNumbers(&left) })
        case .object(let object):
            var kept: [String: JSONValue] = [:]
            for (key, value) in object.sorted(by: { $0.key < $1.key }) { kept[key] = value.keepingNumbers(&left) }
            return .object(kept)
        }
    }

    /// One step of a path.
    private struct Step: CodingKey {
        let stringValue: String
        let intValue: Int?

        init(stringValue: String) {
            self.stringValue = stringValue
            intValue = nil
        }

        init(intValue: Int) {
            stringValue = "\(intValue)"
            self.intValue = intValue
        }
    }
}
