public import Wire

/// One line of a JSONL graph file, checked.
public enum GraphRecord: Equatable, Sendable {
    case node(NodeRecord)
    case edge(EdgeRecord)
    case perspective(PerspectiveRecord)
}

/// A graph node with all that a file says of it.
///
/// ```json
/// {"node": "guide/intro.md#setup", "kind": "section", "content": "…", "language": "markdown",
///  "parent": "guide/intro.md", "position": 2, "metadata": {"line": 14}}
/// ```
public struct NodeRecord: Equatable, Sendable {
    /// The canonical name.
    public var name: String
    public var kind: String
    /// Nil: the name is all there is.
    public var content: String?
    /// Of the content: a natural or a programming language.
    public var language: String?
    /// The canonical name of the node it is a part of.
    public var parent: String?
    /// Among the parent's children, from 0.
    public var position: Int32
    /// The text of a JSON object.
    public var metadata: Bytes?

    public static let defaultKind = "entity"

    public init(
        name: String, kind: String = defaultKind, content: String? = nil, language: String? = nil,
        parent: String? = nil, position: Int32 = 0, metadata: Bytes? = nil
    ) {
        self.name = name
        self.kind = kind
        self.content = content
        self.language = language
        self.parent = parent
        self.position = position
        self.metadata = metadata
    }
}

/// An edge between two graph nodes by their names.
///
/// ```json
/// {"head": "guide/intro.md#setup", "relation": "links_to", "tail": "guide/tools.md", "weight": 1}
/// ```
public struct EdgeRecord: Equatable, Sendable {
    public var head: String
    public var relation: String
    public var tail: String
    /// 0 or more.
    public var weight: Double
    /// The text of a JSON object.
    public var metadata: Bytes?

    public init(head: String, relation: String, tail: String, weight: Double = 1, metadata: Bytes? = nil) {
        self.head = head
        self.relation = relation
        self.tail = tail
        self.weight = weight
        self.metadata = metadata
    }
}

/// What an agent thinks of a graph node, in general or in the context of another node.
///
/// ```json
/// {"agent": "triage", "node": "guide/intro.md#setup", "weight": 0.8, "context": "guide/tools.md"}
/// ```
public struct PerspectiveRecord: Equatable, Sendable {
    public var agent: String
    public var node: String
    /// -1 to 1.
    public var weight: Double
    /// The canonical name of a graph node.
    public var context: String?
    public var reasoning: String?

    public init(agent: String, node: String, weight: Double, context: String? = nil, reasoning: String? = nil) {
        self.agent = agent
        self.node = node
        self.weight = weight
        self.context = context
        self.reasoning = reasoning
    }
}

/// The bounds of a JSONL graph file.
public enum JSONLLimits {
    /// Longest line in bytes without its LF.
    public static let lineBytes = 4 << 20
    /// Longest content of a node in bytes of UTF-8.
    public static let contentBytes = 1 << 20
    /// Longest metadata in bytes, as the file has it.
    public static let metadataBytes = 64 << 10
    /// Longest reasoning of a perspective in bytes.
    public static let reasoningBytes = 16 << 10
    /// Longest kind, language and name of an agent in bytes.
    public static let wordBytes = 64
    /// Objects and lists in one another, the record itself included.
    public static let depth = 16
    /// Longest number in bytes.
    public static let numberBytes = 64
}
