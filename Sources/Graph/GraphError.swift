public import Wire

/// What can go wrong in this room.
///
/// The text names cause and remedy; the caller adds the operation and the file, which this room does not know.
public enum GraphError: Error, Equatable, Sendable {
    /// A line of a triple file is not a triple.
    case malformed(TripleFault)
    /// A line of a JSONL file is not a record.
    case malformedRecord(JSONLFault)
    /// A name from elsewhere (command line, API) cannot be a canonical name.
    case name(NameFault)
    /// A vocabulary key has another size than 32 bytes.
    case vocabularyKeySize(Int)
    /// One id was given two meanings: two kinds, or one relation with two inverses.
    case ambiguousToken(TokenID)
    /// A triple names a graph node or relation that the vocabulary lacks.
    case unknownToken(TokenID)
    /// An index triple points outside its vocabulary.
    case triplePointsOutside(IndexTriple)
    /// More tokens or edges than 32-bit indices can address.
    case tooLarge(count: Int, limit: Int)
    /// A graph of `nodes` graph nodes has no edge, so there is no walk to learn from.
    case nothingToSample(nodes: Int)
    /// A graph of `nodes` graph nodes has no parent and no child, so there is no tree to walk.
    case noTree(nodes: Int)
    /// A graph node was given two parents.
    case twoParents(TokenID)
    /// An agent's weight of a graph node is not a number in -1 ... 1.
    case perspectiveWeight(Double)
    /// A text is no path of labels.
    case scope(ScopeFault)
    /// No graph node lies in the scope.
    case emptyScope(String)
    /// The scope has `nodes` graph nodes and no step between them.
    case noStepInScope(String, nodes: Int)
    /// A line of an alias file is no pair of names, or contradicts another.
    case alias(AliasFault)
}

extension GraphError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .malformed(let fault): fault.description
        case .malformedRecord(let fault): fault.description
        case .name(let fault): "the name \(fault.description)"
        case .vocabularyKeySize(let size):
            "a vocabulary key has \(VocabularyKey.byteCount) bytes, not \(size): take it from the .network file"
        case .ambiguousToken(let id):
            "token \(id) has two meanings in one vocabulary: were the names hashed with two keys?"
        case .unknownToken(let id):
            "token \(id) is not in the vocabulary: add its graph node or relation first"
        case .triplePointsOutside(let triple):
            "triple (\(triple.head), \(triple.relation), \(triple.tail)) points outside its vocabulary"
        case .tooLarge(let count, let limit):
            "\(count) entries are more than the \(limit) that one site's graph may have"
        case .nothingToSample(let nodes):
            "a graph of \(nodes) graph nodes without an edge gives no walks: import triples first"
        case .noTree(let nodes):
            "none of \(nodes) graph nodes has a parent, so there is no tree to walk: import a folder, or choose other walks"
        case .twoParents(let id): "graph node \(id) has two parents"
        case .perspectiveWeight(let weight): "a perspective's weight is \(weight): it must be from -1 to 1"
        case .scope(let fault): fault.description
        case .emptyScope(let path):
            "no graph node has a path in '\(path)': `shoal graph show NODE` tells a graph node's path"
        case .noStepInScope(let path, let nodes):
            "the \(nodes) graph nodes in '\(path)' have no edge among them that these walks could take: "
                + "widen the scope, or choose other walks"
        case .alias(let fault): fault.description
        }
    }
}
