internal import Federation
internal import Wire

/// How a site of the valuation benchmark makes its deltas. All but the first harm; every one is valid and within
/// the norm caps, so that no node refuses it.
public enum Conduct: String, Sendable, CaseIterable, Codable {
    /// Trains on its own triples.
    case honest
    /// Trains as the others do, on triples whose tails are exchanged for other graph nodes.
    case flippedLabels = "label-flipped"
    /// Trains honestly and sends the change with the other sign.
    case flippedSigns = "sign-flipped"
    /// Random values of the size of its honest delta.
    case random = "random"
    /// Four times as large.
    case scaledRandom = "scaled random"

    static let poisons = allCases.filter { $0 != .honest }

    /// What this conduct sends in the place of an honest delta.
    func distort(_ delta: Delta, using random: inout Random) -> Delta {
        switch self {
        case .honest, .flippedLabels: return delta
        case .flippedSigns:
            var delta = delta
            delta.dense = delta.dense.mapped { $0.map { -$0 } }
            delta.rows = delta.rows.mapped { $0.map { -$0 } }
            return delta
        case .random, .scaledRandom:
            var delta = delta
            for part in [\Delta.dense, \Delta.rows] {
                var signs = random.split()
                delta[keyPath: part] = delta[keyPath: part].mapped { values in
                    var values = values
                    for at in values.indices { values[at] = signs.below(2) == 0 ? values[at] : -values[at] }
                    return values
                }
                if self == .scaledRandom {
                    delta[keyPath: part].shifts = delta[keyPath: part].shifts.map { min($0 + 2, Delta.maxShift) }
                }
            }
            return delta
        }
    }
}

extension RowBlock {
    fileprivate func mapped(_ change: ([Int8]) -> [Int8]) -> RowBlock {
        guard case .int8(let values) = values else { preconditionFailure("the benchmark's deltas are int8") }
        return RowBlock(indices: indices, shifts: shifts, values: .int8(change(values)))
    }
}
