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

/// The latest digests, first in first out; each is kept for at least `limit` and at most twice as many others.
struct RecentDigests: Sendable {
    let limit: Int
    private var young: Set<Hash32> = []
    private var old: Set<Hash32> = []

    init(limit: Int) { self.limit = limit }

    var count: Int { young.count + old.count }

    func contains(_ digest: Hash32) -> Bool { young.contains(digest) || old.contains(digest) }

    mutating func insert(_ digest: Hash32) {
        young.insert(digest)
        guard young.count >= limit else { return }
        old = young
        young = []
    }
}
