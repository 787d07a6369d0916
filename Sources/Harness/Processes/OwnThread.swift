internal import Dispatch
internal import Synchronization

/// Long computations, kept off the threads that all tasks share.
public enum OwnThread {
    /// - Parameter work: is told how to ask whether the calling task was cancelled.
    public static func run<Value: Sendable>(
        _ work: @escaping @Sendable (_ isCancelled: @Sendable () -> Bool) throws -> Value
    ) async throws -> Value {
        let cancelled = Flag()
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                DispatchQueue(label: "shoal.compute").async { @Sendable in
                    continuation.resume(with: Result { try work { cancelled.isSet } })
                }
            }
        } onCancel: {
            cancelled.set()
        }
    }

    /// Work that nobody waits for.
    static func begin(_ work: @escaping @Sendable () -> Void) {
        DispatchQueue(label: "shoal.waiting").async { @Sendable in work() }
    }

    private final class Flag: Sendable {
        private let value = Atomic(false)
        var isSet: Bool { value.load(ordering: .relaxed) }
        func set() { value.store(true, ordering: .relaxed) }
    }
}

/// Counts from 1, from any thread.
final class Counter: Sendable {
    private let value = Atomic(0)
    func next() -> Int { value.add(1, ordering: .relaxed).newValue }
}
