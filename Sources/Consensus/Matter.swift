public import Identity
internal import Membership
public import Wire

/// An op that carries something, and whether it stands beyond a proven fork.
struct Carrier: Sendable, Equatable {
    let position: LogPosition
    var isRetracted: Bool
}

/// Everything that the ops with effect say about one question.
public struct Matter: Sendable {
    public struct Measured: Sendable, Equatable {
        public let op: OpID
        public let author: PeerID
        public let numbers: [Int64]?
        let position: LogPosition
    }
    public struct Proposed: Sendable, Equatable {
        public let op: OpID
        public let author: PeerID
        public let proposal: Proposal
        let position: LogPosition
    }
    public struct Cast: Sendable, Equatable {
        public let author: PeerID
        public let vote: Vote
        let position: LogPosition
    }
    private struct Poll: Hashable, Sendable {
        let round: UInt64
        let phase: Ballot.Phase

        init(_ ballot: Ballot) { (round, phase) = (ballot.round, ballot.phase) }
    }
    struct Held: Sendable {
        let certificate: Certificate
        let outcome: CertifiedOutcome
        var carriers: [Carrier]
        var isEffective: Bool { carriers.contains { !$0.isRetracted } }
    }

    public let id: QuestionID
    public let question: Question
    /// What the network had agreed on when it was asked: its electorate decides.
    public let checkpoint: Checkpoint
    var asks: [Carrier] = []
    /// By op.
    public internal(set) var measurements: [OpID: Measured] = [:]
    /// By op.
    public internal(set) var proposals: [OpID: Proposed] = [:]
    public private(set) var votes: [Cast] = []
    /// How many they are in each round and phase: asked at every step, and mostly there is no quorum.
    private var counts: [Poll: Int] = [:]
    /// By value hash.
    var certificates: [Hash32: Held] = [:]

    init(id: QuestionID, question: Question, checkpoint: Checkpoint) {
        self.id = id
        self.question = question
        self.checkpoint = checkpoint
    }

    public var electorate: Electorate { checkpoint.electorate }
    public var quorum: Int { electorate.quorum(without: question.subject) }
    public var isAsked: Bool { question.kind == .checkpoint || asks.contains { !$0.isRetracted } }

    public func isElector(_ peer: PeerID) -> Bool { electorate.isElector(peer, without: question.subject) }

    /// The certificate that counts: should there ever be two, the one with the smaller value hash, everywhere.
    public var certificate: Certificate? { effective?.certificate }

    var effective: Held? {
        certificates.filter { $0.value.isEffective }.min { $0.key < $1.key }?.value
    }

    /// One that proves what it proves but that no op with effect carries any more: it should be published again.
    public var lostCertificate: Certificate? {
        guard effective == nil else { return nil }
        return certificates.min { $0.key < $1.key }?.value.certificate
    }

    /// What electors measured, by op id: of several by one author the smallest.
    public var evidence: [ValueRule.Evidence] {
        var byElector: [Int: ValueRule.Evidence] = [:]
        for (op, measured) in measurements {
            guard isElector(measured.author), let index = electorate.index(of: measured.author) else { continue }
            if let other = byElector[index], other.op < op { continue }
            byElector[index] = .init(op: op, elector: index, numbers: measured.numbers)
        }
        return byElector.values.sorted { $0.op < $1.op }
    }

    /// The measurements that a proposal names; nil unless all are here, by electors, one each.
    public func evidence(named ids: [OpID]) -> [ValueRule.Evidence]? {
        var electors: Set<Int> = []
        var evidence: [ValueRule.Evidence] = []
        for id in ids {
            guard let measured = measurements[id], isElector(measured.author),
                let index = electorate.index(of: measured.author), electors.insert(index).inserted
            else { return nil }
            evidence.append(.init(op: id, elector: index, numbers: measured.numbers))
        }
        return evidence
    }

    /// The votes of a round and phase, by value: each elector's signature.
    public func tally(round: UInt64, phase: Ballot.Phase) -> [Hash32: [Int: Bytes]] {
        var tally: [Hash32: [Int: Bytes]] = [:]
        for cast in votes where cast.vote.ballot.round == round && cast.vote.ballot.phase == phase {
            guard isElector(cast.author), let index = electorate.index(of: cast.author) else { continue }
            tally[cast.vote.ballot.value, default: [:]][index] = cast.vote.signature
        }
        return tally
    }

    /// The value that a quorum of a round and phase has voted for.
    public func decided(round: UInt64, phase: Ballot.Phase) -> (value: Hash32, signatures: [Int: Bytes])? {
        guard counts.contains(where: { $0.key.round == round && $0.key.phase == phase && $0.value >= quorum }) else {
            return nil
        }
        return tally(round: round, phase: phase).filter { $0.value.count >= quorum }.min { $0.key < $1.key }
            .map { ($0.key, $0.value) }
    }

    /// The value with this hash, as some proposal, or the question itself, says it.
    public func value(_ hash: Hash32) -> Value? {
        if question.kind.nature == .affirmed { return Value.yes.hash == hash ? .yes : nil }
        return proposals.values.first { $0.proposal.value.hash == hash }?.proposal.value
    }

    /// A certificate from the votes that are here; nil as long as there is no quorum.
    public func assemble() -> Certificate? {
        let quorum = quorum
        let rounds = counts.filter { $0.key.phase == .commit && $0.value >= quorum }.keys.map(\.round)
        for round in rounds.sorted() {
            guard let (hash, signatures) = decided(round: round, phase: .commit), let value = value(hash) else {
                continue
            }
            // No more than needed: each costs every reader a signature check.
            let chosen = signatures.sorted { $0.key < $1.key }.prefix(quorum)
            return Certificate(
                question: question, value: value, round: round,
                signatures: chosen.map { .init(elector: $0.key, signature: $0.value) })
        }
        return nil
    }

    /// The rounds in which somebody has voted in a phase, the latest first.
    public func rounds(of phase: Ballot.Phase) -> [UInt64] {
        counts.keys.filter { $0.phase == phase }.map(\.round).sorted(by: >)
    }

    /// Whether somebody has voted in a later round.
    public func hasVotes(after round: UInt64) -> Bool { counts.keys.contains { $0.round > round } }

    /// Whether `peer` has voted in a round and phase.
    public func hasVote(of peer: PeerID, round: UInt64, phase: Ballot.Phase) -> Bool {
        votes.indices.contains {
            votes[$0].author == peer && votes[$0].vote.ballot.round == round && votes[$0].vote.ballot.phase == phase
        }
    }

    mutating func add(_ cast: Cast) {
        votes.append(cast)
        counts[Poll(cast.vote.ballot), default: 0] += 1
    }

    mutating func removeVotes(at position: LogPosition) {
        for cast in votes where cast.position == position {
            let poll = Poll(cast.vote.ballot)
            counts[poll] = counts[poll] == 1 ? nil : counts[poll]! - 1
        }
        votes.removeAll { $0.position == position }
    }

    /// What `peer` voted here.
    public func ballots(of peer: PeerID) -> [Ballot] { votes.lazy.filter { $0.author == peer }.map(\.vote.ballot) }
}
