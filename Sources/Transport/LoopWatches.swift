internal import CUV

/// A one-shot timer; see ``EventLoop/after(milliseconds:_:)``.
public final class LoopTimer: LoopHandle {
    private var body: (() -> Void)?

    init(_ loop: EventLoop, milliseconds: UInt64, _ body: @escaping () -> Void) {
        self.body = body
        // Neither call can fail: they only link the handle into the loop.
        do throws(TransportError) {
            try super.init(uv_timer_t.self, operation: "start a timer") { uv_timer_init(loop.uv, $0) }
        } catch { preconditionFailure(error.description) }
        uv_timer_start(pointer(), { LoopTimer.owner(of: $0).fire() }, milliseconds, 0)
    }

    private func fire() {
        let body = self.body
        cancel()
        body?()
    }

    override func didClose() { body = nil }
}

/// Delivery of one Unix signal; see ``EventLoop/onSignal(_:_:)``.
public final class SignalWatch: LoopHandle {
    private var body: (() -> Void)?

    init(_ loop: EventLoop, _ number: Int32, _ body: @escaping () -> Void) throws(TransportError) {
        self.body = body
        let operation = "watch signal \(number)"
        try super.init(uv_signal_t.self, operation: operation) { uv_signal_init(loop.uv, $0) }
        let status = uv_signal_start(pointer(), { handle, _ in SignalWatch.owner(of: handle).body?() }, number)
        if status != 0 {
            cancel()
            throw .system(operation: operation, status)
        }
    }

    override func didClose() { body = nil }
}

/// What a file descriptor is ready for. The end of a stream counts as readable: the read returns 0.
public struct Readiness: OptionSet, Hashable, Sendable {
    public let rawValue: Int32
    public init(rawValue: Int32) { self.rawValue = rawValue }
    public static let readable = Readiness(rawValue: 1)
    public static let writable = Readiness(rawValue: 2)
}

/// A watch over a file descriptor that belongs to the caller; see ``EventLoop/poll(_:for:_:)``.
public final class PollWatch: LoopHandle {
    private var body: ((Readiness) -> Void)?
    /// What is waited for now.
    private var events: Readiness = []

    init(_ loop: EventLoop, _ fd: Int32, _ events: Readiness, _ body: @escaping (Readiness) -> Void)
        throws(TransportError)
    {
        self.body = body
        let operation = "watch file descriptor \(fd)"
        try super.init(uv_poll_t.self, operation: operation) { uv_poll_init(loop.uv, $0, fd) }
        let status = start(events)
        if status != 0 {
            cancel()
            throw .system(operation: operation, status)
        }
    }

    /// Waits for other `events` from now on; for none until the next change if it is empty.
    public func change(to events: Readiness) {
        guard !isClosing, events != self.events else { return }
        _ = start(events)
    }

    private func start(_ events: Readiness) -> Int32 {
        self.events = events
        if events.isEmpty { return uv_poll_stop(pointer()) }
        return uv_poll_start(pointer(), events.rawValue) { handle, status, events in
            // An error of the descriptor is readiness: the caller's next read or write reports it.
            let ready: Readiness = status < 0 ? [.readable, .writable] : Readiness(rawValue: events)
            PollWatch.owner(of: handle).body?(ready)
        }
    }

    override func didClose() { body = nil }
}

/// Runs once per turn of the loop, right before it waits for the system.
final class BeforeWait: LoopHandle {
    private let body: () -> Void

    init(_ loop: EventLoop, _ body: @escaping () -> Void) throws(TransportError) {
        self.body = body
        try super.init(uv_prepare_t.self, operation: "start the event loop") { uv_prepare_init(loop.uv, $0) }
        uv_prepare_start(pointer()) { BeforeWait.owner(of: $0).body() }
    }
}

/// While on, the loop does not wait: it looks for events and turns again.
final class NoWait: LoopHandle {
    init(_ loop: EventLoop) throws(TransportError) {
        try super.init(uv_idle_t.self, operation: "start the event loop") { uv_idle_init(loop.uv, $0) }
    }

    var isOn = false {
        didSet {
            guard isOn != oldValue, !isClosing else { return }
            _ = isOn ? uv_idle_start(pointer(), { _ in }) : uv_idle_stop(pointer())
        }
    }
}

/// The way into the loop from other threads.
final class WakeUp: LoopHandle {
    private let body: () -> Void

    init(_ loop: EventLoop, _ body: @escaping () -> Void) throws(TransportError) {
        self.body = body
        try super.init(uv_async_t.self, operation: "start the event loop") {
            uv_async_init(loop.uv, $0) { WakeUp.owner(of: $0).body() }
        }
    }

    /// From any thread, while the handle is open; calls merge.
    func send() { uv_async_send(pointer()) }
}
