internal import Consensus
internal import Wire

/// What sites are asked to measure and to agree to.
extension World {
    /// As a site's own data would say: near the truth, and now and then nothing.
    mutating func measured(_ question: Question, at site: Int) -> [Int64]? {
        switch question.kind {
        case .checkpoint: return [Int64(1_000_000 + clock(site).milliseconds / 1_000)]
        case .pattern: return random.chance(0.2) ? nil : [Int64(50 + random.below(50)), 100]
        case .claim, .settlement: return random.chance(0.2) ? nil : [Int64(random.below(2_000)) - 200]
        case .admission, .revocation, .accountLog, .finality, .ledger, .policy: return nil
        }
    }
}
