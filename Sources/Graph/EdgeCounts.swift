extension GraphIndex {
    /// How many edges each token occurs in, by token index: a self loop is one edge, an inverse relation has those
    /// of its relation.
    public func edgesPerToken() -> [Int] {
        var counts = [Int](repeating: 0, count: tokenCount)
        for number in 0..<edgeCount {
            let edge = edge(number)
            counts[Int(edge.head)] += 1
            if edge.tail != edge.head { counts[Int(edge.tail)] += 1 }
            counts[Int(edge.relation)] += 1
            counts[Int(edge.relation) + relationCount] += 1
        }
        return counts
    }
}
