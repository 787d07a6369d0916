internal import Transport
internal import Wire

/// One connection between two nodes: the dialer's socket, the one to its target, and what is under way between them.
///
/// On the loop. While a direction is cut nobody is connected: a dial waits, as its first packet would be lost.
final class CarriedConnection {
    /// One of the two sockets, and what travels to it.
    private final class Side {
        let socket: LinkSocket
        var watch: PollWatch?
        /// What travels to this side.
        var inbound = LinkPipe()
        /// The system takes no more at the moment.
        var isFull = false
        /// Its end has been passed on.
        var isFinished = false

        init(_ socket: LinkSocket) { self.socket = socket }
    }

    private unowned let board: Switchboard
    let key: UInt64
    /// Where the dialer's bytes go, and where those of the target do.
    let forward: Link
    let backward: Link
    private let dialer: Side
    private var target: Side?
    private var isConnected = false
    private(set) var isOver = false
    private var timer: LoopTimer?

    init(_ board: Switchboard, key: UInt64, socket: LinkSocket, forward: Link, backward: Link) {
        self.board = board
        self.key = key
        self.forward = forward
        self.backward = backward
        dialer = Side(socket)
    }

    /// Whether it waits for a cut to be healed.
    var isWaiting: Bool { target == nil }

    /// Looks at everything again: after an event, and after a link has changed.
    func advance() {
        guard !isOver else { return }
        if target == nil { connect() }
        guard !isOver, isConnected, let target else { return }
        let now = board.loop.now
        let due = [deliver(to: target, over: forward, now), deliver(to: dialer, over: backward, now)]
        guard !isOver else { return }
        wake(at: due.compactMap(\.self).min(), now)
        if dialer.isFinished, target.isFinished { return end() }
        watch(dialer, reading: target.inbound, over: forward)
        watch(target, reading: dialer.inbound, over: backward)
    }

    private func connect() {
        guard !forward.conditions.isCut, !backward.conditions.isCut else { return }
        guard !dialer.socket.isForsaken, let place = board.place(of: forward.to),
            let socket = try? LinkSocket.connecting(to: place.host, port: place.port)
        else { return end() }
        let side = Side(socket)
        target = side
        side.watch = try? board.loop.poll(socket.descriptor, for: .writable) { [unowned self] events in
            isConnected ? ready(side, events) : becameWritable(side)
        }
        if side.watch == nil { end() }
    }

    /// The target has answered, or does not.
    private func becameWritable(_ side: Side) {
        guard side.socket.isConnected else { return end() }
        isConnected = true
        dialer.watch = try? board.loop.poll(dialer.socket.descriptor, for: .readable) { [unowned self] events in
            ready(dialer, events)
        }
        dialer.watch == nil ? end() : advance()
    }

    private func ready(_ side: Side, _ events: Readiness) {
        guard !isOver, let target else { return }
        if events.contains(.writable) { side.isFull = false }
        if side === dialer {
            read(dialer, into: target, over: forward)
        } else {
            read(target, into: dialer, over: backward)
        }
        advance()
    }

    private func read(_ source: Side, into sink: Side, over link: Link) {
        guard sink.inbound.hasRoom(link.conditions) else { return }
        let buffer = UnsafeMutableRawBufferPointer(rebasing: board.buffer.prefix(link.conditions.readBytes))
        switch source.socket.read(into: buffer) {
        case .bytes(let count):
            sink.inbound.take(Array(buffer.prefix(count)), now: board.loop.now, link.conditions, &board.random)
        case .end: sink.inbound.end()
        case .again: break
        case .broken: end()
        }
    }

    /// Hands over what is due; when it is to be looked at again, if anything is under way.
    private func deliver(to side: Side, over link: Link, _ now: UInt64) -> UInt64? {
        while !isOver, !side.isFull, !side.isFinished {
            switch side.inbound.next(now: now, link.conditions, heldUntil: link.heldUntil) {
            case .write(let bytes):
                switch side.socket.write(bytes) {
                case .bytes(let count):
                    side.inbound.wrote(count, now: now, link.conditions)
                    link.bytes += UInt64(count)
                    if count < bytes.count { side.isFull = true }
                case .again, .end: side.isFull = true
                case .broken: end()
                }
            case .end:
                side.isFinished = true
                side.socket.finish()
            case .wait(let until): return until
            case .rest: return nil
            }
        }
        return nil
    }

    private func wake(at due: UInt64?, _ now: UInt64) {
        timer?.cancel()
        timer = due.map { due in
            board.loop.after(milliseconds: due - now) { [weak self] in self?.advance() }
        }
    }

    private func watch(_ side: Side, reading outbound: LinkPipe, over link: Link) {
        var events: Readiness = []
        if outbound.hasRoom(link.conditions) { events.insert(.readable) }
        if side.isFull { events.insert(.writable) }
        side.watch?.change(to: events)
    }

    /// Ends both sockets at once.
    func end() {
        guard !isOver else { return }
        isOver = true
        timer?.cancel()
        for side in [dialer, target].compactMap(\.self) {
            side.watch?.cancel()
            side.isFinished && side.inbound.hasEnded && side.inbound.count == 0
                ? side.socket.close() : side.socket.reset()
        }
        board.ended(self)
    }
}
