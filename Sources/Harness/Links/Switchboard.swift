internal import Terminal
internal import Transport
internal import Wire

/// What one node sends to another, and how that arrives.
final class Link {
    let from: String
    let to: String
    var conditions = LinkConditions.plain
    /// Nothing arrives before this, milliseconds of the loop's clock.
    var heldUntil: UInt64 = 0
    var bytes: UInt64 = 0

    init(from: String, to: String) {
        self.from = from
        self.to = to
    }
}

/// Carries the connections of a cluster: a listener for each node that dials and each that it dials, all on one
/// event loop, in one thread.
///
/// A connection carries two directions, and each has a link of its own: cutting what `a` sends to `b` leaves what
/// `b` sends to `a` alone, whoever dialed.
final class Switchboard: @unchecked Sendable {
    struct Pair: Hashable, Comparable {
        let from: String
        let to: String
        static func < (a: Pair, b: Pair) -> Bool { (a.from, a.to) < (b.from, b.to) }
    }

    /// Dials of one pair that wait for a cut to be healed; the oldest gives way.
    private static let waitingDials = 32

    let loop: EventLoop
    /// Shared by all reads.
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 16)
    /// Draws the jitter.
    var random: Random
    private var places: [String: (host: String, port: UInt16)] = [:]
    private var links: [Pair: Link] = [:]
    private var listeners: [Pair: (socket: LinkSocket, watch: PollWatch)] = [:]
    private var connections: [UInt64: CarriedConnection] = [:]
    private var lastKey: UInt64 = 0

    init(loop: EventLoop, seed: UInt64) {
        self.loop = loop
        random = Random(seed: seed)
    }

    deinit { buffer.deallocate() }

    func place(of node: String) -> (host: String, port: UInt16)? { places[node] }

    /// Tells where a node listens.
    func set(_ node: String, host: String, port: UInt16) { places[node] = (host, port) }

    /// Opens the door through which `from` dials `to`; does nothing if it is open.
    ///
    /// - Returns: the port, where `port` is 0.
    @discardableResult
    func open(from: String, to: String, host: String = "127.0.0.1", port: UInt16) throws -> UInt16 {
        let pair = Pair(from: from, to: to)
        if listeners[pair] != nil { return port }
        let socket = try LinkSocket.listening(at: host, port: port)
        do {
            let watch = try loop.poll(socket.descriptor, for: .readable) { [unowned self] _ in arrived(pair, socket) }
            listeners[pair] = (socket, watch)
        } catch {
            socket.close()
            throw error
        }
        return socket.port
    }

    private func arrived(_ pair: Pair, _ listener: LinkSocket) {
        while let socket = listener.accept() {
            lastKey += 1
            let connection = CarriedConnection(
                self, key: lastKey, socket: socket, forward: link(pair),
                backward: link(Pair(from: pair.to, to: pair.from)))
            connections[lastKey] = connection
            connection.advance()
            let waiting = connections.values.filter { $0.isWaiting && $0.forward === connection.forward }
            if waiting.count > Self.waitingDials { waiting.min { $0.key < $1.key }?.end() }
        }
    }

    private func link(_ pair: Pair) -> Link {
        if let known = links[pair] { return known }
        let link = Link(from: pair.from, to: pair.to)
        links[pair] = link
        return link
    }

    func ended(_ connection: CarriedConnection) { connections[connection.key] = nil }

    /// Every pair of different nodes, in order.
    private var pairs: [Pair] {
        let names = places.keys.sorted()
        return names.flatMap { from in names.compactMap { $0 == from ? nil : Pair(from: from, to: $0) } }
    }

    func carryOut(_ order: LinkOrder) throws(Failure) {
        if let unknown = (order.from + order.to).first(where: { places[$0] == nil }) {
            throw Failure("cluster link", unknown, "there is no such node")
        }
        let meant = pairs.filter { order.concerns(from: $0.from, to: $0.to) }.map(link)
        for link in meant {
            order.apply(to: &link.conditions)
            if let stall = order.stallMs { link.heldUntil = max(link.heldUntil, loop.now + UInt64(max(stall, 0))) }
        }
        let concerned = connections.values.sorted { $0.key < $1.key }.filter { connection in
            meant.contains { $0 === connection.forward || $0 === connection.backward }
        }
        for connection in concerned { order.reset == true ? connection.end() : connection.advance() }
    }

    var report: [LinkReport] {
        pairs.map(link).map { link in
            LinkReport(
                from: link.from, to: link.to, conditions: link.conditions,
                connections: connections.values.count { $0.forward === link || $0.backward === link }, bytes: link.bytes
            )
        }
    }

    /// Ends everything.
    func close() {
        for listener in listeners.values {
            listener.watch.cancel()
            listener.socket.close()
        }
        listeners = [:]
        for connection in connections.values { connection.end() }
    }
}
