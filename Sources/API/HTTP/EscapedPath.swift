/// A path for ``HTTPClient``, written as a literal: `"/api/models/\(agent)/info"`.
///
/// What is interpolated becomes one escaped segment, whatever characters it holds.
public struct EscapedPath: Sendable, Equatable, ExpressibleByStringInterpolation {
    /// The path as it goes on the wire.
    public let text: String

    public init(stringLiteral value: String) {
        text = value
    }

    public init(stringInterpolation: Interpolation) {
        text = stringInterpolation.text
    }

    /// Collects literals as they are and values escaped.
    public struct Interpolation: StringInterpolationProtocol {
        var text = ""

        public init(literalCapacity: Int, interpolationCount: Int) {
            text.reserveCapacity(literalCapacity + interpolationCount * 8)
        }

        public mutating func appendLiteral(_ literal: String) {
            text += literal
        }

        public mutating func appendInterpolation(_ value: some CustomStringConvertible) {
            text += percentEncoded(value.description)
        }
    }
}
