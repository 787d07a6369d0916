import Graph
import Wire

/// The distinct names of one import, in the order of their first mention.
///
/// Keyed by bytes, not by `String`, whose equality takes two spellings of one character as equal.
struct ImportedNames {
    private let key: VocabularyKey
    private(set) var triples = 0
    private(set) var nodes: [(id: TokenID, name: Bytes)] = []
    private(set) var relations: [(tokens: RelationTokens, name: Bytes)] = []
    private var nodeIDs: [ArraySlice<UInt8>: TokenID] = [:]
    private var relationIDs: [ArraySlice<UInt8>: TokenID] = [:]

    init(key: VocabularyKey) { self.key = key }

    mutating func add(_ triple: NamedTriple) throws(GraphError) -> TokenTriple {
        triples += 1
        let relation = try relationID(triple.relation)
        let head = try nodeID(triple.head)
        return TokenTriple(head: head, relation: relation, tail: try nodeID(triple.tail))
    }

    private mutating func nodeID(_ name: ArraySlice<UInt8>) throws(GraphError) -> TokenID {
        if let id = nodeIDs[name] { return id }
        let id = try key.token(.node, named: name)
        let copy = Bytes(name)
        nodeIDs[copy[...]] = id
        nodes.append((id, copy))
        return id
    }

    private mutating func relationID(_ name: ArraySlice<UInt8>) throws(GraphError) -> TokenID {
        if let id = relationIDs[name] { return id }
        let tokens = try key.relation(named: name)
        let copy = Bytes(name)
        relationIDs[copy[...]] = tokens.forward
        relations.append((tokens, copy))
        return tokens.forward
    }
}
