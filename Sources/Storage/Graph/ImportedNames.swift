import Graph
import Wire

/// The distinct names of one import, in the order of their first mention.
///
/// Keyed by bytes, not by `String`, whose equality takes two spellings of one character as equal.
struct ImportedNames {
    /// A graph node; the name is the first that the file has for it.
    struct Node {
        var id: TokenID
        var name: Bytes
        /// What the id is derived from, where that is not the name.
        var canonical: Bytes?
    }

    private let key: VocabularyKey
    private let rules: NameRules
    private(set) var triples = 0
    private(set) var nodes: [Node] = []
    private(set) var relations: [(tokens: RelationTokens, name: Bytes)] = []
    private var nodeIDs: [ArraySlice<UInt8>: TokenID] = [:]
    /// Two names may have one canonical name, of graph nodes and of relations.
    private var known: Set<TokenID> = []
    private var relationIDs: [ArraySlice<UInt8>: TokenID] = [:]

    init(key: VocabularyKey, rules: NameRules) {
        self.key = key
        self.rules = rules
    }

    mutating func add(_ triple: NamedTriple) throws(GraphError) -> TokenTriple {
        triples += 1
        let relation = try relationID(triple.relation)
        let head = try nodeID(triple.head)
        return TokenTriple(head: head, relation: relation, tail: try nodeID(triple.tail))
    }

    private mutating func nodeID(_ name: ArraySlice<UInt8>) throws(GraphError) -> TokenID {
        if let id = nodeIDs[name] { return id }
        let canonical = rules.canonical(name)
        let id = try key.token(.node, named: canonical)
        let copy = Bytes(name)
        nodeIDs[copy[...]] = id
        if known.insert(id).inserted {
            nodes.append(Node(id: id, name: copy, canonical: canonical == name ? nil : Bytes(canonical)))
        }
        return id
    }

    private mutating func relationID(_ name: ArraySlice<UInt8>) throws(GraphError) -> TokenID {
        if let id = relationIDs[name] { return id }
        let tokens = try key.relation(named: rules.canonical(name))
        let copy = Bytes(name)
        relationIDs[copy[...]] = tokens.forward
        if known.insert(tokens.forward).inserted { relations.append((tokens, copy)) }
        return tokens.forward
    }
}
