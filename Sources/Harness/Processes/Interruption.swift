internal import Dispatch
internal import Glibc
internal import Synchronization

/// Turns Ctrl-C, SIGTERM and a closed terminal into the cancellation of a task, so that what was started
/// is stopped in order.
public final class Interruption: Sendable {
    private struct State {
        var count = 0
        var cancel: (@Sendable () -> Void)?
    }

    static let signals = [SIGINT, SIGTERM, SIGHUP]
    private let state = Mutex(State())

    private init() {}

    /// How often somebody asked to stop. Who asks twice is in a hurry.
    public var count: Int { state.withLock { $0.count } }

    /// Runs `body` in a task that a signal cancels; signals have no other effect until it has ended.
    public static func guarding<Value: Sendable>(
        _ body: @escaping @Sendable (Interruption) async throws -> Value
    ) async throws -> Value {
        let interruption = Interruption()
        let sources = interruption.listen()
        defer { stopListening(sources) }
        let task = Task { try await body(interruption) }
        let isEarly = interruption.state.withLock { state in
            state.cancel = { task.cancel() }
            return state.count > 0
        }
        if isEarly { task.cancel() }
        return try await withTaskCancellationHandler {
            try await task.value
        } onCancel: {
            task.cancel()
        }
    }

    private func listen() -> [any DispatchSourceSignal] {
        let queue = DispatchQueue(label: "shoal.signals")
        return Self.signals.map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
            source.setEventHandler { @Sendable [weak self] in self?.arrived() }
            source.resume()
            return source
        }
    }

    private func arrived() {
        let cancel = state.withLock { state in
            state.count += 1
            return state.cancel
        }
        cancel?()
    }

    private static func stopListening(_ sources: [any DispatchSourceSignal]) {
        for source in sources { source.cancel() }
        for number in signals { signal(number, SIG_DFL) }
    }
}
