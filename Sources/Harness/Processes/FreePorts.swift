internal import Glibc
internal import Synchronization
internal import Terminal

/// Loopback ports that nobody uses at the moment, and that no other process of this user chooses while this one runs: a
/// program takes its port some time after the choice, and one that was killed takes it again.
enum FreePorts {
    /// Below the system's range for outgoing connections: a dial of a node that is up already must not take
    /// the port of one that is just starting.
    private static let lowest = 10_240

    /// - Returns: `count` different ports.
    static func choose(_ count: Int, from wanted: Range<Int>? = nil) throws(Failure) -> [UInt16] {
        let range = wanted ?? lowest..<max(lowest + 1_000, min(firstEphemeral(), 65_536))
        var ports: [UInt16] = []
        var random = SystemRandomNumberGenerator()
        for _ in 0..<10_000 where ports.count < count {
            let port = UInt16(range.randomElement(using: &random)!)
            if isFree(port), reserve(port) { ports.append(port) }
        }
        guard ports.count == count else {
            throw Failure(
                "choose ports", "127.0.0.1",
                "hardly any port from \(range.lowerBound) to \(range.upperBound - 1) is free",
                remedy: "Stop some programs", exit: .unreachable)
        }
        return ports
    }

    private static let reserved = Mutex<Set<UInt16>>([])
    /// A byte for each port, which whoever chose it has locked; the system unlocks what a process leaves behind.
    private static let reservations = open(
        "/tmp/shoal-ports-\(geteuid())", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)

    /// Locks of a process do not keep out its own threads, so it has a list, too. Without the file that is all.
    private static func reserve(_ port: UInt16) -> Bool {
        guard reserved.withLock({ $0.insert(port).inserted }) else { return false }
        guard reservations >= 0 else { return true }
        var lock = flock()
        lock.l_type = Int16(F_WRLCK)
        lock.l_whence = Int16(SEEK_SET)
        lock.l_start = off_t(port)
        lock.l_len = 1
        return fcntl(reservations, F_SETLK, &lock) == 0 || (errno != EACCES && errno != EAGAIN)
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
