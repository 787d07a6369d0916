/// What is paid for what. The grant and the scale are the network's own (genesis), the rest is part of the fold.
public struct LedgerPolicy: Sendable, Equatable {
    /// To the site account of each founder, and of each member that a certificate admits to vote.
    public var grant: NanoKoi
    /// Escrowed with a pattern; burned when it is rejected.
    public var stake: NanoKoi
    /// Minted to the proposer of an accepted pattern.
    public var accepted: NanoKoi
    /// Minted to each member whose measurement an accepted pattern used.
    public var measured: NanoKoi
    /// Minted for training that gains `gainScale` or more; less gain, less Koi.
    public var training: NanoKoi
    /// Of held-out loss, in millionths of a nat.
    public var gainScale: Int64
    /// Minted to who earned a bounty, but never more than its reward.
    public var settlement: NanoKoi

    public static let standard = Self(
        grant: 100 * Koi.nanoKoi, stake: 5 * Koi.nanoKoi, accepted: 10 * Koi.nanoKoi, measured: 2 * Koi.nanoKoi,
        training: 25 * Koi.nanoKoi, gainScale: 50_000, settlement: 20 * Koi.nanoKoi)

    /// training · min(1, gain / scale), rounded down; nothing for no gain.
    public func reward(forGain gain: Int64) -> NanoKoi {
        guard gain > 0 else { return 0 }
        let part = training.multipliedFullWidth(by: min(gain, gainScale))
        return gainScale.dividingFullWidth(part).quotient
    }
}

/// A row of the seed's reward schedule.
public struct RewardScheduleRow: Sendable, Equatable {
    public let workType: String
    public let reward: NanoKoi
    /// Whether the network mints it. What only the site itself can see (what it imported, whom it synced with) is a
    /// list of work, and paying for it would be printing money.
    public let isMinted: Bool

    public static func schedule(_ policy: LedgerPolicy) -> [RewardScheduleRow] {
        let local: [(String, NanoKoi)] = [
            ("create_version", 5), ("mirror_repo", 100), ("parse_crate", 50), ("parse_csv", 10), ("parse_file", 10),
            ("parse_markdown", 10), ("peer_sync", 15),
        ]
        let minted = [
            ("bounty_settlement", policy.settlement), ("model_training", policy.training),
            ("pattern_accepted", policy.accepted), ("pattern_measurement", policy.measured),
        ]
        return
            (local.map { RewardScheduleRow(workType: $0, reward: $1 * Koi.nanoKoi, isMinted: false) }
            + minted.map { RewardScheduleRow(workType: $0, reward: $1, isMinted: true) })
            .sorted { $0.workType < $1.workType }
    }
}
