public import Identity
public import Wire

/// Whether asking everybody is worth it: repeated samples of a large network (Rocket et al. 2019, "Scalable and
/// Probabilistic Leaderless BFT Consensus through Metastability", Snowball).
///
/// It decides nothing: sampling leaves no proof. It tells a proposer with how much sympathy a question will meet, before
/// hundreds of members are asked to measure.
///
/// ```
/// sample k of n ─▶ at least `preference` say the same: prefer it; at least `confidence`: one more success in a row
///               ─▶ β successes in a row: decided
/// ```
/// A pure machine: the caller sends ``Effect/ask(_:round:)`` as POLL frames and brings the answers back.
public struct Snowball: Sendable {
    public struct Parameters: Sendable, Equatable {
        /// Members asked in a round.
        public var sample = 20
        /// Equal answers that move the preference.
        public var preference = 11
        /// Equal answers that count as a success.
        public var confidence = 14
        /// Successes in a row that decide.
        public var successes = 20
        /// Rounds after which nobody is sure.
        public var rounds = 200

        public init() {}
    }
    /// Below this many electors everybody is asked at once: samples of so few stick (67 % of runs at n = 10).
    public static let smallest = 65

    public enum Effect: Sendable, Equatable {
        /// Ask these, ascending; at most `sample`.
        case ask([PeerID], round: UInt64)
        case decided(Bool)
        /// Rounds are used up, or nobody answers: ask everybody, or nobody.
        case undecided
    }

    private let members: [PeerID]
    private let parameters: Parameters
    private var random: SecureRandom
    private var asked: Set<PeerID> = []
    private var answers: [PeerID: Bool] = [:]
    public private(set) var round: UInt64 = 0
    public private(set) var preference: Bool
    /// Successes in a row for the answer that the last one had.
    public private(set) var successes = 0
    private var lastSuccess: Bool?
    public private(set) var isOver = false

    /// - Parameters:
    ///   - members: everybody but the one who asks.
    ///   - seed: 32 secret bytes: who could guess the samples could answer those alone that matter.
    ///   - own: what this node says itself.
    public init(members: [PeerID], own: Bool, seed: Bytes, parameters: Parameters = Parameters()) {
        self.members = Set(members).sorted()
        self.parameters = parameters
        preference = own
        random = SecureRandom(seed: seed)
    }

    /// Begins the first round.
    public mutating func start() -> [Effect] { ask() }

    /// A member answers: yes or no, or nothing to say. Answers of others, and of other rounds, are dropped.
    public mutating func answered(_ peer: PeerID, round: UInt64, _ answer: Bool?) -> [Effect] {
        guard !isOver, round == self.round, asked.remove(peer) != nil else { return [] }
        answers[peer] = answer
        return asked.isEmpty ? finishRound() : []
    }

    /// The time for a round is up: what is here counts.
    public mutating func expired(round: UInt64) -> [Effect] {
        guard !isOver, round == self.round else { return [] }
        return finishRound()
    }

    private mutating func ask() -> [Effect] {
        guard members.count >= parameters.sample, round < parameters.rounds else {
            isOver = true
            return [.undecided]
        }
        round += 1
        answers = [:]
        var pool = members
        for at in 0..<parameters.sample { pool.swapAt(at, Int.random(in: at..<pool.count, using: &random)) }
        let chosen = pool.prefix(parameters.sample).sorted()
        asked = Set(chosen)
        return [.ask(chosen, round: round)]
    }

    private mutating func finishRound() -> [Effect] {
        let yes = answers.values.count { $0 }
        let no = answers.count - yes
        let (winner, count) = yes >= no ? (true, yes) : (false, no)
        if count >= parameters.preference { preference = winner }
        if count >= parameters.confidence {
            successes = lastSuccess == winner ? successes + 1 : 1
            lastSuccess = winner
            preference = winner
        } else {
            successes = 0
            lastSuccess = nil
        }
        guard successes < parameters.successes else {
            isOver = true
            return [.decided(preference)]
        }
        return ask()
    }
}
