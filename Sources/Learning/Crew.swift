internal import CHints
internal import Glibc
internal import Synchronization

/// Threads that wait for work, for as long as their owner lives.
///
/// A step of a small model takes less time than waking a thread does. So a waiting thread watches for some
/// microseconds before it sleeps. Each index of a job must touch only its own memory; results are combined
/// in the order of the indices, so the outcome does not depend on timing.
final class Crew {
    let count: Int
    private let shared: Shared
    private var threads: [pthread_t] = []

    /// Where the operating system gives fewer threads, the caller does the work of those that are missing, with the
    /// same result.
    ///
    /// - Parameters:
    ///   - count: 1 to 256; the caller's own thread is one of them.
    ///   - available: threads to start at most, besides the caller's.
    init(_ count: Int, available: Int = 255) {
        self.count = count
        shared = Shared()
        for index in 1..<max(1, min(count, available + 1)) {
            let start = Unmanaged.passRetained(Start(index, shared))
            var thread = pthread_t()
            let code = pthread_create(
                &thread, nil,
                { argument in
                    let start = Unmanaged<Start>.fromOpaque(argument!).takeRetainedValue()
                    start.shared.work(start.index)
                    return nil
                }, start.toOpaque())
            guard code == 0 else {
                start.release()
                break
            }
            threads.append(thread)
        }
    }

    deinit {
        shared.stop()
        for thread in threads { pthread_join(thread, nil) }
    }

    /// Runs `body` for 0 ..< active, at the same time, and returns when all are done.
    ///
    /// - Parameter active: at most ``count``; `nil` = all.
    func run(_ active: Int? = nil, _ body: (Int) -> Void) {
        let active = active ?? count
        precondition(active <= count)
        guard active > 1 else {
            if active == 1 { body(0) }
            return
        }
        withoutActuallyEscaping(body) { shared.run(active, others: threads.count, $0) }
    }
}

/// What a thread gets to know when it starts.
private final class Start {
    let index: Int
    let shared: Shared

    init(_ index: Int, _ shared: Shared) {
        self.index = index
        self.shared = shared
    }
}

/// What the threads share. `body` and `active` belong to the caller until ``generation`` moves, and to nobody else
/// until ``pending`` is 0 again.
private final class Shared: @unchecked Sendable {
    private var body: ((Int) -> Void)?
    private var active = 0
    private var stopped = false
    private let generation = Atomic<Int>(0)
    private let pending = Atomic<Int>(0)
    private let asleep = Atomic<Int>(0)
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let wake = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private let done = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

    /// About 20 microseconds.
    private static let glances = 2_000

    init() {
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(wake, nil)
        pthread_cond_init(done, nil)
    }

    deinit {
        pthread_cond_destroy(done)
        pthread_cond_destroy(wake)
        pthread_mutex_destroy(mutex)
        done.deallocate()
        wake.deallocate()
        mutex.deallocate()
    }

    func run(_ active: Int, others: Int, _ body: @escaping (Int) -> Void) {
        (self.body, self.active) = (body, active)
        pending.store(others, ordering: .relaxed)
        advance()
        body(0)
        for missing in others + 1..<max(others + 1, active) { body(missing) }
        wait(done) { pending.load(ordering: .sequentiallyConsistent) == 0 }
        self.body = nil
    }

    func stop() {
        stopped = true
        advance()
    }

    /// One thread's life.
    func work(_ index: Int) {
        var seen = 0
        while true {
            wait(wake) { generation.load(ordering: .sequentiallyConsistent) != seen }
            if stopped { return }
            seen += 1
            if index < active { body!(index) }
            if pending.subtract(1, ordering: .sequentiallyConsistent).newValue == 0 { notify(done) }
        }
    }

    private func advance() {
        generation.add(1, ordering: .sequentiallyConsistent)
        notify(wake)
    }

    private func notify(_ condition: UnsafeMutablePointer<pthread_cond_t>) {
        guard asleep.load(ordering: .sequentiallyConsistent) > 0 else { return }
        pthread_mutex_lock(mutex)
        pthread_cond_broadcast(condition)
        pthread_mutex_unlock(mutex)
    }

    /// Watches, then sleeps. A sleeper counts itself before it looks for the last time, and who makes
    /// `holds` true looks at that count afterwards: one of them sees the other.
    private func wait(_ condition: UnsafeMutablePointer<pthread_cond_t>, _ holds: () -> Bool) {
        for _ in 0..<Shared.glances {
            if holds() { return }
            shoal_relax()
        }
        pthread_mutex_lock(mutex)
        asleep.add(1, ordering: .sequentiallyConsistent)
        while !holds() { pthread_cond_wait(condition, mutex) }
        asleep.subtract(1, ordering: .sequentiallyConsistent)
        pthread_mutex_unlock(mutex)
    }
}
