internal import CUV
internal import Glibc

/// One question to the system's resolver, answered on libuv's small pool of threads.
final class NameLookup {
    private let place: HostPort
    private let limit: Int
    private let request: UnsafeMutablePointer<uv_getaddrinfo_t>
    private var completion: ((Result<[SocketAddress], TransportError>) -> Void)?

    private init(_ place: HostPort, limit: Int) {
        self.place = place
        self.limit = limit
        request = .allocate(capacity: 1)
        memset(request, 0, MemoryLayout<uv_getaddrinfo_t>.size)
    }

    deinit { request.deallocate() }

    /// Asks for at most `limit` addresses; the completion comes later, unless the lookup is cancelled.
    static func start(
        _ loop: EventLoop, _ place: HostPort, limit: Int,
        _ completion: @escaping (Result<[SocketAddress], TransportError>) -> Void
    ) -> NameLookup {
        let lookup = NameLookup(place, limit: limit)
        lookup.completion = completion
        lookup.request.pointee.data = Unmanaged.passRetained(lookup).toOpaque()
        let status = lookup.ask(loop) { request, status, _ in
            let lookup = Unmanaged<NameLookup>.fromOpaque(request!.pointee.data).takeRetainedValue()
            lookup.finish(lookup.answer(status))
        }
        if status != 0 {
            loop.later {
                Unmanaged.passUnretained(lookup).release()
                lookup.finish(lookup.answer(status))
            }
        }
        return lookup
    }

    /// Asks and waits: for the one name of a listener, at start.
    static func addresses(_ loop: EventLoop, _ place: HostPort, limit: Int) throws(TransportError) -> [SocketAddress] {
        let lookup = NameLookup(place, limit: limit)
        return try lookup.answer(lookup.ask(loop, nil)).get()
    }

    /// Nobody wants the answer any more. A question in progress goes on unheard.
    func cancel() {
        completion = nil
        UnsafeMutableRawPointer(request).withMemoryRebound(to: uv_req_t.self, capacity: 1) { _ = uv_cancel($0) }
    }

    private func ask(_ loop: EventLoop, _ callback: uv_getaddrinfo_cb?) -> Int32 {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = AI_NUMERICSERV
        return uv_getaddrinfo(loop.uv, request, callback, place.host, String(place.port), &hints)
    }

    private func answer(_ status: Int32) -> Result<[SocketAddress], TransportError> {
        defer {
            uv_freeaddrinfo(request.pointee.addrinfo)
            request.pointee.addrinfo = nil
        }
        if status != 0 { return .failure(.unknownHost(place, reason: String(cString: uv_strerror(status)))) }
        var found: [SocketAddress] = []
        var entry = request.pointee.addrinfo
        while let info = entry?.pointee, found.count < limit {
            if let address = info.ai_addr.flatMap({ SocketAddress(copying: $0) }) { found.append(address) }
            entry = info.ai_next
        }
        return found.isEmpty ? .failure(.unknownHost(place, reason: "it has no IPv4 or IPv6 address")) : .success(found)
    }

    private func finish(_ result: Result<[SocketAddress], TransportError>) {
        let completion = self.completion
        self.completion = nil
        completion?(result)
    }
}
