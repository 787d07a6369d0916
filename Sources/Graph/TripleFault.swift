/// The place and the reason why a line of a triple file is not a triple.
public struct TripleFault: Error, Equatable, Sendable {
    public enum Reason: Equatable, Sendable {
        /// Not exactly head TAB relation TAB tail.
        case fieldCount(Int)
        /// A field (1-3) without a byte.
        case emptyField(Int)
        /// A field (1-3) with more than ``CanonicalName/maxBytes`` bytes.
        case longField(Int, bytes: Int)
        case invalidUTF8
        case containsNUL
        /// More than ``TripleReader/maxLineBytes`` bytes before the line ends.
        case longLine
    }

    /// From 1, blank lines count.
    public let line: Int
    /// Byte position in the line, from 1; a byte order mark does not count.
    public let column: Int
    public let reason: Reason

    public init(line: Int, column: Int, reason: Reason) {
        self.line = line
        self.column = column
        self.reason = reason
    }
}

extension TripleFault: CustomStringConvertible {
    public var description: String {
        "line \(line), column \(column): \(reason.description)"
    }
}

extension TripleFault.Reason: CustomStringConvertible {
    private static let fieldNames = ["head", "relation", "tail"]

    public var description: String {
        switch self {
        case .fieldCount(1): "no TAB; a line is head TAB relation TAB tail"
        case .fieldCount(let count): "\(count) fields instead of 3; a line is head TAB relation TAB tail"
        case .emptyField(let field): "the \(Self.fieldNames[field - 1]) is empty"
        case .longField(let field, let bytes):
            "the \(Self.fieldNames[field - 1]) has \(bytes) bytes, more than \(CanonicalName.maxBytes)"
        case .invalidUTF8: "not UTF-8; convert the file, for example with iconv -t UTF-8"
        case .containsNUL: "a NUL byte; is this a text file?"
        case .longLine: "the line has more than \(TripleReader.maxLineBytes) bytes; is this a triple file?"
        }
    }
}
