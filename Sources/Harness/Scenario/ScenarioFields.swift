internal import Site
internal import Terminal

/// One object of a scenario file, read strictly: a field that is unknown, missing or wrong is an error with its line.
struct ScenarioFields {
    struct Field {
        let key: String
        let line: Int
        let value: StrictJSON
    }

    let path: String
    /// Where the object begins, as far as is known: the line of its first field.
    let line: Int
    private let fields: [Field]

    init(_ value: StrictJSON, path: String, line: Int, known: [String]) throws(Failure) {
        self.path = path
        guard case .object(let members) = value else {
            throw Self.failure(path, line, "there must be an object, { … }")
        }
        fields = members.map { Field(key: $0.key, line: $0.line, value: $0.value) }
        self.line = fields.first?.line ?? line
        if let unknown = fields.first(where: { !known.contains($0.key) }) {
            throw Self.failure(
                path, unknown.line, "there is no field \"\(unknown.key)\" here",
                remedy: "Known fields: \(known.joined(separator: ", "))")
        }
    }

    func failure(_ cause: String, at key: String? = nil, remedy: String = "") -> Failure {
        let line = key.flatMap { key in fields.first { $0.key == key }?.line } ?? line
        return Self.failure(path, line, cause, remedy: remedy)
    }

    static func failure(_ path: String, _ line: Int, _ cause: String, remedy: String = "") -> Failure {
        Failure("cluster run", "\(path), line \(line)", cause, remedy: remedy)
    }

    func field(_ key: String) -> Field? { fields.first { $0.key == key } }

    func text(_ key: String) throws(Failure) -> String? {
        guard let field = field(key) else { return nil }
        guard case .string(let text) = field.value, !text.isEmpty else {
            throw wrong(key, "a string that is not empty")
        }
        return text
    }

    func flag(_ key: String) throws(Failure) -> Bool? {
        guard let field = field(key) else { return nil }
        guard case .bool(let value) = field.value else { throw wrong(key, "true or false") }
        return value
    }

    func integer(_ key: String, _ range: ClosedRange<Int>) throws(Failure) -> Int? {
        guard let field = field(key) else { return nil }
        guard case .number(let value) = field.value, let whole = Int(exactly: value), range.contains(whole) else {
            throw wrong(key, "a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return whole
    }

    /// Seconds, in the file with decimals if need be; milliseconds here.
    func milliseconds(_ key: String) throws(Failure) -> Int? {
        guard let field = field(key) else { return nil }
        guard case .number(let value) = field.value, (0...86_400).contains(value) else {
            throw wrong(key, "a number of seconds from 0 to 86400")
        }
        return Int((value * 1_000).rounded())
    }

    func texts(_ key: String) throws(Failure) -> [String]? {
        guard let field = field(key) else { return nil }
        guard let texts = Self.texts(field.value) else { throw wrong(key, "a list of strings") }
        return texts
    }

    func groups(_ key: String) throws(Failure) -> [[String]]? {
        guard let field = field(key) else { return nil }
        guard case .array(let values) = field.value else { throw wrong(key, "a list of lists of strings") }
        var groups: [[String]] = []
        for value in values {
            guard let group = Self.texts(value) else { throw wrong(key, "a list of lists of strings") }
            groups.append(group)
        }
        return groups
    }

    func objects(_ key: String, known: [String]) throws(Failure) -> [ScenarioFields] {
        guard let field = field(key) else { return [] }
        guard case .array(let values) = field.value else { throw wrong(key, "a list of objects") }
        var objects: [ScenarioFields] = []
        for value in values { objects.append(try ScenarioFields(value, path: path, line: field.line, known: known)) }
        return objects
    }

    func object(_ key: String, known: [String]) throws(Failure) -> ScenarioFields? {
        guard let field = field(key) else { return nil }
        return try ScenarioFields(field.value, path: path, line: field.line, known: known)
    }

    func choice<Value: RawRepresentable & CaseIterable>(_ key: String, _ type: Value.Type) throws(Failure) -> Value?
    where Value.RawValue == String {
        guard let text = try text(key) else { return nil }
        guard let value = Value(rawValue: text) else { throw wrong(key, "one of \(Self.listed(type))") }
        return value
    }

    static func listed<Value: RawRepresentable & CaseIterable>(_ type: Value.Type) -> String
    where Value.RawValue == String { Value.allCases.map(\.rawValue).joined(separator: ", ") }

    func required<Value>(_ key: String, _ value: Value?) throws(Failure) -> Value {
        guard let value else { throw failure("the field \"\(key)\" is missing") }
        return value
    }

    func wrong(_ key: String, _ wanted: String) -> Failure { failure("\"\(key)\" must be \(wanted)", at: key) }

    private static func texts(_ value: StrictJSON) -> [String]? {
        guard case .array(let values) = value else { return nil }
        let texts = values.compactMap { value in
            if case .string(let text) = value, !text.isEmpty { text } else { String?.none }
        }
        return texts.count == values.count ? texts : nil
    }
}
