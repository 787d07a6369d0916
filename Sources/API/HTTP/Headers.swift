/// The header fields of a request or an answer, in their order; names compare without case.
public struct Headers: Sendable, Equatable, ExpressibleByDictionaryLiteral {
    /// One field.
    public struct Field: Sendable, Equatable {
        public var name: String
        public var value: String

        public init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    /// Every field, repeated ones included.
    public private(set) var fields: [Field]

    public init(_ fields: [Field] = []) {
        self.fields = fields
    }

    public init(dictionaryLiteral elements: (String, String)...) {
        fields = elements.map { Field($0.0, $0.1) }
    }

    /// The first value of `name`; setting it replaces every field of that name.
    public subscript(name: String) -> String? {
        get { fields.first { sameName($0.name, name) }?.value }
        set {
            fields.removeAll { sameName($0.name, name) }
            if let newValue { fields.append(Field(name, newValue)) }
        }
    }

    /// Every value of `name`, in order.
    public func all(_ name: String) -> [String] {
        fields.filter { sameName($0.name, name) }.map(\.value)
    }

    /// Adds a field beside others of the same name.
    public mutating func add(_ name: String, _ value: String) {
        fields.append(Field(name, value))
    }
}

/// Whether two ASCII names are equal but for their case.
package func sameName(_ one: String, _ other: String) -> Bool {
    let one = one.utf8
    let other = other.utf8
    return one.count == other.count && zip(one, other).allSatisfy { lower($0) == lower($1) }
}

/// Whether `text` is a token of RFC 9110, 5.6.2: a name that every parser reads alike.
package func isToken(_ text: String) -> Bool {
    !text.isEmpty
        && text.utf8.allSatisfy { byte in
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(lower(byte))
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                || "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
}

/// An ASCII letter in lower case, any other byte as it is.
func lower(_ byte: UInt8) -> UInt8 {
    byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z") ? byte + 32 : byte
}

/// The methods that the server knows: a route without one of them answers 405; any other method gets 501.
public enum HTTPMethod: String, Sendable, Hashable, CaseIterable {
    case get = "GET"
    case head = "HEAD"
    case post = "POST"
    case put = "PUT"
    case patch = "PATCH"
    case delete = "DELETE"
    case options = "OPTIONS"
    /// Known, so that they are refused like a method that a route has not: no route is written for them.
    case trace = "TRACE"
    case query = "QUERY"
}
