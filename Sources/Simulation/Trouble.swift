/// One thing that makes a run harder, and that it can do without: what is left out does not change what the seed
/// chooses for the rest.
public enum Trouble: String, Sendable, CaseIterable {
    case resets, partitions, crashes, pauses, distance, misdirects
    case restores, journalLoss = "journal-loss", journalTail = "journal-tail", fullDisk = "full-disk"
    case slowDisk = "slow-disk"
    case bursts, hugeBodies = "huge-bodies", largeBodies = "large-bodies"
    case lateJoiner = "late-joiner", decisions, koi, retractions, patterns, sums, retention, leaving, rotation, outdated
    case absence, discovery
    case replayer, stranger, foreigner, impostor, equivocator, spender, voter, forger
}

extension SimulationOptions {
    mutating func leaveOut(_ trouble: Trouble) {
        switch trouble {
        case .resets: resetEverySeconds = nil
        case .partitions: partitionEverySeconds = nil
        case .crashes: crashEverySeconds = nil
        case .pauses: pauseEverySeconds = nil
        case .distance: (latencyMs, jitterMs) = (1, 0)
        case .misdirects: misdirects = false
        case .restores: restoresDatabase = false
        case .journalLoss: losesJournal = false
        case .journalTail: journalTail = nil
        case .fullDisk: fillsDisk = false
        case .slowDisk: writeMs = 2
        case .bursts: burst = 1
        case .hugeBodies: hugeBodies = false
        case .largeBodies: largeBodies = false
        case .lateJoiner: lateJoiner = false
        case .decisions: decides = false
        case .koi: (movesKoi, proposes) = (false, false)
        case .retractions: retracts = false
        case .sums: sumsEveryDeltas = 256
        case .retention: retention = false
        case .leaving: leaver = nil
        case .rotation: rotator = nil
        case .outdated: outdated = nil
        case .absence: absentee = nil
        case .discovery: discovers = false
        case .patterns: proposes = false
        case .replayer, .stranger, .foreigner, .impostor, .equivocator, .spender, .voter, .forger:
            hostiles.removeAll { $0.rawValue == trouble.rawValue }
        }
    }
}
