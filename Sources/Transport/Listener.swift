internal import CUV

/// A listening socket.
final class Listener: LoopHandle {
    private let transport: TLSTransport
    private(set) var place: HostPort

    /// Listens at once; `place.port` tells the port that 0 became.
    init(_ transport: TLSTransport, _ address: SocketAddress, place: HostPort) throws(TransportError) {
        self.transport = transport
        self.place = place
        try super.init(uv_tcp_t.self, operation: "make a socket") { uv_tcp_init(transport.loop.uv, $0) }
        var status = address.withSockaddr { uv_tcp_bind(pointer(), $0, 0) }
        if status == 0 {
            status = uv_listen(pointer(), transport.limits.backlog) { stream, status in
                // An error here is a connection that has gone again, or no descriptor left: the next one may work.
                if status == 0 { Listener.owner(of: stream).arrived() }
            }
        }
        guard status == 0 else {
            cancel()
            throw .listening(place, status)
        }
        if let actual = SocketAddress(localOf: pointer()) { self.place = actual.hostPort }
    }

    private func arrived() {
        transport.accept { [self] in uv_accept(pointer(), $0.pointer()) }
    }

    override func didClose() { transport.didEnd(self) }
}
