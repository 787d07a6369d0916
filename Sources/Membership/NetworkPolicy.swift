public import Wire

/// What all members of a network have agreed on, in numbers. Part of the genesis; a checkpoint may change it.
///
/// ```
/// [fold_version, grant, gain_scale, pattern_bound, checkpoint_seconds, question_seconds]
/// ```
/// A later fold version comes into force with the checkpoint that names it, so that nodes of several versions agree about
/// every op until a quorum has said that all can do without the old ones:
///
/// | fold | what it adds |
/// |---|---|
/// | 1 | the genesis of version 1, which has the fold version alone: no votes, no Koi; no checkpoint changes it |
/// | 2 | votes, Koi, patterns, retractions, leaving |
/// | 3 | certified sums, keys that are passed on |
public struct NetworkPolicy: Sendable, Hashable {
    /// The version of the rules by which ops are folded.
    public var foldVersion: UInt64
    /// To each founder and to each member that is admitted to vote; in nKoi, at most 2^53.
    public var grantNanoKoi: Int64
    /// Gain of held-out loss that earns the full reward for training, in millionths of a nat.
    public var gainScale: Int64
    /// A pattern is accepted when the lower bound of its pooled confidence reaches this; in millionths.
    public var patternBound: Int64
    /// How long after a checkpoint the next one is due.
    public var checkpointSeconds: UInt64
    /// How long a question may be voted on, in certified time.
    public var questionSeconds: UInt64

    public static let latestFold: UInt64 = 3

    public static let standard = Self(
        foldVersion: latestFold, grantNanoKoi: 100_000_000_000, gainScale: 50_000, patternBound: 100_000,
        checkpointSeconds: 60, questionSeconds: 3_600)

    /// Of networks with a genesis of version 1.
    static var first: Self {
        var policy = Self.standard
        policy.foldVersion = 1
        return policy
    }

    public init(
        foldVersion: UInt64, grantNanoKoi: Int64, gainScale: Int64, patternBound: Int64, checkpointSeconds: UInt64,
        questionSeconds: UInt64
    ) {
        self.foldVersion = foldVersion
        self.grantNanoKoi = grantNanoKoi
        self.gainScale = gainScale
        self.patternBound = patternBound
        self.checkpointSeconds = checkpointSeconds
        self.questionSeconds = questionSeconds
    }

    /// Whether consensus and Koi are part of the rules.
    public var hasVotes: Bool { foldVersion >= 2 }
    /// Whether sums of blocks are certified, and a member may go on under another key.
    public var hasSums: Bool { foldVersion >= 3 }
    public var hasRotation: Bool { foldVersion >= Self.rotationFold }
    public static let rotationFold: UInt64 = 3

    public func encode(into encoder: inout CBOREncoder) {
        encoder.array(6)
        encoder.uint(foldVersion)
        encoder.int(grantNanoKoi)
        encoder.int(gainScale)
        encoder.int(patternBound)
        encoder.uint(checkpointSeconds)
        encoder.uint(questionSeconds)
    }

    public init(from decoder: inout CBORDecoder) throws(CBORError) {
        try decoder.array(exactly: 6)
        foldVersion = try decoder.uint()
        grantNanoKoi = Int64(try decoder.uint(max: 1 << 53))
        gainScale = Int64(try Self.positive(&decoder, most: 1 << 53))
        patternBound = Int64(try decoder.uint(max: 1_000_000))
        checkpointSeconds = try Self.positive(&decoder, most: 1 << 32)
        questionSeconds = try Self.positive(&decoder, most: 1 << 32)
    }

    private static func positive(_ decoder: inout CBORDecoder, most: UInt64) throws(CBORError) -> UInt64 {
        let start = decoder.position
        let value = try decoder.uint(max: most)
        guard value > 0 else { throw .outOfRange(at: start, what: "0") }
        return value
    }
}
