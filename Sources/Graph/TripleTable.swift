public import Wire

/// The triples of files, turned from names into ids in memory: for evaluation, benchmarks and small
/// graphs. (A site's own graph lives in its database.)
public struct TripleTable: Sendable {
    /// In the order of the files, repetitions included.
    public private(set) var triples: [TokenTriple] = []
    /// Distinct graph nodes in the order of their first mention.
    public private(set) var nodes: [(id: TokenID, name: Bytes)] = []
    /// Distinct relations in the order of their first mention.
    public private(set) var relations: [(tokens: RelationTokens, name: Bytes)] = []
    private let key: VocabularyKey
    private var nodeIDs: [ArraySlice<UInt8>: TokenID] = [:]
    private var relationTokens: [ArraySlice<UInt8>: RelationTokens] = [:]

    public init(key: VocabularyKey) {
        self.key = key
    }

    /// Adds a whole triple file. Nothing is added if any line is faulty.
    public mutating func add(file bytes: Bytes) throws(GraphError) {
        var longer = self
        var reader = TripleReader()
        reader.feed(bytes)
        while let triple = try reader.next() { try longer.add(triple) }
        reader.finish()
        while let triple = try reader.next() { try longer.add(triple) }
        self = longer
    }

    public mutating func add(_ triple: NamedTriple) throws(GraphError) {
        let relation = try tokens(ofRelation: triple.relation)
        let (head, tail) = (try id(ofNode: triple.head), try id(ofNode: triple.tail))
        triples.append(TokenTriple(head: head, relation: relation.forward, tail: tail))
    }

    /// The tokens of all triples added so far.
    public func vocabulary() throws(GraphError) -> LocalVocabulary {
        try LocalVocabulary(nodes: nodes.map(\.id), relations: relations.map(\.tokens))
    }

    private mutating func id(ofNode name: ArraySlice<UInt8>) throws(GraphError) -> TokenID {
        if let id = nodeIDs[name] { return id }
        let id = try key.token(.node, named: name)
        let copy = Bytes(name)
        nodeIDs[copy[...]] = id
        nodes.append((id, copy))
        return id
    }

    private mutating func tokens(ofRelation name: ArraySlice<UInt8>) throws(GraphError) -> RelationTokens {
        if let tokens = relationTokens[name] { return tokens }
        let tokens = try key.relation(named: name)
        let copy = Bytes(name)
        relationTokens[copy[...]] = tokens
        relations.append((tokens, copy))
        return tokens
    }
}
