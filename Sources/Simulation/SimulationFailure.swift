/// What must always hold (protocol §10; the numbers are those of the page).
public enum Invariant: String, Sendable, CaseIterable {
    case sameOpsSameState = "1: same ops, same state"
    case stateIsFold = "2: the state is a fold of the ops in any order"
    case appliedOnce = "4: an op is applied at most once"
    case convergence = "5: after faults stop, frontiers become equal"
    case frontierGrows = "6: an announced frontier never goes back"
    case oneOpAPlace = "8: a correct node never signs two ops for one place"
    case canonicalOnly = "9: only the canonical form is accepted"
    case nothingForeign = "10: nothing is accepted for another network, author or log"
    case nobodyConvicted = "12: a correct author is never convicted"
    case koiConserved = "13: wallets + in flight + escrow + burned = minted, and nothing is below zero"
    case oneAnswer = "14: certificates verify from the genesis, and no two contradict each other"
    case koiHistory = "13: the history of Koi follows from the genesis"
    case harmUnpaid = "15: what harms is not paid, and nothing is paid twice"
    case helloFirst = "17: nothing is processed before a valid HELLO"
    case creditReturns = "19: what a sender may not send yet, its receiver holds"
    case durableArrives = "20: what its author saw as durable is everywhere in the end"
    case bodiesOnce = "21: bodies travel once"
    case nobodyBanned = "22: no honest peer is banned"
    case oneOverlay = "23: the overlay is one network within a minute of healing"
    /// What ``Peer/Node`` promises its shell beyond the protocol page.
    case contract = "the node keeps the contract with its shell"
}

/// An invariant did not hold.
struct Violation: Error, Equatable {
    let invariant: Invariant
    let detail: String

    init(_ invariant: Invariant, _ detail: String) {
        self.invariant = invariant
        self.detail = detail
    }
}

/// A run that broke an invariant, and how to see it again.
public struct SimulationFailure: Error, Sendable, Equatable, CustomStringConvertible {
    public let options: SimulationOptions
    public let invariant: Invariant
    /// Simulated time since the start.
    public let atMs: UInt64
    public let detail: String

    public var description: String {
        """
        invariant \(invariant.rawValue): violated at \(atMs) ms of simulated time
          \(detail)
          \(options)
          repeat: \(options.command)
        """
    }
}
