/// A ring of 24 graph nodes with relations to the first, second and third neighbour: quickly learned.
enum TinyGraph {
    /// The triples of one of `count` sites: same relations, different facts.
    static func part(_ place: Int, of count: Int) -> String {
        var lines = ""
        for node in 0..<24 {
            for step in 1...3 where (node + step) % count == place {
                lines += "n\(node)\tplus\(step)\tn\((node + step) % 24)\n"
            }
        }
        return lines
    }
}
