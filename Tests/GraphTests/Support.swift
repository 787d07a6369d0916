import Graph
import Wire

/// A key that is no secret.
let testKey = try! VocabularyKey(Bytes(0..<32))

func bytes(_ text: String) -> Bytes { Bytes(text.utf8) }

extension IndexTriple {
    init(_ head: Int, _ relation: Int, _ tail: Int) {
        self.init(head: Int32(head), relation: Int32(relation), tail: Int32(tail))
    }
}

/// All triples of `pieces`, each fed as one chunk.
func read(_ pieces: [Bytes]) throws(GraphError) -> [[String]] {
    var reader = TripleReader()
    var rows: [[String]] = []
    func drain() throws(GraphError) {
        while let triple = try reader.next() {
            let fields = [triple.head, triple.relation, triple.tail]
            rows.append(fields.map { String(decoding: $0, as: UTF8.self) })
        }
    }
    for piece in pieces {
        reader.feed(piece)
        try drain()
    }
    reader.finish()
    try drain()
    return rows
}

/// A random multigraph as index triples: self loops, duplicates and isolated graph nodes occur.
func randomTriples(nodes: Int, relations: Int, count: Int, seed: UInt64) -> [IndexTriple] {
    var random = Random(seed: seed)
    return (0..<count).map { _ in
        IndexTriple(random.below(nodes), nodes + random.below(relations), random.below(nodes))
    }
}

/// Pearson's statistic of `counts` against equal expectation.
func chiSquare(_ counts: [Int]) -> Double {
    let expected = Double(counts.reduce(0, +)) / Double(counts.count)
    return counts.reduce(0) { $0 + (Double($1) - expected) * (Double($1) - expected) / expected }
}
