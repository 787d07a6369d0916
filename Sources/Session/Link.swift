public import Identity
public import Wire

/// One connection between two nodes, from its first byte to its last.
///
/// A pure state machine: it reads no clock, opens no socket and arms no timer. The caller passes what
/// happened and `now`, and carries out each returned ``Output`` in order.
///
/// ```
///             start / received            received, send, processed, tick
///                +------+                       +------+
///                |      v    HELLO verified     |      v
///             handshake ----------------------> open        breach, BYE, silence, close
///                |                                |  ----------------------------------> closed
///                +------ refused, 5 s over -------+
/// ```
/// Everything that comes in is bounded: a frame by its lane, unprocessed frames by credit, PINGs in
/// time, CREDITs by what was sent. Everything that waits to go out is bounded by its queue.
public struct Link: Sendable {
    /// What the caller must do next.
    public enum Output: Sendable, Equatable {
        /// Write these bytes to the connection, in order.
        case write(Bytes)
        /// The peer is who it says, for this connection and network. Whether it is a member is yours to judge.
        case established(HelloInfo)
        /// A message to act on. When done, give its `bytes` to ``Link/processed(lane:bytes:now:)``, once.
        case message(Message, lane: Lane, bytes: Int)
        /// Write what was given out before, then close the connection. The last output there is.
        case close(LinkError)
    }

    private enum Phase: Sendable, Equatable {
        case handshake(deadline: Instant)  // can transition to: open, closed
        case open  // can transition to: closed
        case closed  // terminal
    }

    public let role: Role
    private let handshake: Handshake
    private var phase: Phase
    private var reader = FrameReader(onlyHello: true)
    private var window: ReceiveWindow
    private var queues: SendQueues
    private var heartbeat: Heartbeat
    private var hasSentHello = false
    public private(set) var metrics = LinkMetrics()

    /// - Parameter expected: the peer the caller dialled; nil takes whoever can sign.
    /// - Parameter exporter: 32 bytes of keying material of the TLS connection, label `EXPORTER-shoal-hello/1`.
    /// - Parameter transportLimit: bytes that may be written and not yet confirmed by ``written(_:)``. With a
    ///   limit, lanes overtake each other while the connection is slow; without, ``written(_:)`` is not needed.
    public init(
        role: Role, identity: KeyPair, network: NetworkID, expected: PeerID?, exporter: Bytes, offer: HelloOffer,
        now: Instant, transportLimit: Int? = nil
    ) {
        precondition(exporter.count == 32, "the exporter gives 32 bytes")
        precondition(offer.isWithinLimits, "at most 8 addresses of at most 255 bytes")
        self.role = role
        handshake = Handshake(
            role: role, identity: identity, network: network, expected: expected, exporter: exporter, offer: offer)
        phase = .handshake(deadline: now + SessionLimits.handshakeMs)
        queues = SendQueues(transportLimit: transportLimit)
        heartbeat = Heartbeat(now: now)
        window = ReceiveWindow(now: now)
    }

    public var isEstablished: Bool { phase == .open }
    public var isClosed: Bool { phase == .closed }
    /// From answered PINGs; nil before the first.
    public var roundTrip: RoundTrip? { heartbeat.roundTrip }
    /// Bytes that wait for the peer's credit.
    public func queued(on lane: Lane) -> Int { queues.queued(on: lane) }
    /// Bytes that came in and were not given back by ``processed(lane:bytes:now:)``.
    public var unprocessed: Int { window.unprocessed }
    /// Bytes sent for which the peer has returned no credit, and bytes received for which this side has returned none.
    /// With nothing on its way, the one of one end is the other of the other end.
    package var credits: (outstanding: Int, held: Int) { (queues.outstanding, window.held) }

    /// 0 when this node is well; every step of its own trouble gives the peer as much time again.
    public var localHealth: Int {
        get { heartbeat.localHealth }
        set { heartbeat.localHealth = min(max(newValue, 0), 8) }
    }

    /// When ``tick(now:)`` must be called at the latest; nil when closed.
    public var nextDeadline: Instant? {
        switch phase {
        case .handshake(let deadline): deadline
        case .open: window.nextReturn.map { min($0, heartbeat.due) } ?? heartbeat.due
        case .closed: nil
        }
    }

    /// Begins: the initiator speaks first. Call once.
    public mutating func start() -> [Output] {
        guard role == .initiator, case .handshake = phase, !hasSentHello else { return [] }
        var outputs = [Output]()
        sendHello(for: handshake.expected, &outputs)
        return outputs
    }

    /// Bytes from the connection, in whatever pieces.
    public mutating func received(_ bytes: Bytes, now: Instant) -> [Output] {
        var outputs = timedOut(now: now)
        guard phase != .closed else { return outputs }
        metrics.bytesReceived += UInt64(bytes.count)
        heartbeat.heard(now: now)
        var input = bytes[...]
        do throws(LinkError) {
            while phase != .closed, let item = try reader.next(from: &input) { try take(item, now: now, &outputs) }
        } catch {
            end(with: error, &outputs)
        }
        return outputs
    }

    /// Sends a message as soon as its lane has credit.
    ///
    /// - Throws: the message was not taken, and nothing has changed. ``SendRefusal/queueFull(_:)``: the peer is
    ///   slow; mark it dirty.
    public mutating func send(_ message: Message) throws(SendRefusal) -> [Output] {
        switch phase {
        case .handshake: throw .notEstablished
        case .closed: throw .closed
        case .open: break
        }
        precondition(message.kind.needsCredit, "the link itself sends \(message.kind.name)")
        do throws(SendRefusal) {
            try queues.append(message.frame().encode(), on: message.kind.lane)
        } catch {
            metrics.refused[message.kind.lane] += 1
            throw error
        }
        var outputs = [Output]()
        pump(&outputs)
        if queues.queued(on: message.kind.lane) > 0 { metrics.waited += 1 }
        return outputs
    }

    /// The caller is done with `bytes` of a message; its credit goes back to the peer, in batches.
    public mutating func processed(lane: Lane, bytes: Int, now: Instant) -> [Output] {
        guard phase == .open else { return [] }
        var outputs = [Output]()
        giveBack(bytes, on: lane, now: now, &outputs)
        return outputs
    }

    /// The connection took `bytes` of what was written. Needed only with a `transportLimit`.
    public mutating func written(_ bytes: Int) -> [Output] {
        queues.transportTook(bytes)
        var outputs = [Output]()
        if phase == .open { pump(&outputs) }
        return outputs
    }

    /// Time has passed; harmless when too early.
    public mutating func tick(now: Instant) -> [Output] {
        var outputs = timedOut(now: now)
        guard phase == .open else { return outputs }
        if let credit = window.creditDue(now: now) { write(.credit(credit), &outputs) }
        switch heartbeat.tick(now: now) {
        case .ping(let nonce): write(.ping(nonce: nonce), &outputs)
        case .dead(let missed): end(with: .dead(missedPings: missed), &outputs)
        case nil: break
        }
        return outputs
    }

    /// Ends the connection for a reason of the caller's. Messages that wait are dropped.
    ///
    /// - Parameter text: for people; cut to 256 bytes.
    public mutating func close(_ code: ByeCode, _ text: String) -> [Output] {
        var outputs = [Output]()
        if phase != .closed { end(with: .byeSent(code, text), &outputs) }
        return outputs
    }
}

// MARK: - What comes in

extension Link {
    private mutating func timedOut(now: Instant) -> [Output] {
        guard case .handshake(let deadline) = phase, now >= deadline else { return [] }
        var outputs = [Output]()
        end(with: .handshakeTimeout, &outputs)
        return outputs
    }

    private mutating func take(_ item: FrameReader.Item, now: Instant, _ outputs: inout [Output]) throws(LinkError) {
        switch item {
        case .skipped(let header):
            metrics.skipped.add(header.frameBytes)
            try window.received(header.frameBytes, on: header.lane)
            giveBack(header.frameBytes, on: header.lane, now: now, &outputs)
        case .frame(let frame):
            metrics.countReceived(frame.kind, bytes: frame.frameBytes)
            if phase == .open {
                try open(frame, now: now, &outputs)
            } else {
                try greet(frame, now: now, &outputs)
            }
        }
    }

    private mutating func greet(_ frame: Frame, now: Instant, _ outputs: inout [Output]) throws(LinkError) {
        let hello = try handshake.verify(frame.body)
        if role == .acceptor { sendHello(for: hello.peer, &outputs) }
        reader.onlyHello = false
        queues.open(granting: hello.credits)
        heartbeat.heard(now: now)
        phase = .open
        outputs.append(.established(handshake.info(of: hello)))
    }

    private mutating func open(_ frame: Frame, now: Instant, _ outputs: inout [Output]) throws(LinkError) {
        let lane = frame.kind.lane
        if frame.kind.needsCredit { try window.received(frame.frameBytes, on: lane) }
        let message = try Message(frame)
        switch message {
        case .hello: throw .secondHello
        case .ping(let nonce):
            try heartbeat.pinged(now: now)
            write(.pong(nonce: nonce), &outputs)
        case .pong(let nonce):
            try heartbeat.ponged(nonce: nonce, now: now)
        case .credit(let amounts):
            try queues.grant(amounts)
            pump(&outputs)
        case .bye(let code, let text):
            end(with: .byeReceived(code, text), &outputs)
        case .ops, .ihave, .iwant, .graft, .prune, .frontier, .reconcile, .pull, .blobWant, .blob, .blobNone,
            .equivocation, .peers, .join, .sumsWant, .sums:
            outputs.append(.message(message, lane: lane, bytes: frame.frameBytes))
        }
    }

    private mutating func giveBack(_ bytes: Int, on lane: Lane, now: Instant, _ outputs: inout [Output]) {
        if let credit = window.processed(bytes, on: lane, now: now) { return write(.credit(credit), &outputs) }
        if window.nextReturn != nil { metrics.throttled += 1 }
    }
}

// MARK: - What goes out

extension Link {
    private mutating func sendHello(for peer: PeerID?, _ outputs: inout [Output]) {
        hasSentHello = true
        write(.hello(handshake.hello(for: peer)), &outputs)
    }

    /// Writes a frame that needs no credit, past the queues.
    private mutating func write(_ message: Message, _ outputs: inout [Output]) {
        put(message.frame().encode(), &outputs)
    }

    private mutating func pump(_ outputs: inout [Output]) {
        while let (frame, _) = queues.next() { put(frame, &outputs) }
    }

    private mutating func put(_ frame: Bytes, _ outputs: inout [Output]) {
        metrics.countSent(MessageKind(rawValue: frame[4])!, bytes: frame.count)
        metrics.bytesWritten += UInt64(frame.count)
        queues.wrote(frame.count)
        outputs.append(.write(frame))
    }

    /// Says why, where the peer can read it: after this node's HELLO, and not in answer to a BYE.
    private mutating func end(with error: LinkError, _ outputs: inout [Output]) {
        let mayRead: Bool
        let text: String
        switch error {
        case .byeReceived: (mayRead, text) = (false, "")
        case .byeSent(_, let why): (mayRead, text) = (hasSentHello, why)
        default: (mayRead, text) = (hasSentHello, error.description)
        }
        if mayRead { write(.bye(error.code, text.cut(toBytes: SessionLimits.byeTextBytes)), &outputs) }
        phase = .closed
        queues.removeAll()
        reader = FrameReader(onlyHello: true)
        outputs.append(.close(error))
    }
}

extension String {
    /// The longest prefix of whole characters that fits.
    fileprivate func cut(toBytes limit: Int) -> String {
        var text = self
        while text.utf8.count > limit { text.removeLast() }
        return text
    }
}
