internal import Gossip
internal import Identity
internal import Replication
internal import Wire

/// Invariant 6: what a site announces never shrinks, through any crash, unless its database was put back or a
/// fork is proven.
/// And nothing is announced that is not on its disk.
struct FrontierCheck {
    private var announced: [Frontier]

    init(sites: Int) { announced = Array(repeating: Frontier(), count: sites) }

    mutating func observe(_ summary: Summary, on database: Database, at site: Int) throws(Violation) {
        for (key, old) in announced[site].sorted {
            let new = summary.frontier[key]
            // A proven fork, or one proven at an earlier place, takes ops back.
            if let forkSeq = new?.forkSeq, forkSeq < old.forkSeq ?? .max, forkSeq <= old.seq { continue }
            guard let new, new.seq >= old.seq, old.forkSeq == nil || new.forkSeq != nil else {
                throw Violation(
                    .frontierGrows,
                    "site \(site) announced op \(old.seq) of log \(key.log) by \(key.author.short), and now"
                        + " \(new?.seq ?? 0)")
            }
        }
        for (key, head) in summary.frontier.sorted where head.seq > 0 {
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
