import CMicroHTTPD
import Dispatch
import Synchronization

/// The writing end of a streamed answer. Any thread may write; the order of one writer's parts holds.
///
/// The connection sleeps while there is nothing to send, and the writer sleeps while the client is behind:
/// at most the capacity and one part wait in memory.
public final class StreamWriter: Sendable {
    private enum End { case open, finished, broken }

    private struct State {
        var parts: [[UInt8]] = []
        /// The first part not sent in full, and how much of it was sent.
        var index = 0
        var offset = 0
        var waiting = 0
        var end = End.open
        var connection: ConnectionRef
        /// Whether the connection sleeps until there is something to send.
        var isSuspended = false
        var writers: [UInt64: CheckedContinuation<Void, Never>] = [:]
        var nextWriter: UInt64 = 0
    }

    private let capacity: Int
    private let state: Mutex<State>

    init(connection: ConnectionRef, capacity: Int) {
        self.capacity = max(capacity, 1)
        state = Mutex(State(connection: connection))
    }

    /// Whether the client still listens, as far as is known.
    public var isOpen: Bool { state.withLock { $0.end == .open } }

    /// Sends `part`, after waiting while the capacity is used up.
    ///
    /// - Throws: `streamClosed` when the client is gone, the server stops or the task is cancelled.
    public func write(_ part: [UInt8]) async throws(APIError) {
        guard !part.isEmpty else { return }
        while true {
            switch state.withLock({ append(part, to: &$0) }) {
            case .accepted: return
            case .closed: throw .streamClosed
            case .full: await room()
            }
            if Task.isCancelled { throw .streamClosed }
        }
    }

    /// Sends `part` without waiting; false if there is no room or nobody listens, and nothing was sent.
    @discardableResult
    public func offer(_ part: [UInt8]) -> Bool {
        part.isEmpty || state.withLock { append(part, to: &$0) == .accepted }
    }

    private enum Outcome { case accepted, full, closed }

    private func append(_ part: [UInt8], to state: inout State) -> Outcome {
        guard state.end == .open else { return .closed }
        guard state.waiting < capacity else { return .full }
        state.parts.append(part)
        state.waiting += part.count
        wake(&state)
        return .accepted
    }

    /// Suspends the writer until there may be room again.
    private func room() async {
        let ticket = state.withLock { state in
            state.nextWriter += 1
            return state.nextWriter
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let now = state.withLock { state in
                    guard state.end == .open, state.waiting >= capacity, !Task.isCancelled else { return true }
                    state.writers[ticket] = continuation
                    return false
                }
                if now { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.writers.removeValue(forKey: ticket) }?.resume()
        }
    }

    /// Called with the lock held: the connection is valid, since a suspended one cannot be closed.
    private func wake(_ state: inout State) {
        guard state.isSuspended else { return }
        state.isSuspended = false
        MHD_resume_connection(state.connection.pointer)
    }

    // MARK: the server's side

    /// Fills `buffer` with what waits; suspends the connection if that is nothing.
    ///
    /// - Returns: the bytes filled, or one of libmicrohttpd's end marks. Runs on the daemon's thread.
    func fill(_ buffer: UnsafeMutableRawBufferPointer) -> Int {
        let (filled, freed) = state.withLock { state -> (Int, [CheckedContinuation<Void, Never>]) in
            let filled = take(&state, into: buffer)
            if filled == 0 {
                switch state.end {
                case .finished: return (Self.endOfStream, [])
                case .broken: return (Self.endWithError, [])
                case .open:
                    state.isSuspended = true
                    MHD_suspend_connection(state.connection.pointer)
                    return (0, [])
                }
            }
            guard state.waiting < capacity, !state.writers.isEmpty else { return (filled, []) }
            let writers = Array(state.writers.values)
            state.writers = [:]
            return (filled, writers)
        }
        for writer in freed { writer.resume() }
        return filled
    }

    private static let endOfStream = -1
    private static let endWithError = -2

    private func take(_ state: inout State, into buffer: UnsafeMutableRawBufferPointer) -> Int {
        var filled = 0
        while filled < buffer.count, state.index < state.parts.count {
            let count = min(buffer.count - filled, state.parts[state.index].count - state.offset)
            state.parts[state.index].withUnsafeBytes { part in
                let target = UnsafeMutableRawBufferPointer(rebasing: buffer[filled..<filled + count])
                target.copyMemory(from: UnsafeRawBufferPointer(rebasing: part[state.offset..<state.offset + count]))
            }
            filled += count
            state.offset += count
            if state.offset == state.parts[state.index].count {
                state.parts[state.index] = []
                state.index += 1
                state.offset = 0
            }
        }
        if state.index > 64 || state.index == state.parts.count {
            state.parts.removeFirst(state.index)
            state.index = 0
        }
        state.waiting -= filled
        return filled
    }

    /// Ends the body after what still waits.
    func finish() { close(.finished) }

    /// Cuts the connection: the client sees that the body is incomplete.
    func fail() { close(.broken) }

    private func close(_ end: End) {
        let writers = state.withLock { state in
            guard state.end == .open else { return [CheckedContinuation<Void, Never>]() }
            state.end = end
            if end == .broken {
                state.parts = []
                state.index = 0
                state.offset = 0
                state.waiting = 0
            }
            wake(&state)
            defer { state.writers = [:] }
            return Array(state.writers.values)
        }
        for writer in writers { writer.resume() }
    }
}

/// Runs `work`, which may block, on a Dispatch thread and not on the cooperative pool.
func onBlockingThread<Result: Sendable>(_ work: @escaping @Sendable () throws -> Result) async throws -> Result {
    try await withCheckedThrowingContinuation { continuation in
        DispatchQueue.global().async { @Sendable in
            continuation.resume(with: Swift.Result { try work() })
        }
    }
}

/// A connection of libmicrohttpd. The library's own lock guards it; we touch it only from its daemon's
/// threads, or to resume it while it is suspended and therefore alive.
struct ConnectionRef: @unchecked Sendable {
    let pointer: OpaquePointer
}
