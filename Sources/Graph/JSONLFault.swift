/// The place and the reason why a line of a JSONL file is no record of a graph.
public struct JSONLFault: Error, Equatable, Sendable {
    public enum Reason: Equatable, Sendable {
        /// The line is no JSON (RFC 8259): what must stand here.
        case expected(String)
        /// A string with a byte below U+0020, an unknown escape, or half a surrogate pair.
        case string(String)
        case invalidUTF8
        /// U+0000, which PostgreSQL cannot hold.
        case containsNUL
        /// A number that is too large, or too long.
        case number
        case tooDeep
        /// More than ``JSONLLimits/lineBytes`` bytes before the line ends.
        case longLine
        case repeatedKey(String)
        case unknownField(String)
        /// A field of another kind of record.
        case foreignField(String, in: String)
        case missingField(String, in: String)
        /// A node that an earlier line of the file describes as well.
        case repeatedNode(String, firstLine: Int)
        /// The parents of this node lead back to it, or are more than ``TreeLabel/maxDepth``.
        case parentsTooDeep(String)
        /// No field says whether it is a node, an edge or a perspective.
        case noKind
        /// What a field must be.
        case wrongType(String, must: String)
        case name(String, NameFault)
        case tooLong(String, bytes: Int, limit: Int)
    }

    /// From 1, blank lines count. 0 for a single record without a file.
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

extension JSONLFault: CustomStringConvertible {
    public var description: String { "line \(line), column \(column): \(reason)" }
}

extension JSONLFault.Reason: CustomStringConvertible {
    public var description: String {
        switch self {
        case .expected(let what): "not JSON: \(what) is missing"
        case .string(let fault): "a string has \(fault)"
        case .invalidUTF8: "not UTF-8; convert the file, for example with iconv -t UTF-8"
        case .containsNUL: "a string has U+0000, which PostgreSQL cannot hold"
        case .number: "a number is too large or longer than \(JSONLLimits.numberBytes) bytes"
        case .tooDeep: "more than \(JSONLLimits.depth) objects and lists in one another"
        case .longLine: "the line has more than \(JSONLLimits.lineBytes) bytes; is this a JSONL file?"
        case .repeatedKey(let key): "the key \"\(Self.shown(key))\" occurs twice"
        case .unknownField(let key): "the field \"\(Self.shown(key))\" is unknown; \(Self.kinds)"
        case .foreignField(let key, let kind): "the field \"\(key)\" does not belong in \(kind)"
        case .missingField(let key, let kind): "\(kind) needs the field \"\(key)\""
        case .repeatedNode(let name, let first):
            "the node \"\(Self.shown(name))\" was described in line \(first) already"
        case .parentsTooDeep(let name):
            "the parents of \"\(Self.shown(name))\" lead back to it, or are more than \(TreeLabel.maxDepth)"
        case .noKind: Self.kinds
        case .wrongType(let key, let must): "\"\(key)\" must be \(must)"
        case .name(let key, let fault): "\"\(key)\" \(fault)"
        case .tooLong(let key, let bytes, let limit): "\"\(key)\" has \(bytes) bytes, more than \(limit)"
        }
    }

    private static let kinds =
        "a record has \"node\", or \"head\", \"relation\" and \"tail\", or \"agent\", \"node\" and \"weight\""

    /// The beginning of a key that may be anything.
    private static func shown(_ key: String) -> String {
        key.utf8.count <= 40 ? key : String(key.unicodeScalars.prefix(40)) + "…"
    }
}
