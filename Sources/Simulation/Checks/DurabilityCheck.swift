internal import Identity
internal import Peer
internal import Replication
internal import Wire

/// Invariant 20: an op that its author saw as durable is everywhere in the end, unless databases were
/// put back before it spread and its author's journal could not help.
struct DurabilityCheck {
    private var seen: [OpID: Op] = [:]
    /// In which they came to be, from 0.
    private var order: [OpID: Int] = [:]
    private var promised: [OpID: Int] = [:]

    /// An op came to be, in a journal or on a disk.
    mutating func seen(_ op: Op) {
        if seen.updateValue(op, forKey: op.id) == nil { order[op.id] = order.count }
    }

    mutating func promised(_ id: OpID, by site: Int) { promised[id] = site }

    /// Forgives what nothing brings back: an op that is gone, or that builds on one that is.
    ///
    /// - Parameter exists: whether the op itself is on a disk or in a journal that will be read.
    mutating func excuse(unless exists: (Op) -> Bool) {
        guard !promised.isEmpty else { return }
        var gone: Set<OpID> = []
        let byTime = seen.values.sorted { ($0.header.lamport, $0.id) < ($1.header.lamport, $1.id) }
        for op in byTime {
            let isCut = gone.contains(op.header.prev) || op.header.deps.contains { gone.contains($0) }
            guard isCut || !exists(op) else { continue }
            gone.insert(op.id)
            promised[op.id] = nil
        }
    }

    /// Who leaves has told all that it signed until then; what it is told to sign later need not be heard by anybody. Once its
    /// database is put back to before that, it may leave again, at an earlier time by its own clock.
    ///
    /// - Parameter isKnown: whether another site has an op.
    mutating func left(_ peer: PeerID, isKnown: (OpID) -> Bool) {
        let own = seen.values.filter { $0.header.author == peer }
        let leaves = own.filter { $0.header.kind == .memberLeave && isKnown($0.id) }
        guard let first = leaves.map({ order[$0.id]! }).min() else { return }
        for op in own where order[op.id]! > first { promised[op.id] = nil }
    }

    /// - Parameter disks: of all who are there.
    func atTheEnd(_ disks: [(site: Int, disk: Disk)]) throws(Violation) {
        for (id, author) in promised.sorted(by: { $0.key < $1.key }) {
            for (site, disk) in disks where !disk.database.contains(id) {
                throw Violation(
                    .durableArrives, "op \(id.short), durable at site \(author), is missing at site \(site)")
            }
        }
    }
}
