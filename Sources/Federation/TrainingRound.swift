public import Identity
public import Learning
public import Wire

/// What a site learned in one round, and what it knows about the others: the input of ``RoundBuilder``.
public struct TrainingRound: Sendable {
    public var model: ModelID
    /// The author's counters, copied into the delta for reports; below ``Delta/maxCounter``.
    public var round: UInt64
    public var steps: UInt64
    public var tokensSeen: UInt64
    /// The merged weights from which the round started.
    public var base: Parameters
    /// The weights after the round's last step.
    public var trained: Parameters
    /// The vocabulary of both, in its local order.
    public var tokens: [TokenID]
    /// For each token its announced row and its owners, see ``OwnerTable/shares(of:in:)``.
    public var shares: [RowShare]
    /// Members of the network by the applied ops, reachable or not; dense weights are divided by it.
    public var members: Int
    /// What is left of a delta whose base has aged: 1 for a fresh one, 0 for one that counts nothing.
    /// See ``damping(age:)``.
    public var damping: Double
    /// Rounds of another site up to which a base is as good as new.
    private static let freshRounds = 10.0

    public init(
        model: ModelID, round: UInt64, steps: UInt64, tokensSeen: UInt64, base: Parameters, trained: Parameters,
        tokens: [TokenID], shares: [RowShare], members: Int, damping: Double = 1
    ) {
        self.model = model
        self.round = round
        self.steps = steps
        self.tokensSeen = tokensSeen
        self.base = base
        self.trained = trained
        self.tokens = tokens
        self.shares = shares
        self.members = members
        self.damping = damping
    }

    /// The damping for a base since which the fastest of the other sites has sealed `age` rounds.
    ///
    /// Nothing is taken from what a slow site learned: measured on UMLS-fed3 with one site whose rounds last as
    /// long as 4 and 10 of the others', that site reached MRR .85 and .66 undamped, .73 and .45 at a half, .56 and
    /// .16 at a quarter (.86 and .74 with fresh bases), and the others no more than .01 better. The division by
    /// owners is what keeps old deltas harmless. Beyond ten rounds, as after a partition, one counts as ten.
    public static func damping(age: UInt64) -> Double { min(1, freshRounds / Double(max(age, 1))) }

    /// - Throws: ``FederationError`` for the first part that does not fit the shape or its range.
    func validate(shape: ModelShape) throws(FederationError) {
        let vocabulary = tokens.count * shape.dim
        for (name, found, expected) in [
            ("base dense weights", base.dense.count, shape.denseCount),
            ("trained dense weights", trained.dense.count, shape.denseCount),
            ("base token weights", base.tokens.count, vocabulary),
            ("trained token weights", trained.tokens.count, vocabulary),
            ("row shares", shares.count, tokens.count),
        ] where found != expected {
            throw .wrongLength(name: name, found: found, expected: expected)
        }
        guard members > 0 else { throw .outOfRange(name: "members", value: "\(members)", allowed: "1 or more") }
        guard shares.allSatisfy({ $0.owners > 0 }) else {
            throw .outOfRange(name: "owners", value: "0", allowed: "1 or more for each announced row")
        }
        guard (0...1).contains(damping) else {
            throw .outOfRange(name: "damping", value: "\(damping)", allowed: "0 to 1")
        }
        for counter in [round, steps, tokensSeen] where counter > Delta.maxCounter {
            throw .outOfRange(name: "counter", value: "\(counter)", allowed: "at most 2^53")
        }
    }
}
