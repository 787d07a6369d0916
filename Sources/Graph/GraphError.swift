public import Wire

/// What can go wrong in this room.
///
/// The text names cause and remedy; the caller adds the operation and the file, which this room does not know.
public enum GraphError: Error, Equatable, Sendable {
    /// A line of a triple file is not a triple.
    case malformed(TripleFault)
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
}

extension GraphError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .malformed(let fault): fault.description
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
        }
    }
}
