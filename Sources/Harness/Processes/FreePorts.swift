internal import Glibc
internal import Terminal

/// Loopback ports that nobody uses at the moment.
enum FreePorts {
    /// Below the system's range for outgoing connections: a dial of a node that is up already must not take
    /// the port of one that is just starting.
    private static let lowest = 10_240

    /// - Returns: `count` different ports.
    static func choose(_ count: Int) throws(Failure) -> [UInt16] {
        let range = lowest..<max(lowest + 1_000, min(firstEphemeral(), 65_536))
        var ports: [UInt16] = []
        var random = SystemRandomNumberGenerator()
        for _ in 0..<10_000 where ports.count < count {
            let port = UInt16(range.randomElement(using: &random)!)
            if !ports.contains(port), isFree(port) { ports.append(port) }
        }
        guard ports.count == count else {
            throw Failure(
                "choose ports", "127.0.0.1",
                "hardly any port from \(range.lowerBound) to \(range.upperBound - 1) is free",
                remedy: "Stop some programs", exit: .unreachable)
        }
        return ports
    }

    private static func firstEphemeral() -> Int {
        guard let file = fopen("/proc/sys/net/ipv4/ip_local_port_range", "re") else { return 32_768 }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 64)
        guard fgets(&line, Int32(line.count), file) != nil else { return 32_768 }
        let first = atoi(line)
        return first > lowest + 1_000 ? Int(first) : 32_768
    }

    private static func isFree(_ port: UInt16) -> Bool {
        let handle = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard handle >= 0 else { return false }
        defer { close(handle) }
        var place = sockaddr_in()
        place.sin_family = sa_family_t(AF_INET)
        place.sin_port = port.bigEndian
        place.sin_addr.s_addr = INADDR_LOOPBACK.bigEndian
        return withUnsafePointer(to: &place) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(handle, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }
}
