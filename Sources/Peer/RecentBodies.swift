internal import Identity
internal import Wire

/// The bodies that peers are about to ask for, first in first out.
struct RecentBodies: Sendable {
    let maxBytes: Int
    private var bodies: [Hash32: Bytes] = [:]
    private var order: [Hash32] = []
    private(set) var bytes = 0

    init(maxBytes: Int) { self.maxBytes = maxBytes }

    subscript(hash: Hash32) -> Bytes? { bodies[hash] }

    mutating func insert(_ body: Bytes, hash: Hash32) {
        guard bodies[hash] == nil, body.count <= maxBytes else { return }
        bodies[hash] = body
        order.append(hash)
        bytes += body.count
        while bytes > maxBytes { bytes -= bodies.removeValue(forKey: order.removeFirst())!.count }
    }
}
