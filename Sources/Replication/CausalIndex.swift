public import Membership
internal import Wire

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
    /// What the ops of a log know of the others: the latest step of each apart, in one piece, since new ops build on the
    /// heads of logs and mostly ask for nothing else.
    private struct Line: Sendable {
        /// By log; `knows` 0 where nothing is known.
        var latest: [Step] = []
        /// The steps before it, ascending in `seq` and in `knows`.
        var earlier: [[Step]] = []

        func knows(_ other: Int, at seq: UInt64) -> UInt64 {
            guard other < latest.count else { return 0 }
            return latest[other].seq <= seq ? latest[other].knows : knew(other, at: seq)
        }

        func knows(_ other: Int) -> UInt64 { other < latest.count ? latest[other].knows : 0 }

        /// Before the latest step.
        private func knew(_ other: Int, at seq: UInt64) -> UInt64 {
            let end = earlier[other].partitioningIndex { $0.seq > seq }
            return end == 0 ? 0 : earlier[other][end - 1].knows
        }

        /// - Parameter step: knows more than all before it.
        mutating func learn(_ other: Int, _ step: Step) {
            while latest.count <= other {
                latest.append(Step(seq: 0, knows: 0))
                earlier.append([])
            }
            if latest[other].knows > 0 { earlier[other].append(latest[other]) }
            latest[other] = step
        }
    }
    private var lines: [Line] = []

    public init() {}

    public mutating func addLog() { lines.append(Line()) }

    /// The last op of log `other` in the causal past of `position`, the op itself included; 0 if none.
    public func knows(_ position: LogPosition, of other: Int) -> UInt64 {
        position.log == other ? position.seq : lines[position.log].knows(other, at: position.seq)
    }

    /// Records the op at `position`, the next of its log, that builds on `deps`.
    public mutating func add(_ position: LogPosition, deps: [LogPosition]) {
        var knowledge = Array(repeating: 0 as UInt64, count: lines.count)
        for dep in deps {
            knowledge[dep.log] = max(knowledge[dep.log], dep.seq)
            let line = lines[dep.log]
            for other in line.latest.indices where other != dep.log {
                knowledge[other] = max(knowledge[other], line.knows(other, at: dep.seq))
            }
        }
        for (other, known) in knowledge.enumerated()
        where other != position.log && known > lines[position.log].knows(other) {
            lines[position.log].learn(other, Step(seq: position.seq, knows: known))
        }
    }

    /// Whether the op at `earlier` is in the causal past of the op at `later`, or is that op.
    public func past(of later: LogPosition, includes earlier: LogPosition) -> Bool {
        knows(later, of: earlier.log) >= earlier.seq
    }
}
