internal import Consensus
internal import Identity
internal import Ledger
internal import Peer
internal import Replication
internal import Wire

/// What sites are asked to measure, and what must have become of Koi in the end.
extension World {
    /// Seconds since 1970, which sites know as well as computers do.
    var seconds: UInt64 { 1_000_000 + now / 1_000 }

    /// By a site's own clock.
    func seconds(at site: Int) -> UInt64 { seconds + UInt64(site % 3) - 1 }

    /// As a site's own data would say: near the truth, and now and then nothing.
    mutating func measured(_ question: Question, at site: Int) -> [Int64]? {
        switch question.kind {
        case .checkpoint: return [Int64(seconds(at: site))]
        case .pattern: return random.chance(0.2) ? nil : [Int64(50 + random.below(50)), 100]
        case .claim, .settlement:
            // What liars train does harm.
            if let owner = question.owner, self.site(of: owner) == nil { return [-1 - Int64(random.below(1_000))] }
            return random.chance(0.2) ? nil : [Int64(random.below(2_000)) - 200]
        case .admission, .revocation, .accountLog, .finality, .ledger, .policy, .sums: return nil
        }
    }

    func checkKoi(of site: Int) throws(Violation) {
        let ledger = sites[site].node!.state.ledger
        for listing in ledger.listings(of: .claim) + ledger.listings(of: .bountyClaim) {
            guard self.site(of: listing.owner) == nil else { continue }
            guard ledger.rows(of: listing.id).isEmpty, listing.body.kind == .claim || listing.status != .paid else {
                throw Violation(.harmUnpaid, "site \(site) has paid \(listing.id.short), which did harm")
            }
        }
    }
}
