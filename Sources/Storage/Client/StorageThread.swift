/// One dedicated thread that runs jobs in the order they were submitted.
///
/// libpq blocks. A daemon owns one of these per kind of work (ops, graph, snapshots), keeps its
/// ``Connection`` inside the jobs, and gets results through completion closures, which run on
/// this thread too.
public final class StorageThread: Sendable {
    private struct State {
        var jobs: [@Sendable () -> Void] = []
        var next = 0
        var isFinishing = false
        var isFinished = false
    }
    private let state = Monitor(State())

    /// Starts the thread.
    ///
    /// - Parameter name: shown by `ps -L`.
    public init(name: String) {
        let state = state
        startThread(name) { Self.serve(state) }
    }

    deinit {
        state.change { $0.isFinishing = true }
    }

    /// The number of jobs that wait: what a caller bounds its own input by.
    public var waiting: Int {
        state.change { $0.jobs.count - $0.next }
    }

    /// Appends a job. After ``finish()`` it is dropped.
    ///
    /// - Returns: false when the job was dropped.
    @discardableResult
    public func submit(_ job: @escaping @Sendable () -> Void) -> Bool {
        state.change { state in
            if state.isFinishing { return false }
            state.jobs.append(job)
            return true
        }
    }

    /// Appends a job with a result, which `completion` receives on this thread.
    @discardableResult
    public func submit<Success>(
        _ job: @escaping @Sendable () throws(StorageError) -> Success,
        completion: @escaping @Sendable (Result<Success, StorageError>) -> Void
    ) -> Bool {
        submit { completion(Result(catching: job)) }
    }

    /// Runs a job and waits for its result without blocking a thread of the cooperative pool.
    public func perform<Success: Sendable>(
        _ job: @escaping @Sendable () throws(StorageError) -> Success
    ) async throws(StorageError) -> Success {
        let result: Result<Success, StorageError> = await withCheckedContinuation { continuation in
            let accepted = submit { continuation.resume(returning: Result(catching: job)) }
            if !accepted {
                continuation.resume(
                    returning: .failure(
                        StorageError(
                            .cancelled, operation: "run", object: "a storage job", cause: "the node is stopping")))
            }
        }
        return try result.get()
    }

    /// Lets the jobs that were submitted run, then ends the thread; returns when it has ended.
    /// Not to be called from a job.
    public func finish() {
        state.change { $0.isFinishing = true }
        state.wait { $0.isFinished ? () : nil }
    }

    private static func serve(_ state: Monitor<State>) {
        while true {
            let job: (@Sendable () -> Void)? = state.wait { state in
                if state.next < state.jobs.count {
                    if state.next == 1_024 {
                        state.jobs.removeFirst(state.next)
                        state.next = 0
                    }
                    // Its place stays for a while; what it holds on to must not.
                    let job = state.jobs[state.next]
                    state.jobs[state.next] = {}
                    state.next += 1
                    return .some(.some(job))
                }
                state.jobs.removeAll(keepingCapacity: true)
                state.next = 0
                return state.isFinishing ? .some(nil) : nil
            }
            guard let job else { break }
            job()
        }
        state.change { $0.isFinished = true }
    }
}
