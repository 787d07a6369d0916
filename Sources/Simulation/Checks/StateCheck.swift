internal import Gossip
internal import Identity
internal import Wire

/// Invariant 1: whoever has the same ops has the same state, all sites and all times together.
struct StateCheck {
    private var states: [Hash32: (state: Hash32, site: Int)] = [:]

    mutating func observe(_ summary: Summary, state: Hash32, at site: Int) throws(Violation) {
        guard let known = states[summary.frontierDigest] else {
            states[summary.frontierDigest] = (state, site)
            return
        }
        guard known.state == state else {
            throw Violation(
                .sameOpsSameState,
                "frontier \(summary.frontierDigest.short) means state \(known.state.short) at site \(known.site)"
                    + " and \(state.short) at site \(site)")
        }
    }
}
