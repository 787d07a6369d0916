public import Terminal

/// What happened in a rehearsal, in order, and whether all held that was to hold.
public struct ScenarioReport: Codable, Sendable, Equatable {
    /// Something that was done or found.
    public struct Entry: Codable, Sendable, Equatable {
        /// Seconds after all nodes were up.
        public var at: Double
        public var what: String
        /// How long it took, seconds.
        public var took: Double
        public var isWell: Bool
        /// What went wrong, or was found.
        public var detail: String?

        /// `  12.3 s  kill b`.
        public var line: String {
            let seconds = Format.fixed(at, 1)
            let time = String(repeating: " ", count: max(0, 7 - seconds.count)) + seconds + " s  "
            return time + (isWell ? "" : "FAILED: ") + what + (detail.map { " – \($0)" } ?? "")
        }
    }

    public var scenario: String
    /// Repeats what was drawn: `shoal cluster run FILE --seed SEED`.
    public var seed: Int
    public var isWell: Bool
    /// From the first start of a node until all are up.
    public var upSeconds: Double
    /// From then on until everything was looked at.
    public var seconds: Double
    public var timeline: [Entry]
    /// Ops that a node told were durable, by its name.
    public var acknowledged: [String: Int]
    /// Different ops that were seen at any node.
    public var opsSeen: Int
    /// Ops at each node in the end, by name; nodes that do not answer are missing.
    public var ops: [String: Int]
    /// Everybody's, when all nodes agree.
    public var stateDigest: String?

    public var table: Table {
        var table = Table(.text("NODE"), .number("ACKNOWLEDGED"), .number("OPS IN THE END"))
        for name in Set(ops.keys).union(acknowledged.keys).sorted() {
            table.add(
                name, Format.count(acknowledged[name, default: 0]), ops[name].map { Format.count($0) } ?? "-",
                emphasis: ops[name] == nil ? .bad : .normal)
        }
        return table
    }

    public var summary: String {
        let failed = timeline.count { !$0.isWell }
        let steps = "\(timeline.count) steps in \(Format.duration(.seconds(seconds)))"
        let seed = "seed \(seed)"
        return isWell
            ? "\(scenario): all held, \(steps), \(seed)"
            : "\(scenario): \(failed) of \(steps) did not hold, \(seed)"
    }
}
