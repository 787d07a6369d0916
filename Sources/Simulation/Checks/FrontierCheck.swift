internal import Gossip
internal import Identity
internal import Replication
internal import Wire

/// Invariant 6: what a site announces never shrinks, through any crash, unless its database was put back or a
/// fork is proven.
/// And nothing is announced that is not on its disk. What is as it was when it was looked at last is not looked at again:
/// a disk loses nothing but by ``restored(_:)``.
struct FrontierCheck {
    private var announced: [Frontier]

    init(sites: Int) { announced = Array(repeating: Frontier(), count: sites) }

    mutating func observe(_ summary: Summary, on database: Database, at site: Int) throws(Violation) {
        let heads = summary.frontier.heads
        let before = announced[site].heads
        for (key, old) in before.filter({ heads[$0.key] != $0.value }).sorted(by: { $0.key < $1.key }) {
            let new = heads[key]
            // A proven fork, or one proven at an earlier place, takes ops back.
            if let forkSeq = new?.forkSeq, forkSeq < old.forkSeq ?? .max, forkSeq <= old.seq { continue }
            guard let new, new.seq >= old.seq, old.forkSeq == nil || new.forkSeq != nil else {
                throw Violation(
                    .frontierGrows,
                    "site \(site) announced op \(old.seq) of log \(key.log) by \(key.author.short), and now"
                        + " \(new?.seq ?? 0)")
            }
        }
        let changed = heads.filter { $0.value.seq > 0 && before[$0.key] != $0.value }
        for (key, head) in changed.sorted(by: { $0.key < $1.key }) {
            guard database.contains(head.id) else {
                throw Violation(
                    .contract, "site \(site) announces op \(head.id.short) of \(key.author.short), which is not durable"
                )
            }
        }
        announced[site] = summary.frontier
    }

    /// The database was put back: what the site says next may be less.
    mutating func restored(_ site: Int) { announced[site] = Frontier() }
}
