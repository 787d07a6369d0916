import Glibc

/// A bound, listening, non-blocking socket, and the file it left.
struct ListenSocket: Sendable {
    /// What `sun_path` holds, without the final NUL.
    static let maxPathBytes = 107
    private static let backlog: CInt = 1024

    let descriptor: CInt
    /// As bound: with the real port.
    let address: ListenAddress
    private let device: UInt
    private let inode: UInt

    static func open(_ address: ListenAddress, loopbackOnly: Bool) throws(APIError) -> ListenSocket {
        switch address {
        case .unix(let path): try unix(path)
        case .tcp(let host, let port): try tcp(host, port, loopbackOnly: loopbackOnly)
        }
    }

    /// Removes the socket's file, if it is still the one we made.
    func removeFile() {
        guard case .unix(let path) = address, let now = fileStatus(path) else { return }
        if UInt(now.st_dev) == device, UInt(now.st_ino) == inode { unlink(path) }
    }

    // MARK: Unix

    private static func unix(_ path: String) throws(APIError) -> ListenSocket {
        guard var name = unixAddress(path) else { throw .socketPathTooLong(path: path, limit: maxPathBytes) }
        try removeStale(path, &name)
        let descriptor = socket(AF_UNIX, streamSocket, 0)
        guard descriptor >= 0 else { throw .cannotListen(address: path, cause: errorText(errno)) }
        // The file is born with the mode of the socket: nobody else can connect at any moment.
        let bound = fchmod(descriptor, 0o600) == 0 && withSockaddr(&name) { bind(descriptor, $0, $1) } == 0
        guard bound, chmod(path, 0o600) == 0, listen(descriptor, backlog) == 0, let status = fileStatus(path) else {
            let cause = errorText(errno)
            close(descriptor)
            throw .cannotListen(address: path, cause: cause)
        }
        return ListenSocket(
            descriptor: descriptor, address: .unix(path: path), device: UInt(status.st_dev), inode: UInt(status.st_ino))
    }

    /// Removes a socket file that nobody answers at; anything else stays.
    private static func removeStale(_ path: String, _ name: inout sockaddr_un) throws(APIError) {
        guard let status = fileStatus(path) else { return }
        guard status.st_mode & S_IFMT == S_IFSOCK else { throw .notASocket(path: path) }
        let probe = socket(AF_UNIX, streamSocket, 0)
        guard probe >= 0 else { throw .cannotListen(address: path, cause: errorText(errno)) }
        defer { close(probe) }
        let answered = withSockaddr(&name) { connect(probe, $0, $1) } == 0
        // A full backlog (EAGAIN) is a living server too.
        guard !answered, errno == ECONNREFUSED || errno == ENOENT else { throw .alreadyServed(path: path) }
        guard unlink(path) == 0 || errno == ENOENT else { throw .cannotListen(address: path, cause: errorText(errno)) }
    }

    // MARK: TCP

    private static func tcp(_ host: String, _ port: Int, loopbackOnly: Bool) throws(APIError) -> ListenSocket {
        let text = ListenAddress.tcp(host: host, port: port).description
        var hints = addrinfo()
        hints.ai_socktype = CInt(SOCK_STREAM.rawValue)
        hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(host, "\(port)", &hints, &list)
        guard code == 0 else { throw .cannotListen(address: text, cause: String(cString: gai_strerror(code))) }
        defer { freeaddrinfo(list) }
        var cause = "the name has no address"
        var entry = list
        while let info = entry?.pointee {
            entry = info.ai_next
            guard let name = numericName(info.ai_addr, info.ai_addrlen) else { continue }
            guard !loopbackOnly || isLoopback(name.host) else { throw .tokenRequired(address: text) }
            let descriptor = socket(info.ai_family, streamSocket, 0)
            guard descriptor >= 0 else { continue }
            var yes: CInt = 1
            setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<CInt>.size))
            if bind(descriptor, info.ai_addr, info.ai_addrlen) == 0, listen(descriptor, backlog) == 0,
                let real = localName(descriptor)
            {
                return ListenSocket(
                    descriptor: descriptor, address: .tcp(host: real.host, port: real.port), device: 0, inode: 0)
            }
            cause = errorText(errno)
            close(descriptor)
        }
        throw .cannotListen(address: text, cause: cause)
    }
}

private let streamSocket = CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)

/// The socket address of `path`; nil if it does not fit.
private func unixAddress(_ path: String) -> sockaddr_un? {
    let bytes = Array(path.utf8)
    guard !bytes.isEmpty, bytes.count <= ListenSocket.maxPathBytes else { return nil }
    var name = sockaddr_un()
    name.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &name.sun_path) { $0.copyBytes(from: bytes) }
    return name
}

private func withSockaddr(_ name: inout sockaddr_un, _ call: (UnsafePointer<sockaddr>, socklen_t) -> CInt) -> CInt {
    withUnsafePointer(to: &name) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { call($0, socklen_t(MemoryLayout<sockaddr_un>.size)) }
    }
}

private func fileStatus(_ path: String) -> stat? {
    var status = stat()
    return lstat(path, &status) == 0 ? status : nil
}

/// The numeric host and port of an address.
private func numericName(_ address: UnsafePointer<sockaddr>, _ length: socklen_t) -> (host: String, port: Int)? {
    var host = [CChar](repeating: 0, count: 64)
    var port = [CChar](repeating: 0, count: 8)
    let flags = NI_NUMERICHOST | NI_NUMERICSERV
    guard getnameinfo(address, length, &host, 64, &port, 8, flags) == 0 else { return nil }
    return (
        host.withUnsafeBufferPointer { String(cString: $0.baseAddress!) },
        port.withUnsafeBufferPointer { Int(String(cString: $0.baseAddress!)) ?? 0 }
    )
}

private func socketName(
    _ descriptor: CInt, _ read: (CInt, UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> CInt
) -> (host: String, port: Int)? {
    var storage = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    return withUnsafeMutablePointer(to: &storage) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { name in
            read(descriptor, name, &length) == 0 ? numericName(name, length) : nil
        }
    }
}

private func localName(_ descriptor: CInt) -> (host: String, port: Int)? {
    socketName(descriptor) { getsockname($0, $1, $2) }
}

/// HOST:PORT of the other end of a TCP connection.
func peerName(_ descriptor: CInt) -> String {
    socketName(descriptor) { getpeername($0, $1, $2) }
        .map { ListenAddress.tcp(host: $0.host, port: $0.port).description } ?? "unknown"
}
