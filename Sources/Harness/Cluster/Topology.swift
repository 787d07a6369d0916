/// Who is told to dial whom. Ops reach everybody all the same: they are relayed.
public enum Topology: String, Codable, Sendable, CaseIterable {
    /// Everybody knows everybody.
    case full
    /// Each node knows the ones before and after it.
    case line
    /// All know the first node, and it knows them.
    case star

    /// The places in the list of nodes whose addresses the node at `place` is given, of `count` nodes.
    func neighbours(of place: Int, count: Int) -> [Int] {
        (0..<count).filter { other in
            switch self {
            case .full: other != place
            case .line: abs(other - place) == 1
            case .star: other != place && (other == 0 || place == 0)
            }
        }
    }
}
