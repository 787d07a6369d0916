/// What a run did. Two runs of one seed have equal reports.
public struct SimulationReport: Sendable, Equatable, CustomStringConvertible {
    public let options: SimulationOptions
    /// Equal for equal runs, on any machine and in any process.
    public let traceHash: UInt64
    /// Things that happened: deliveries, timers, writes, faults.
    public let events: Int
    /// Distinct ops that every site holds in the end.
    public let ops: Int
    public let simulatedMs: UInt64
    /// From the end of the faults until all frontiers were equal.
    public let convergedMs: UInt64
    /// Of a large network: each op that came to everybody, each question that was decided, and for each log that forked,
    /// milliseconds from the first site that had the proof to the last.
    public let spreads: [Spread]
    public let decisions: [Decision]
    public let forkProofs: [UInt64]
    /// How often each noteworthy thing occurred, by name in ascending order. A name that never occurs in
    /// a night of runs means that the faults do not reach far enough.
    public let occurrences: [Occurrence]

    /// Ops that were signed while the network was whole, and after it had come together.
    public var undivided: [Spread] {
        let from = options.joinedMs + 5_000
        let until = (options.splitMs ?? UInt64(options.faultSeconds) * 1_000) - 2_000
        return spreads.filter { $0.sinceMs >= from && $0.sinceMs <= until }
    }

    public struct Occurrence: Sendable, Equatable {
        public let name: String
        public let count: Int
    }

    public var description: String {
        let hash = String(traceHash, radix: 16)
        return "seed \(options.seed): \(ops) ops on \(options.nodes) sites, \(events) events in \(simulatedMs) ms, "
            + "converged after \(convergedMs) ms, trace \(hash)"
    }
}
