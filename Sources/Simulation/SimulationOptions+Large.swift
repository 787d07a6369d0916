internal import Membership

/// What networks with more sites than a seed draws are like.
extension SimulationOptions {
    /// Sites up to which a run is what its seed says; larger networks have troubles of their own.
    static let fewNodes = 16
    /// Sites up to which models are trained.
    static let trainedNodes = 64
    static let mostNodes = 1_000
    /// Sites that sign in networks beyond that.
    static let hugeWriters = 16
    /// Ops that they sign, beside one for each site that is no founder.
    static let hugeSubmissions = 100

    var isLarge: Bool { nodes > Self.fewNodes }
    var isHuge: Bool { nodes > Self.trainedNodes }
    /// Sites that somebody has to admit: a genesis does not name so many.
    var admissions: Int { isHuge ? max(0, nodes - Genesis.Limits.founders) : 0 }

    /// When the last of them is let in, and when the network falls apart.
    var joinedMs: UInt64 { admissions > 0 ? UInt64(faultSeconds) * 300 : 0 }
    var splitMs: UInt64? { splits ? UInt64(faultSeconds) * (isHuge ? 600 : 500) : nil }

    /// What a large network leaves out: ill will and damaged disks are for small ones, where they are cheaper.
    mutating func fitLarge() {
        partitionEverySeconds = nil
        (restoresDatabase, losesJournal, fillsDisk, lateJoiner, misdirects) = (false, false, false, false, false)
        (movesKoi, proposes, decides, hugeBodies, burst) = (false, false, false, false, 3)
        (leaver, rotator, outdated, absentee) = (nil, nil, nil, nil)
        hostiles = Hostile.allCases.filter(overrides.including.contains)
        writers = min(overrides.writers ?? (isHuge ? Self.hugeWriters : nodes), nodes)
        questions = overrides.questions ?? 0
        latencyMs = min(latencyMs, 80)
        jitterMs = min(jitterMs, 80)
        writeMs = min(writeMs, 50)
        splits = !isCalm
        guard isHuge else { return }
        (resetEverySeconds, crashEverySeconds, pauseEverySeconds) = (nil, nil, nil)
        largeBodies = false
    }
}
