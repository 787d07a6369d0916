internal import CUV
internal import Glibc
internal import Synchronization

/// One thread that waits for sockets, timers, signals and jobs, and calls back what was registered.
///
/// Everything but ``post(_:)``, ``perform(_:)``, ``start()``, ``stop()`` and ``join()`` belongs to the loop's
/// own thread, which is checked; before the loop runs, its creator's thread counts as that thread. Callbacks
/// run one at a time and must not block.
///
/// Connections and listeners keep their loop alive until it has run to its end.
///
/// Creating a loop makes the process ignore SIGPIPE, as every program with sockets must.
public final class EventLoop: @unchecked Sendable {
    private struct Inbox {
        var jobs: [@Sendable () -> Void] = []
        var isClosed = false
    }

    let uv: UnsafeMutablePointer<uv_loop_t>
    private let inbox = Mutex(Inbox())
    /// The thread that runs the loop, 0 while none does.
    private let thread = Atomic<UInt>(0)
    private var started: pthread_t?
    private var deferred: [() -> Void] = []
    private var wakeUp: WakeUp!
    private var noWait: NoWait!
    private var isTornDown = false

    /// - Throws: ``TransportError/system(operation:code:text:)`` when the process has no descriptor left.
    public init() throws(TransportError) {
        signal(SIGPIPE, SIG_IGN)
        uv = .allocate(capacity: 1)
        let status = uv_loop_init(uv)
        if status != 0 {
            isTornDown = true
            uv.deallocate()
            throw .system(operation: "create an event loop", status)
        }
        wakeUp = try WakeUp(self) { [unowned self] in runPosted() }
        noWait = try NoWait(self)
        _ = try BeforeWait(self) { [unowned self] in runDeferred() }
    }

    deinit { tearDown() }

    // MARK: Running

    /// Runs on the calling thread until ``stop()``; then everything on the loop is closed. Once per loop.
    public func run() {
        let (free, _) = thread.compareExchange(expected: 0, desired: pthread_self(), ordering: .sequentiallyConsistent)
        precondition(free && !isTornDown, "an event loop runs once, on one thread")
        uv_run(uv, UV_RUN_DEFAULT)
        tearDown()
    }

    /// Runs on a thread of its own. Call ``join()`` after ``stop()`` to wait for its end.
    public func start() {
        var made = pthread_t()
        let context = Unmanaged.passRetained(self).toOpaque()
        let status = pthread_create(
            &made, nil,
            { context in
                Unmanaged<EventLoop>.fromOpaque(context!).takeRetainedValue().run()
                return nil
            }, context)
        precondition(status == 0, "the system gives no thread to the event loop")
        started = made
    }

    /// Ends the loop after this turn and the jobs posted so far. From any thread; safe to repeat.
    public func stop() {
        if thread.load(ordering: .relaxed) == pthread_self() {
            if !isTornDown { uv_stop(uv) }
        } else {
            post { [self] in stop() }
        }
    }

    /// Waits for the end of a loop that ``start()`` began. Not from the loop itself.
    public func join() {
        guard let started else { return }
        pthread_join(started, nil)
        self.started = nil
    }

    // MARK: From any thread

    /// Runs `job` on the loop, in the order of posting. False, and `job` is dropped, once the loop has ended.
    @discardableResult
    public func post(_ job: @escaping @Sendable () -> Void) -> Bool {
        inbox.withLock { inbox in
            guard !inbox.isClosed else { return false }
            inbox.jobs.append(job)
            if inbox.jobs.count == 1 { wakeUp.send() }
            return true
        }
    }

    /// Runs `body` on the loop and returns what it returns.
    /// - Throws: ``TransportError/shutDown`` when the loop has ended.
    public func perform<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async throws(TransportError) -> Value
    {
        let result: Result<Value, TransportError> = await withCheckedContinuation { continuation in
            let accepted = post { continuation.resume(returning: .success(body())) }
            if !accepted { continuation.resume(returning: .failure(.shutDown)) }
        }
        return try result.get()
    }

    // MARK: On the loop

    /// True on the loop's thread.
    public var isCurrent: Bool {
        let owner = thread.load(ordering: .relaxed)
        return owner == 0 || owner == pthread_self()
    }

    /// Milliseconds of a clock that never goes back, with an arbitrary start; the clock of the timers.
    public var now: UInt64 {
        uv_update_time(uv)
        return uv_now(uv)
    }

    /// Calls `body` once, when ``now`` has grown by `milliseconds`.
    @discardableResult
    public func after(milliseconds: UInt64, _ body: @escaping () -> Void) -> LoopTimer {
        assertCurrent()
        uv_update_time(uv)
        return LoopTimer(self, milliseconds: milliseconds, body)
    }

    /// Calls `body` in this turn of the loop, after the callback at hand has returned and before the loop waits.
    public func later(_ body: @escaping () -> Void) {
        assertCurrent()
        deferred.append(body)
        noWait.isOn = true
    }

    /// Calls `body` whenever the process receives signal `number` (SIGTERM, SIGINT, SIGHUP, …).
    @discardableResult
    public func onSignal(_ number: Int32, _ body: @escaping () -> Void) throws(TransportError) -> SignalWatch {
        assertCurrent()
        return try SignalWatch(self, number, body)
    }

    /// Calls `body` while `fd` is ready for one of `events` (level-triggered). The caller owns `fd` and cancels
    /// the watch before closing it.
    @discardableResult
    public func poll(_ fd: Int32, for events: Readiness, _ body: @escaping (Readiness) -> Void)
        throws(TransportError) -> PollWatch
    {
        assertCurrent()
        return try PollWatch(self, fd, events, body)
    }

    func assertCurrent() {
        precondition(isCurrent, "called from a thread other than the event loop's")
    }

    // MARK: Inside

    private func runPosted() {
        let jobs = inbox.withLock { inbox in
            defer { inbox.jobs = [] }
            return inbox.jobs
        }
        for job in jobs { job() }
    }

    /// What a deferred call defers in turn waits for the next turn, or sockets would starve.
    private func runDeferred() {
        noWait.isOn = false
        let calls = deferred
        deferred = []
        for call in calls { call() }
    }
}

// MARK: The end

extension EventLoop {
    /// A name lookup in progress cannot be interrupted; the loop's memory is left to it after this time.
    private static let lookupGraceMs: UInt64 = 1_000

    private func tearDown() {
        guard !isTornDown else { return }
        isTornDown = true
        runPosted()
        let late = inbox.withLock { inbox in
            inbox.isClosed = true
            defer { inbox.jobs = [] }
            return inbox.jobs
        }
        for job in late { job() }
        uv_walk(uv, { handle, _ in LoopHandle.owner(of: handle).cancel() }, nil)
        let grace = LoopTimer(self, milliseconds: Self.lookupGraceMs) { [uv] in uv_stop(uv) }
        uv_unref(grace.pointer())
        uv_run(uv, UV_RUN_DEFAULT)
        grace.cancel()
        uv_run(uv, UV_RUN_NOWAIT)
        for call in deferred { call() }
        deferred = []
        if uv_loop_close(uv) == 0 { uv.deallocate() }
    }
}
