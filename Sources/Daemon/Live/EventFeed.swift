internal import API
internal import Peer
internal import Replication
internal import Synchronization
internal import Wire

/// What happens at this node, told to whoever watches: the source of `GET /api/events`.
///
/// Events are numbered from 1. The latest ``kept`` are told again to a watcher that comes back with the number it
/// saw last, so that a dashboard misses nothing over a short loss of its connection.
final class EventFeed: Sendable {
    /// Events that a returning watcher is told again, at most.
    static let kept = 512
    /// Events that wait for one slow watcher; older ones are dropped, and the numbers show the gap.
    static let waiting = 1_024
    /// Watchers at a time. Each costs a connection and up to ``waiting`` events of about 300 bytes.
    static let watchers = 256

    private struct State {
        var last: UInt64 = 0
        var recent: [ServerEvent] = []
        var watchers: [UInt64: AsyncStream<ServerEvent>.Continuation] = [:]
        var lastWatcher: UInt64 = 0
    }
    private let state = Mutex(State())

    func publish(_ name: String, _ value: some Encodable) {
        guard let json = try? JSON.encode(value) else { return }
        state.withLock { state in
            state.last += 1
            let event = ServerEvent(name: name, data: String(decoding: json, as: UTF8.self), id: "\(state.last)")
            state.recent.append(event)
            if state.recent.count > 2 * Self.kept { state.recent.removeFirst(Self.kept) }
            for watcher in state.watchers.values { watcher.yield(event) }
        }
    }

    /// A stream of what happens from now on, after what happened since event `seen`.
    ///
    /// - Returns: nil when there are too many watchers.
    func watch(since seen: UInt64?) -> AsyncStream<ServerEvent>? {
        let (stream, continuation) = AsyncStream.makeStream(
            of: ServerEvent.self, bufferingPolicy: .bufferingNewest(Self.waiting))
        let number: UInt64? = state.withLock { state in
            guard state.watchers.count < Self.watchers else { return nil }
            if let seen, seen < state.last {
                let missed = min(state.last - seen, UInt64(min(state.recent.count, Self.kept)))
                for event in state.recent.suffix(Int(missed)) { continuation.yield(event) }
            }
            state.lastWatcher += 1
            state.watchers[state.lastWatcher] = continuation
            return state.lastWatcher
        }
        guard let number else { return nil }
        continuation.onTermination = { [weak self] _ in self?.left(number) }
        return stream
    }

    private func left(_ number: UInt64) { state.withLock { $0.watchers[number] = nil } }

    var watcherCount: Int { state.withLock { $0.watchers.count } }
}

extension EventFeed {
    /// Ops took effect here and are durable.
    func applied(_ ops: [AppliedOp]) {
        for op in ops {
            publish(
                "op",
                OpEvent(
                    id: op.id.hex, author: op.author.hex, seq: Int(op.seq), kind: op.kind.name,
                    bodyBytes: op.bodyLength,
                    void: op.void?.code, from: op.from?.hex))
        }
    }

    func noticed(_ notice: Notice) {
        switch notice {
        case .connected(let peer): publish("peer", PeerEvent(peer: peer.hex, state: "connected"))
        case .disconnected(let peer, let reason):
            publish("peer", PeerEvent(peer: peer.hex, state: "disconnected", reason: reason))
        case .banned(let peer, let reason, _):
            publish("peer", PeerEvent(peer: peer.hex, state: "banned", reason: reason))
        case .refused(let op, let code, let from):
            publish("refused", RefusedEvent(op: op?.hex, code: code, from: from?.hex))
        case .fork(let proof):
            publish("alarm", AlarmEvent(code: "fork", peer: proof.key.author.hex, detail: "two ops for one place"))
        case .diverged(let peer, _, _):
            publish("alarm", AlarmEvent(code: "diverged", peer: peer.hex, detail: "same ops, other state"))
        case .stopped(let reason): publish("alarm", AlarmEvent(code: "stopped", peer: nil, detail: reason))
        case .openedLog, .beganWithSums, .replacedBodies, .reached: break
        }
    }
}
