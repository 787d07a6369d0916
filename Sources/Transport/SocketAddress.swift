internal import CUV
internal import Glibc

/// A numeric IPv4 or IPv6 address with its port, as the system takes it.
struct SocketAddress {
    private var storage = sockaddr_storage()

    /// Reads a numeric host; nil for a name.
    init?(numeric place: HostPort) {
        let port = Int32(place.port)
        let isV4 = withUnsafeMutablePointer(to: &storage) {
            $0.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { uv_ip4_addr(place.host, port, $0) == 0 }
        }
        if isV4 { return }
        let isV6 = withUnsafeMutablePointer(to: &storage) {
            $0.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) { uv_ip6_addr(place.host, port, $0) == 0 }
        }
        if !isV6 { return nil }
    }

    /// Copies an address of a name lookup; nil if it is neither IPv4 nor IPv6.
    init?(copying address: UnsafePointer<sockaddr>) {
        let count: Int
        switch Int32(address.pointee.sa_family) {
        case AF_INET: count = MemoryLayout<sockaddr_in>.size
        case AF_INET6: count = MemoryLayout<sockaddr_in6>.size
        default: return nil
        }
        withUnsafeMutableBytes(of: &storage) {
            $0.copyMemory(from: UnsafeRawBufferPointer(start: address, count: count))
        }
    }

    /// The other side of a connected socket, nil if it is gone already.
    init?(remoteOf tcp: UnsafePointer<uv_tcp_t>) {
        self.init(askedOf: tcp, uv_tcp_getpeername)
    }

    /// The own side of a bound socket.
    init?(localOf tcp: UnsafePointer<uv_tcp_t>) {
        self.init(askedOf: tcp, uv_tcp_getsockname)
    }

    private typealias Question = (
        UnsafePointer<uv_tcp_t>?, UnsafeMutablePointer<sockaddr>?, UnsafeMutablePointer<Int32>?
    ) -> Int32

    private init?(askedOf tcp: UnsafePointer<uv_tcp_t>, _ ask: Question) {
        var count = Int32(MemoryLayout<sockaddr_storage>.size)
        let status = withUnsafeMutablePointer(to: &storage) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { ask(tcp, $0, &count) }
        }
        if status != 0 { return nil }
    }

    func withSockaddr<Result>(_ body: (UnsafePointer<sockaddr>) -> Result) -> Result {
        withUnsafePointer(to: storage) { $0.withMemoryRebound(to: sockaddr.self, capacity: 1, body) }
    }

    var isV6: Bool { Int32(storage.ss_family) == AF_INET6 }

    var hostPort: HostPort {
        var text = [CChar](repeating: 0, count: 64)
        let port = withUnsafePointer(to: storage) { pointer -> UInt16 in
            if isV6 {
                return pointer.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) {
                    uv_ip6_name($0, &text, text.count)
                    return UInt16(bigEndian: $0.pointee.sin6_port)
                }
            }
            return pointer.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
                uv_ip4_name($0, &text, text.count)
                return UInt16(bigEndian: $0.pointee.sin_port)
            }
        }
        let end = text.firstIndex(of: 0) ?? text.endIndex
        let host = String(decoding: text[..<end].map(UInt8.init(bitPattern:)), as: UTF8.self)
        return HostPort(host: host, port: port)
    }

    /// What one owner of addresses cannot easily vary: an IPv4 address (also when mapped into IPv6) or an IPv6 /64.
    var rateKey: UInt64 {
        withUnsafeBytes(of: storage) { bytes in
            // sockaddr_in: family, port, address at 4; sockaddr_in6: family, port, flow, address at 8.
            func big(_ range: Range<Int>) -> UInt64 { bytes[range].reduce(0) { $0 << 8 | UInt64($1) } }
            guard isV6 else { return big(4..<8) }
            let isMapped = big(8..<16) == 0 && big(16..<20) == 0xFFFF
            return isMapped ? big(20..<24) : big(8..<16)
        }
    }
}
