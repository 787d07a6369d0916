/// What an option or an argument accepts, and how that reads in help and errors.
public struct ValueType<Value: Sendable>: Sendable {
    /// The word for the value in usage lines: `N`, `FILE`.
    let placeholder: String
    /// Completes "'x' is not …": `a whole number from 1 to 9`.
    let rule: String
    let parse: @Sendable (String) -> Value?
    let show: @Sendable (Value) -> String

    /// A type of your own.
    ///
    /// - Parameters:
    ///   - rule: completes "'x' is not …".
    ///   - parse: nil for text that is not a value.
    ///   - show: the value as it would be typed, for defaults in help.
    public init(
        placeholder: String, rule: String, parse: @escaping @Sendable (String) -> Value?,
        show: @escaping @Sendable (Value) -> String
    ) {
        self.placeholder = placeholder
        self.rule = rule
        self.parse = parse
        self.show = show
    }

    /// The same type under another word.
    public func named(_ placeholder: String) -> ValueType {
        ValueType(placeholder: placeholder, rule: rule, parse: parse, show: show)
    }
}

extension ValueType where Value == String {
    /// Any text that is not empty.
    public static var text: ValueType {
        ValueType(placeholder: "TEXT", rule: "a text with at least one character") {
            $0.isEmpty ? nil : $0
        } show: {
            $0
        }
    }

    /// The path of a file or directory.
    public static var path: ValueType {
        ValueType(placeholder: "PATH", rule: "a path") {
            $0.isEmpty || $0.contains("\0") ? nil : $0
        } show: {
            $0
        }
    }

    /// `HOST:PORT`, `[IPv6]:PORT` or `:PORT`; the port is 0-65535.
    public static var hostAndPort: ValueType {
        ValueType(placeholder: "HOST:PORT", rule: "an address like 127.0.0.1:4747 or [::1]:4747") { text in
            guard let colon = text.lastIndex(of: ":"), UInt16(text[text.index(after: colon)...]) != nil else {
                return nil
            }
            let host = text[..<colon]
            let isBracketed = host.hasPrefix("[") && host.hasSuffix("]") && host.count > 2
            return isBracketed || !host.contains(where: { ":[] \t".contains($0) }) ? text : nil
        } show: {
            $0
        }
    }

    /// One of a few words.
    public static func choice(_ words: String...) -> ValueType {
        ValueType(placeholder: words.joined(separator: "|"), rule: "one of \(listed(words))") {
            words.contains($0) ? $0 : nil
        } show: {
            $0
        }
    }
}

extension ValueType where Value == Int {
    /// A whole number within `range`.
    public static func integer(_ range: ClosedRange<Int> = .min ... .max) -> ValueType {
        ValueType(placeholder: "N", rule: "a whole number\(bounds(range, .min ... .max))") { text in
            Int(text).flatMap { range.contains($0) ? $0 : nil }
        } show: {
            "\($0)"
        }
    }
}

extension ValueType where Value == Double {
    /// A finite number within `range`.
    public static func number(
        _ range: ClosedRange<Double> = -Double.greatestFiniteMagnitude ... .greatestFiniteMagnitude
    ) -> ValueType {
        let all = -Double.greatestFiniteMagnitude...Double.greatestFiniteMagnitude
        return ValueType(placeholder: "X", rule: "a number\(bounds(range, all))") { text in
            Double(text).flatMap { range.contains($0) ? $0 : nil }
        } show: {
            $0 == $0.rounded() && abs($0) < 1e15 ? "\(Int($0))" : "\($0)"
        }
    }
}

extension ValueType where Value == Duration {
    /// A time like `500ms`, `30s`, `5m` or `2h`.
    public static var duration: ValueType {
        ValueType(placeholder: "TIME", rule: "a time like 500ms, 30s, 5m or 2h") { text in
            let unit = text.drop { "0123456789.".contains($0) }
            guard let amount = Double(text.dropLast(unit.count)), amount < 1e9 else { return nil }
            let seconds: Double? =
                switch unit {
                case "ms": 0.001
                case "s": 1
                case "m": 60
                case "h": 3600
                default: nil
                }
            return seconds.map { .milliseconds(Int((amount * $0 * 1000).rounded())) }
        } show: {
            Format.duration($0)
        }
    }
}

extension ValueType where Value: RawRepresentable & CaseIterable, Value.RawValue == String {
    /// One case of an enumeration, by its raw value.
    public static func choice(_ type: Value.Type = Value.self) -> ValueType {
        let words = Value.allCases.map(\.rawValue)
        return ValueType(placeholder: words.joined(separator: "|"), rule: "one of \(listed(words))") {
            Value(rawValue: $0)
        } show: {
            $0.rawValue
        }
    }
}

/// `a, b or c`.
func listed(_ words: [String]) -> String {
    guard words.count > 1, let last = words.last else { return words.first ?? "" }
    return "\(words.dropLast().joined(separator: ", ")) or \(last)"
}

private func bounds<Number: Comparable>(_ range: ClosedRange<Number>, _ all: ClosedRange<Number>) -> String {
    switch (range.lowerBound == all.lowerBound, range.upperBound == all.upperBound) {
    case (true, true): ""
    case (false, true): ", \(range.lowerBound) or more"
    case (true, false): ", \(range.upperBound) or less"
    case (false, false): " from \(range.lowerBound) to \(range.upperBound)"
    }
}
