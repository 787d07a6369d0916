internal import Simulation

/// What `shoal simulate --json` prints.
struct SimulateReport: Encodable {
    struct Failure: Encodable {
        let seed: UInt64
        let invariant: String
        /// Simulated time.
        let atMs: UInt64
        let detail: String
        /// What kind of run it was.
        let options: String
        /// Repeats it.
        let command: String

        init(_ failure: SimulationFailure) {
            seed = failure.options.seed
            invariant = failure.invariant.rawValue
            atMs = failure.atMs
            detail = failure.detail
            options = "\(failure.options)"
            command = failure.options.command
        }
    }

    /// How ops came to everybody in networks that are too large for everybody to know everybody.
    struct Spreading: Encodable {
        /// Signed while the network was whole.
        var ops = 0
        var hopsMost = 0
        var everywhereMsMost: UInt64 = 0
        /// From the end of the faults until all were equal; the longest.
        var convergedMsMost: UInt64 = 0
    }

    /// Seeds that ran, failed ones included.
    var runs = 0
    var failures: [Failure] = []
    /// The first failure with as little going on as it needs.
    var smallest: Failure?
    var ops = 0
    var events = 0
    var simulatedMs: UInt64 = 0
    /// Of the only run, if there was one: equal for equal runs, on any machine.
    var traceHash: String?
    /// How often each noteworthy thing happened, in all runs.
    var occurrences: [String: Int] = [:]
    /// With `--required`: what should have happened and did not.
    var missing: [String]?
    /// Nil where no network was large.
    var spreading: Spreading?
    var wallSeconds = 0.0

    mutating func add(_ run: SimulationReport) {
        runs += 1
        ops += run.ops
        events += run.events
        simulatedMs += run.simulatedMs
        traceHash = runs == 1 ? String(run.traceHash, radix: 16) : nil
        if !run.spreads.isEmpty {
            var all = spreading ?? Spreading()
            all.ops += run.undivided.count
            all.hopsMost = max(all.hopsMost, run.undivided.map(\.hops).max() ?? 0)
            all.everywhereMsMost = max(all.everywhereMsMost, run.undivided.map(\.everywhereMs).max() ?? 0)
            all.convergedMsMost = max(all.convergedMsMost, run.convergedMs)
            spreading = all
        }
        for occurrence in run.occurrences { occurrences[occurrence.name, default: 0] += occurrence.count }
    }

    mutating func add(_ failure: SimulationFailure) {
        runs += 1
        failures.append(Failure(failure))
        failures.sort { $0.seed < $1.seed }
    }
}
