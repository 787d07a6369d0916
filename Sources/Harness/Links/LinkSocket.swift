internal import CShims
internal import Glibc
internal import Terminal

/// A TCP socket that never blocks. The system's own calls, with their errors as values.
struct LinkSocket {
    enum Outcome: Equatable {
        case bytes(Int)
        /// The other side ends its stream.
        case end
        case again
        case broken
    }

    let descriptor: Int32

    /// A socket that listens at `host` (numeric IPv4); port 0 takes a free one.
    static func listening(at host: String, port: UInt16) throws(Failure) -> LinkSocket {
        let socket = try make()
        var yes: Int32 = 1
        setsockopt(socket.descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        let isBound = withAddress(host, port) { bind(socket.descriptor, $0, $1) == 0 }
        guard isBound, listen(socket.descriptor, 256) == 0 else {
            let code = errno
            socket.close()
            throw Failure(
                "listen", "\(host):\(port)", String(cString: strerror(code)),
                remedy: code == EADDRINUSE
                    ? "Another program took the port; take the cluster down and start it anew" : "",
                exit: .unreachable)
        }
        return socket
    }

    /// Begins to connect; the socket is writable when that has succeeded or failed.
    static func connecting(to host: String, port: UInt16) throws(Failure) -> LinkSocket {
        let socket = try make()
        let begun = withAddress(host, port) { connect(socket.descriptor, $0, $1) == 0 || errno == EINPROGRESS }
        guard begun else {
            let code = errno
            socket.close()
            throw Failure("connect", "\(host):\(port)", String(cString: strerror(code)), exit: .unreachable)
        }
        socket.sendAtOnce()
        return socket
    }

    private static func make() throws(Failure) -> LinkSocket {
        let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let descriptor = socket(AF_INET, kind, 0)
        guard descriptor >= 0 else {
            throw Failure("open", "a socket", String(cString: strerror(errno)), exit: .unreachable)
        }
        return LinkSocket(descriptor: descriptor)
    }

    private static func withAddress<Value>(
        _ host: String, _ port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Value
    ) -> Value {
        var place = sockaddr_in()
        place.sin_family = sa_family_t(AF_INET)
        place.sin_port = port.bigEndian
        inet_pton(AF_INET, host, &place.sin_addr)
        return withUnsafePointer(to: &place) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }

    /// The port that a listening socket has.
    var port: UInt16 {
        var place = sockaddr_in()
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let status = withUnsafeMutablePointer(to: &place) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &size) }
        }
        return status == 0 ? UInt16(bigEndian: place.sin_port) : 0
    }

    /// The next connection that arrived; nil when there is none.
    func accept() -> LinkSocket? {
        let accepted = shoal_accept(descriptor)
        guard accepted >= 0 else { return nil }
        let socket = LinkSocket(descriptor: accepted)
        socket.sendAtOnce()
        return socket
    }

    /// Slices must not be put together again.
    private func sendAtOnce() {
        var yes: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &yes, socklen_t(MemoryLayout<Int32>.size))
    }

    /// Whether connecting has succeeded, once the socket is writable.
    var isConnected: Bool {
        var code: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        return getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &size) == 0 && code == 0
    }

    /// Whether the other side has gone, whatever it sent before that.
    var isForsaken: Bool { shoal_is_forsaken(descriptor) != 0 }

    func read(into buffer: UnsafeMutableRawBufferPointer) -> Outcome {
        let count = recv(descriptor, buffer.baseAddress, buffer.count, 0)
        if count > 0 { return .bytes(count) }
        if count == 0 { return .end }
        return errno == EAGAIN || errno == EINTR ? .again : .broken
    }

    func write(_ bytes: ArraySlice<UInt8>) -> Outcome {
        let count = bytes.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
        if count >= 0 { return .bytes(count) }
        return errno == EAGAIN || errno == EINTR ? .again : .broken
    }

    /// Ends this side's stream.
    func finish() { shutdown(descriptor, Int32(SHUT_WR)) }

    func close() { Glibc.close(descriptor) }

    /// Closes so that the other side is told at once, and nothing waits to be sent.
    func reset() {
        var linger = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<Glibc.linger>.size))
        close()
    }
}
