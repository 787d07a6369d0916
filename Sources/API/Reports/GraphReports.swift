/// A graph node in few words.
public struct NodeReport: Codable, Sendable, Equatable {
    public var id: String
    public var kind: String
    public var name: String
    /// The beginning of its text, where it has one besides its name.
    public var excerpt: String?

    public init(id: String, kind: String, name: String, excerpt: String? = nil) {
        self.id = id
        self.kind = kind
        self.name = name
        self.excerpt = excerpt
    }
}

/// `GET /api/graph/search?text=&limit=`: best first.
public struct GraphSearchReport: Codable, Sendable, Equatable {
    public struct Result: Codable, Sendable, Equatable {
        public var node: NodeReport
        /// From 1 on: words of the text were found; below: the name looks like it.
        public var score: Double

        public init(node: NodeReport, score: Double) {
            self.node = node
            self.score = score
        }
    }
    public var text: String
    public var results: [Result]

    public init(text: String, results: [Result]) {
        self.text = text
        self.results = results
    }
}

/// An edge by names.
public struct EdgeReport: Codable, Sendable, Equatable {
    public var head: String
    public var relation: String
    public var tail: String
    public var weight: Double
    /// Where it stands among the edges of the graph node that was asked for: `before=PLACE` asks for those behind it.
    public var place: String?

    public init(head: String, relation: String, tail: String, weight: Double, place: String? = nil) {
        self.place = place
        self.head = head
        self.relation = relation
        self.tail = tail
        self.weight = weight
    }
}

/// `GET /api/graph/node?node=NAME_OR_ID&limit=&before=`: a graph node with what is around it.
public struct NodeDetailReport: Codable, Sendable, Equatable {
    public var id: String
    public var kind: String
    public var name: String
    /// What the id is derived from, where an alias or a normal form made that another name.
    public var canonical: String?
    public var content: String
    public var language: String?
    /// Its place in the tree, as scopes are written.
    public var path: String?
    public var parent: NodeReport?
    public var children: Int
    /// JSON as text.
    public var metadata: String
    /// Those out of it first; as many as were asked for.
    public var edges: [EdgeReport]
    public var edgeCount: Int
    /// The imports that have it.
    public var sources: [String]
    public var perspectives: [PerspectiveReport]
    public var associations: [AssociationReport]

    public init(
        id: String, kind: String, name: String, canonical: String?, content: String, language: String?, path: String?,
        parent: NodeReport?, children: Int, metadata: String, edges: [EdgeReport], edgeCount: Int, sources: [String],
        perspectives: [PerspectiveReport], associations: [AssociationReport]
    ) {
        self.id = id
        self.kind = kind
        self.name = name
        self.canonical = canonical
        self.content = content
        self.language = language
        self.path = path
        self.parent = parent
        self.children = children
        self.metadata = metadata
        self.edges = edges
        self.edgeCount = edgeCount
        self.sources = sources
        self.perspectives = perspectives
        self.associations = associations
    }
}

/// `POST /api/graph/delete?split=`, the body being TSV.
public struct DeleteReport: Codable, Sendable, Equatable {
    public var split: String
    public var triples: Int
    public var deleted: Int
    /// Triples that were not there, and the first lines that have one.
    public var missing: Int
    public var missingLines: [Int]

    public init(split: String, triples: Int, deleted: Int, missing: Int, missingLines: [Int]) {
        self.split = split
        self.triples = triples
        self.deleted = deleted
        self.missing = missing
        self.missingLines = missingLines
    }
}

/// `POST /api/graph/forget`.
public struct ForgetRequest: StrictDecodable, Encodable, Sendable {
    public enum CodingKeys: String, CodingKey, CaseIterable { case node }
    public static let narrowed: [CodingKeys: JSONSchema] = [
        .node: .name
    ]
    /// A name or an id.
    public var node: String

    public init(node: String) {
        self.node = node
    }
}

/// What was erased at home, and what one site cannot erase.
public struct ForgetReport: Codable, Sendable, Equatable {
    public var id: String
    public var edges: Int
    public var heldOut: Int
    public var perspectives: Int
    public var associations: Int
    /// Logged questions and answers.
    public var inferences: Int
    public var aliases: Int
    /// Trainers' own states that had a row for it.
    public var trainerStates: Int
    /// Graph nodes that were its children, and those whose path named it.
    public var orphans: Int
    public var renamedPaths: Int
    /// Other graph nodes and edges in whose texts the name still occurs.
    public var mentions: Int
    /// Models that this site has announced the id for. Announcements are signed and replicated.
    public var announcedIn: Int
    /// Models whose merged sums have a row for the id: the same at every site.
    public var replicatedRows: Int

    public init(
        id: String, edges: Int, heldOut: Int, perspectives: Int, associations: Int, inferences: Int, aliases: Int,
        trainerStates: Int, orphans: Int, renamedPaths: Int, mentions: Int, announcedIn: Int, replicatedRows: Int
    ) {
        self.id = id
        self.edges = edges
        self.heldOut = heldOut
        self.perspectives = perspectives
        self.associations = associations
        self.inferences = inferences
        self.aliases = aliases
        self.trainerStates = trainerStates
        self.orphans = orphans
        self.renamedPaths = renamedPaths
        self.mentions = mentions
        self.announcedIn = announcedIn
        self.replicatedRows = replicatedRows
    }
}

/// `GET` and `PUT /api/graph/aliases`; the body of both is TSV, name TAB canonical name.
public struct AliasReport: Codable, Sendable, Equatable {
    public var aliases: Int

    public init(aliases: Int) {
        self.aliases = aliases
    }
}
