/// An option that takes a value: `--name VALUE` or `--name=VALUE`.
///
/// Declared once, it is listed in its command and read with `call[option]`, already typed: `Value` with a
/// default or when required, an optional without one, an array when repeated.
public struct Option<Value: Sendable>: OptionDeclaration {
    public let spec: OptionSpec

    /// May be given once; `default` holds otherwise.
    public init(_ name: String, _ type: ValueType<Value>, default value: Value, _ help: String) {
        spec = OptionSpec(name, type.placeholder, help, defaultText: type.show(value)) { words throws(WrongValue) in
            try words.last.map { word throws(WrongValue) in try read(word, type) } ?? value
        }
    }

    /// May be given once; nil otherwise.
    public init<Wrapped>(_ name: String, _ type: ValueType<Wrapped>, _ help: String) where Value == Wrapped? {
        spec = OptionSpec(name, type.placeholder, help) { words throws(WrongValue) in
            try words.last.map { word throws(WrongValue) in try read(word, type) }
        }
    }

    /// Must be given.
    public init(required name: String, _ type: ValueType<Value>, _ help: String) {
        spec = OptionSpec(name, type.placeholder, help, isRequired: true) { words throws(WrongValue) in
            guard let word = words.last else { throw WrongValue(cause: "it is missing") }
            return try read(word, type)
        }
    }

    /// May be given any number of times.
    public init<Element>(repeated name: String, _ type: ValueType<Element>, _ help: String) where Value == [Element] {
        spec = OptionSpec(name, type.placeholder, help, isRepeated: true) { words throws(WrongValue) in
            try words.map { word throws(WrongValue) in try read(word, type) }
        }
    }
}

/// A switch: `--name`, read with `call[flag]`.
public struct Flag: Sendable {
    let name: String
    let help: String

    public init(_ name: String, _ help: String) {
        self.name = name
        self.help = help
    }
}

/// A positional argument, read with `call[argument]`.
public struct Argument<Value: Sendable>: ArgumentDeclaration {
    public let spec: ArgumentSpec

    /// Must be given.
    public init(_ name: String, _ type: ValueType<Value>, _ help: String) {
        spec = ArgumentSpec(name: name, help: help, count: 1...1) { words throws(WrongValue) in
            guard let word = words.first else { throw WrongValue(cause: "it is missing") }
            return try read(word, type)
        }
    }

    /// May be left out; nil then. Only optional ones may follow.
    public init<Wrapped>(optional name: String, _ type: ValueType<Wrapped>, _ help: String) where Value == Wrapped? {
        spec = ArgumentSpec(name: name, help: help, count: 0...1) { words throws(WrongValue) in
            try words.first.map { word throws(WrongValue) in try read(word, type) }
        }
    }

    /// Takes all that is left, at least `atLeast`. Only as the last one.
    public init<Element>(repeated name: String, _ type: ValueType<Element>, atLeast: Int = 1, _ help: String)
    where Value == [Element] {
        spec = ArgumentSpec(name: name, help: help, count: atLeast...Int.max) { words throws(WrongValue) in
            try words.map { word throws(WrongValue) in try read(word, type) }
        }
    }
}

/// An ``Option`` of whatever type, for lists.
public protocol OptionDeclaration: Sendable {
    var spec: OptionSpec { get }
}

/// An ``Argument`` of whatever type, for lists.
public protocol ArgumentDeclaration: Sendable {
    var spec: ArgumentSpec { get }
}

/// What the parser and the help need to know of an option.
public struct OptionSpec: Sendable {
    let name: String
    let placeholder: String
    let help: String
    let defaultText: String?
    let isRequired: Bool
    let isRepeated: Bool
    let parse: @Sendable ([String]) throws(WrongValue) -> any Sendable

    init(
        _ name: String, _ placeholder: String, _ help: String, defaultText: String? = nil, isRequired: Bool = false,
        isRepeated: Bool = false, parse: @escaping @Sendable ([String]) throws(WrongValue) -> any Sendable
    ) {
        self.name = name
        self.placeholder = placeholder
        self.help = help
        self.defaultText = defaultText
        self.isRequired = isRequired
        self.isRepeated = isRepeated
        self.parse = parse
    }
}

/// What the parser and the help need to know of an argument.
public struct ArgumentSpec: Sendable {
    let name: String
    let help: String
    /// How many words it takes.
    let count: ClosedRange<Int>
    let parse: @Sendable ([String]) throws(WrongValue) -> any Sendable
}

/// A word that is not a value of its type.
public struct WrongValue: Error, Sendable {
    let cause: String
}

private func read<Value>(_ word: String, _ type: ValueType<Value>) throws(WrongValue) -> Value {
    guard let value = type.parse(word) else { throw WrongValue(cause: "'\(printable(word))' is not \(type.rule)") }
    return value
}
