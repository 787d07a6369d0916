public import Membership

/// Answers what an op's causal past contains, without walking it.
///
/// For each pair of logs (L, M) it keeps a step function: from op s of L on, everything up to op t
/// of M is in the past. Only changes are stored, so an op costs O(logs) time and as much memory as
/// it learns news. Lookups are binary searches.
public struct CausalIndex: Sendable {
    private struct Step: Sendable {
        let seq: UInt64
        let knows: UInt64
    }
    /// `steps[L][M]`, ascending in `seq` and in `knows`.
    private var steps: [[[Step]]] = []

    public init() {}

    public mutating func addLog() { steps.append([]) }

    /// The last op of log `other` in the causal past of `position`, the op itself included; 0 if none.
    public func knows(_ position: LogPosition, of other: Int) -> UInt64 {
        if position.log == other { return position.seq }
        guard other < steps[position.log].count else { return 0 }
        return Self.knows(steps[position.log][other], at: position.seq)
    }

    /// The step that holds at `seq`: mostly the last one, since new ops build on the heads of logs.
    private static func knows(_ row: [Step], at seq: UInt64) -> UInt64 {
        guard let last = row.last, last.seq > seq else { return row.last?.knows ?? 0 }
        var low = 0
        var high = row.count
        while low < high {
            let middle = (low + high) / 2
            if row[middle].seq <= seq { low = middle + 1 } else { high = middle }
        }
        return low == 0 ? 0 : row[low - 1].knows
    }

    /// Records the op at `position`, the next of its log, that builds on `deps`.
    public mutating func add(_ position: LogPosition, deps: [LogPosition]) {
        var knowledge = Array(repeating: 0 as UInt64, count: steps.count)
        for dep in deps {
            knowledge[dep.log] = max(knowledge[dep.log], dep.seq)
            for (other, row) in steps[dep.log].enumerated() where other != dep.log {
                knowledge[other] = max(knowledge[other], Self.knows(row, at: dep.seq))
            }
        }
        for (other, known) in knowledge.enumerated() where other != position.log && known > 0 {
            if steps[position.log].count <= other {
                steps[position.log] += Array(repeating: [], count: other + 1 - steps[position.log].count)
            }
            guard known > (steps[position.log][other].last?.knows ?? 0) else { continue }
            steps[position.log][other].append(Step(seq: position.seq, knows: known))
        }
    }

    /// Whether the op at `earlier` is in the causal past of the op at `later`, or is that op.
    public func past(of later: LogPosition, includes earlier: LogPosition) -> Bool {
        knows(later, of: earlier.log) >= earlier.seq
    }
}
