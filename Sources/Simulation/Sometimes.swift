/// What must happen at least once in some hundred runs, or the faults do not reach far enough: a check that is never put to
/// the test proves nothing (Antithesis and FoundationDB call these sometimes assertions).
public enum Sometimes: String, Sendable, CaseIterable {
    case forkProven = "a fork is proven"
    case retracted = "a member takes deltas back"
    case revoked = "a quorum takes a member's deltas out"
    case secondSource = "a body comes from a second source"
    case journalMismatch = "database and sign journal do not fit"
    case journalTorn = "a crash tears the sign journal"
    case databaseRestored = "a database is put back"
    case diskFull = "a disk is full"
    case simultaneousOpen = "two sites dial each other at once"
    case forgedSignature = "a wrong signature is rejected"
    case nonCanonical = "what is not in canonical form is rejected"
    case replayedHello = "a recorded HELLO is rejected"
    case spentTwice = "Koi is spent twice, and counts once"
    case doubleVote = "two votes on one question are proven"
    case escrowReturned = "an escrow returns by the clock"
    case checkpoint = "a checkpoint is certified"
    case accountLogNamed = "the electors name another account log"
    case forgedCertificate = "a forged certificate has no effect"
    case forgedMint = "a mint that nobody certified has no effect"
    case overspent = "more is paid than there is"
    case unescrowed = "something is claimed that was never in escrow"
    case replayedPayment = "another's payment is repeated"
    case overflow = "an amount overflows"
    case poisoned = "somebody trains to harm, and claims"
    case summed = "the sums of a block are certified"
    case beganWithSums = "a site begins with certified sums"
    case dropped = "bodies are dropped, and sums stand for them"
    case takenOutTogether = "a part of a certified block is taken out, and so is the rest"
    case forkedSums = "a member forks inside a block whose sums are certified"
    case questionExpired = "a question expires"
    case patternCertified = "a pattern is certified"
    case raised = "a later fold version comes into force"
    case upgraded = "a node that does not know it stops, and is upgraded"
    case left = "a member that left is let go"
    case rotated = "a site goes on under another key"
    case learned = "a site is found where others said"

    /// The occurrences of which one is enough; a name that ends in `*` stands for all that begin so.
    var names: [String] {
        switch self {
        case .forkProven: ["fork proven"]
        case .retracted: ["deltas retracted"]
        case .revoked: ["certified: revocation"]
        case .secondSource: ["bodies from a second source"]
        case .journalMismatch: ["new log: the database*", "new log: peers hold*"]
        case .journalTorn: ["journal torn*"]
        case .databaseRestored: ["database put back"]
        case .diskFull: ["stopped: disk full"]
        case .simultaneousOpen: ["opened from both sides"]
        case .forgedSignature: ["counted: bad-signature", "refused: bad-signature"]
        case .nonCanonical: ["offence: an op in another form"]
        case .replayedHello: ["hostile HELLO: impostor"]
        case .spentTwice: ["spent twice"]
        case .doubleVote: ["double vote proven"]
        case .escrowReturned: ["certified: escrow returned"]
        case .checkpoint: ["certified: checkpoint"]
        case .accountLogNamed: ["certified: account-log"]
        case .forgedCertificate: ["forged a short certificate"]
        case .forgedMint: ["forged a mint"]
        case .overspent: ["paid more than there is"]
        case .unescrowed: ["claimed what was never escrowed"]
        case .replayedPayment: ["repeated another's payment"]
        case .overflow: ["offered what overflows"]
        case .poisoned: ["poisoned"]
        case .summed: ["certified: sums"]
        case .beganWithSums: ["began with sums"]
        case .dropped: ["bodies dropped"]
        case .takenOutTogether: ["blocks taken out together"]
        case .forkedSums: ["forked inside certified sums"]
        case .questionExpired: ["questions expired"]
        case .patternCertified: ["certified: pattern"]
        case .raised: ["rules raised"]
        case .upgraded: ["upgraded: it did not know the rules"]
        case .left: ["left"]
        case .rotated: ["key rotated"]
        case .learned: ["learned where a site is"]
        }
    }

    /// Whether it happened, by the counts of all runs.
    public func happened(in occurrences: [String: Int]) -> Bool {
        occurrences.contains { name, count in count > 0 && names.contains { Self.fits(name, $0) } }
    }

    private static func fits(_ name: String, _ pattern: String) -> Bool {
        pattern.hasSuffix("*") ? name.hasPrefix(pattern.dropLast()) : name == pattern
    }
}
