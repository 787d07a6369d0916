import CMicroHTTPD
import CShims
import Glibc
import Synchronization

/// One request and its answer, from the request line to the last byte.
///
/// The daemon's thread feeds it; the handler may answer from any thread. The connection sleeps between the
/// complete request and the answer, and is woken by ``deliver(_:)``: while it sleeps it cannot be closed,
/// and its lock is held while it is woken, so the pointer is always alive when it is used.
final class Exchange: Sendable {
    private enum Phase {
        case begun
        case receiving
        /// Refused, but the client still sends: its body is thrown away, so that it can read the answer.
        case draining
        case waiting
        case answered
    }

    private struct State: ~Copyable {
        var phase = Phase.begun
        var head: RequestHead?
        var body = BodyCollector(limit: 0, memoryLimit: 0, directory: "")
        var drained = 0
        var answer: Response?
        var sleeping: ConnectionRef?
        var stream: StreamWriter?
        var producer: Task<Void, Never>?
        var endless = false
        var status = 0
    }

    /// A refused client may send this much before it is cut off.
    static let maxDrainedBytes = 16 << 20

    /// POLLRDHUP of Linux, which Glibc hides.
    private static let peerClosed: Int16 = 0x2000

    private let core: ServerCore
    private let target: String?
    private let origin: RequestHead.Origin
    private let state = Mutex(State())
    let number: UInt64
    private let started = ContinuousClock.now

    init(core: ServerCore, number: UInt64, target: String?, origin: RequestHead.Origin) {
        self.core = core
        self.number = number
        self.target = target
        self.origin = origin
    }

    // MARK: the daemon's thread

    /// The headers, a part of the body, or the end of the request; false closes the connection.
    func receive(_ connection: OpaquePointer, method: String, part: UnsafeRawBufferPointer) -> Bool {
        let phase = state.withLock { $0.phase }
        switch phase {
        case .begun: return begin(connection, method: method)
        case .receiving, .draining:
            guard part.isEmpty else { return take(part) }
            return complete(connection)
        case .waiting: return answerOrSleep(connection)
        case .answered: return true
        }
    }

    private func begin(_ connection: OpaquePointer, method: String) -> Bool {
        let (head, verdict) = core.admit(connection: connection, method: method, target: target, origin: origin)
        guard case .refuse(let response) = verdict else {
            state.withLock { state in
                guard case .accept(let limit, _) = verdict else { return }
                state.head = head
                state.body = core.collector(limit: limit)
                state.phase = .receiving
            }
            return true
        }
        let announced = head.map { $0.contentLength ?? 0 } ?? 0
        // A client that has not begun to send, or would send too much, hears the answer at once.
        let atOnce = head.map { $0.hasBody && ($0.expectsContinue || announced > Self.maxDrainedBytes) } ?? true
        state.withLock { state in
            state.head = head
            state.phase = .draining
            state.answer = response
        }
        return atOnce ? answer(connection, with: response) : true
    }

    private func take(_ part: UnsafeRawBufferPointer) -> Bool {
        state.withLock { state in
            if state.phase == .draining {
                state.drained += part.count
                return state.drained <= Self.maxDrainedBytes
            }
            do throws(Problem) {
                try state.body.append(part)
            } catch {
                state.body = core.collector(limit: 0)
                state.phase = .draining
                state.answer = .problem(error)
            }
            return true
        }
    }

    /// The request is complete: the handler gets it, unless it was refused.
    private func complete(_ connection: OpaquePointer) -> Bool {
        let (refusal, request) = state.withLock { state -> (Response?, Request?) in
            if let answer = state.answer { return (answer, nil) }
            guard let head = state.head else { preconditionFailure("a request without a head was accepted") }
            state.phase = .waiting
            return (nil, Request(head: head, body: state.body.finish()))
        }
        if let refusal { return answer(connection, with: refusal) }
        if let request { core.handle(request, Responder(self)) }
        return answerOrSleep(connection)
    }

    private func answerOrSleep(_ connection: OpaquePointer) -> Bool {
        let reference = ConnectionRef(pointer: connection)
        let answer = state.withLock { state -> Response? in
            if state.answer == nil {
                // A connection that sleeps while the daemon ends would never wake.
                guard !core.isForced else { return core.stoppingAnswer }
                state.sleeping = reference
                MHD_suspend_connection(connection)
            }
            return state.answer
        }
        return answer.map { self.answer(connection, with: $0) } ?? true
    }

    private func answer(_ connection: OpaquePointer, with response: Response) -> Bool {
        let reference = ConnectionRef(pointer: connection)
        state.withLock { state in
            state.phase = .answered
            state.answer = response
            state.status = response.status
        }
        switch response.body {
        case .bytes(let bytes):
            return queueBytes(connection, response, bytes)
        case .stream(let source):
            let stream = StreamWriter(connection: reference, capacity: source.capacity)
            guard queueStream(connection, response, stream) else { return false }
            let producer = Task { await self.produce(source, stream) }
            state.withLock { state in
                state.stream = stream
                state.producer = producer
                state.endless = source.isEndless
            }
            // The server may have begun to stop before it could see this stream.
            if core.isStopping { endStream(force: core.isForced) }
            return true
        }
    }

    private func produce(_ source: StreamSource, _ stream: StreamWriter) async {
        do {
            try await source.produce(stream)
            stream.finish()
        } catch {
            if stream.isOpen, !(error is CancellationError) {
                core.log("the answer to \(target ?? "") broke off: \(error)")
            }
            stream.fail()
        }
    }

    /// The last call: the answer is out, or the client is gone.
    func completed(_ isComplete: Bool) {
        let (stream, producer, head, status) = state.withLock { state in
            // A responder may be kept for long after; what it answered with is not.
            defer {
                state.phase = .answered
                state.answer = nil
                state.stream = nil
                state.producer = nil
            }
            return (state.stream, state.producer, state.head, state.status)
        }
        stream?.fail()
        producer?.cancel()
        core.completed(
            self,
            RequestSummary(
                method: head?.method, path: head?.path ?? target ?? "", caller: head?.caller, peer: origin.peer,
                status: status, isComplete: isComplete, duration: started.duration(to: .now)))
    }

    // MARK: any thread

    /// Keeps the first answer and wakes the connection.
    @discardableResult
    func deliver(_ response: Response) -> Bool {
        state.withLock { state in
            guard state.phase == .waiting, state.answer == nil else { return false }
            state.answer = response
            if let connection = state.sleeping {
                state.sleeping = nil
                MHD_resume_connection(connection.pointer)
            }
            return true
        }
    }

    /// Ends the body: an endless one now, any other only if `force`.
    func endStream(force: Bool) {
        let (stream, endless) = state.withLock { ($0.stream, $0.endless) }
        if endless { stream?.finish() }
        if force { stream?.fail() }
    }

    var isClientGone: Bool {
        state.withLock { state in
            guard let connection = state.sleeping else { return state.phase == .answered }
            var descriptor = pollfd(
                fd: shoal_http_connection_fd(connection.pointer), events: Self.peerClosed, revents: 0)
            return poll(&descriptor, 1, 0) > 0
        }
    }
}
