internal import Dispatch
internal import Glibc
internal import Simulation
internal import Synchronization

/// Runs of several seeds, as many at a time as there are processors; none is begun after a failure.
final class SeedRuns: Sendable {
    typealias Outcome = Result<SimulationReport, SimulationFailure>

    private let runs: [SimulationOptions]
    private let next = Mutex(0)

    init(_ runs: [SimulationOptions]) { self.runs = runs }

    var count: Int { runs.count }

    /// The outcomes as they come. Each worker has a queue, hence a thread, of its own: on the global queue two of them
    /// left none, for minutes, to whoever draws the progress.
    func outcomes() -> AsyncStream<Outcome> {
        let (stream, continuation) = AsyncStream<Outcome>.makeStream()
        let workers = min(max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))), runs.count)
        let left = Mutex<Int>.Shared(workers)
        for worker in 0..<workers {
            DispatchQueue(label: "seeds \(worker)").async { @Sendable in
                while let options = self.take() {
                    let outcome = Outcome { () throws(SimulationFailure) in try Simulator.run(options) }
                    if case .failure = outcome { self.stop() }
                    continuation.yield(outcome)
                }
                let isLast = left.value.withLock { left in
                    left -= 1
                    return left == 0
                }
                if isLast { continuation.finish() }
            }
        }
        return stream
    }

    private func take() -> SimulationOptions? {
        next.withLock { next in
            guard next < runs.count else { return nil }
            defer { next += 1 }
            return runs[next]
        }
    }

    private func stop() { next.withLock { $0 = runs.count } }
}

extension Mutex where Value: Sendable {
    /// A mutex that several closures hold.
    final class Shared: Sendable {
        let value: Mutex<Value>
        init(_ value: sending Value) { self.value = Mutex(value) }
    }
}
