internal import Membership
internal import Wire

/// What one simulated run is like. Everything follows from the seed, but for what is overridden.
///
/// Printed as one line, so that a report says what kind of run it was.
public struct SimulationOptions: Sendable, Equatable {
    /// What a caller may fix, as the flags of `shoal simulate` do.
    public struct Overrides: Sendable, Equatable {
        /// Sites, 2 to 1,000.
        public var nodes: Int?
        /// Simulated minutes with faults, 1 to 600.
        public var minutes: Int?
        /// Simulated seconds with faults, 1 to 60; in place of minutes.
        public var seconds: Int?
        /// Ops that sites are asked to sign, at most.
        public var submissions: Int?
        /// In a network of more than 16: sites that sign, and questions that are put to all electors.
        public var writers: Int?
        public var questions: Int?
        /// And ill will, which such a network is without else.
        public var including: Set<Hostile>
        /// What of the seed's troubles does not happen.
        public var without: Set<Trouble>

        public init(
            nodes: Int? = nil, minutes: Int? = nil, seconds: Int? = nil, submissions: Int? = nil,
            writers: Int? = nil, questions: Int? = nil, including: Set<Hostile> = [], without: Set<Trouble> = []
        ) {
            self.nodes = nodes
            self.minutes = minutes
            self.seconds = seconds
            self.submissions = submissions
            self.writers = writers
            self.questions = questions
            self.including = including
            self.without = without
        }

        /// As flags, for the command that repeats a run.
        var flags: String {
            func flag(_ name: String, _ value: Int?) -> String { value.map { " --\(name) \($0)" } ?? "" }
            return flag("nodes", nodes) + flag("minutes", minutes) + flag("seconds", seconds)
                + flag("submissions", submissions) + flag("writers", writers) + flag("questions", questions)
                + including.map { " --with \($0.rawValue)" }.sorted().joined()
                + without.map { " --without \($0.rawValue)" }.sorted().joined()
        }
    }

    public enum Topology: String, Sendable, CaseIterable {
        case full, line, star, random
    }

    /// Ill will besides bad luck.
    public enum Hostile: String, Sendable, CaseIterable {
        /// A member that connects and pushes what others wrote: shuffled, twice, with gaps, altered.
        case replayer
        /// A valid identity that is no member.
        case stranger
        /// A member that belongs to another network.
        case foreigner
        /// Somebody who plays recorded HELLOs back.
        case impostor
        /// A member that signs two branches of its log and shows different sites different ones.
        case equivocator
        /// A member that pays the same Koi to two others, in two branches of its account log.
        case spender
        /// A member that votes for several answers, or only where its vote tips the scales.
        case voter
        /// A member that forges certificates, floods questions, and trains to harm.
        case forger

        /// Whether it is a founder with a vote, and known to every site.
        var isMember: Bool {
            switch self {
            case .replayer, .equivocator, .spender, .voter, .forger: true
            case .stranger, .foreigner, .impostor: false
            }
        }
    }

    public let seed: UInt64
    public let overrides: Overrides

    public let nodes: Int
    public let topology: Topology
    /// One way, in milliseconds; each delivery is late by up to the jitter on top.
    public internal(set) var latencyMs: Int
    public internal(set) var jitterMs: Int
    /// How long faults and load go on.
    public let faultSeconds: Int
    /// Ops that sites are asked to sign.
    public let submissions: Int
    /// Mean seconds between two faults of a kind; nil without that kind.
    public internal(set) var resetEverySeconds: Int?
    public internal(set) var partitionEverySeconds: Int?
    public internal(set) var crashEverySeconds: Int?
    public internal(set) var pauseEverySeconds: Int?
    /// Ops asked for at once, at most.
    public internal(set) var burst: Int
    /// Some deltas are beyond 4 KiB and travel by hash.
    public internal(set) var largeBodies: Bool
    /// Some bodies have several chunks.
    public internal(set) var hugeBodies: Bool
    /// Crashes may put the database back to an older state.
    public internal(set) var restoresDatabase: Bool
    /// Crashes may take the sign journal away.
    public internal(set) var losesJournal: Bool
    /// How many records of the journal a start reads; nil for all.
    public internal(set) var journalTail: Int?
    /// Writes may fail because the disk is full.
    public internal(set) var fillsDisk: Bool
    /// Milliseconds for a write, at most.
    public internal(set) var writeMs: Int
    public let snapshotEveryOps: Int
    /// The last site is not among the founders and is added on the way.
    public internal(set) var lateJoiner: Bool
    /// Some dials end at another site than the address should lead to.
    public internal(set) var misdirects: Bool
    /// Nothing goes wrong at all: then the bytes on the wire are counted, too.
    public let isCalm: Bool
    public internal(set) var hostiles: [Hostile]
    /// Sites pay each other, post bounties, train for them, sell and bid.
    public internal(set) var movesKoi: Bool
    /// How long after a checkpoint the next one is due.
    public let checkpointSeconds: Int
    /// Operators agree to admissions, revocations and other numbers.
    public internal(set) var decides: Bool
    /// Sites take back what they trained, and operators what others trained, in parts.
    public internal(set) var retracts: Bool
    /// Deltas of a site whose sums are certified together.
    public internal(set) var sumsEveryDeltas: Int
    /// Sites drop bodies that certified sums can stand for.
    public internal(set) var retention: Bool
    /// Sites propose patterns to each other, and have so long to be answered.
    public internal(set) var proposes: Bool
    public let questionSeconds: Int
    /// The fold version of the genesis; operators may raise it.
    public let foldVersion: UInt64
    /// The site whose shoal does not know the latest one until it is upgraded.
    public internal(set) var outdated: Int?
    /// The site that leaves on the way, and the one that goes on under another key.
    public internal(set) var leaver: Int?
    public internal(set) var rotator: Int?
    /// The site that is away for most of the run.
    public internal(set) var absentee: Int?
    /// Sites tell each other where they can be dialled; without that the topology stays as it is.
    public internal(set) var discovers: Bool
    /// One half of the sites is cut off from the other in the second half of the run.
    public internal(set) var splits = false
    /// Sites that sign by themselves.
    public internal(set) var writers: Int
    /// What is put to all electors, patterns and payments in turn.
    public internal(set) var questions = 0

    public init(seed: UInt64, overrides: Overrides = Overrides()) {
        var random = Random(seed: seed)
        self.seed = seed
        self.overrides = overrides
        let nodes = 2 + random.below(6)
        self.nodes = min(max(overrides.nodes ?? nodes, 2), Self.mostNodes)
        topology = Topology.allCases[random.below(Topology.allCases.count)]
        latencyMs = [1, 5, 20, 80, 200][random.below(5)]
        jitterMs = random.below(2 * latencyMs + 1)
        let seconds = 10 + random.below(50)
        faultSeconds =
            overrides.seconds.map { min(max($0, 1), 60) } ?? overrides.minutes.map { min(max($0, 1), 600) * 60 }
            ?? (self.nodes > Self.fewNodes ? 60 : seconds)
        let rate = 1 + random.below(8)
        writers = self.nodes
        let asked = self.nodes > Self.trainedNodes ? Self.hugeSubmissions : faultSeconds * rate / 2 + 3
        submissions = min(asked, overrides.submissions ?? 20_000)
        let isCalm = random.chance(0.08)
        self.isCalm = isCalm
        func fault(_ probability: Double) -> Bool { random.chance(probability) && !isCalm }
        resetEverySeconds = fault(0.7) ? 2 + random.below(15) : nil
        partitionEverySeconds = fault(0.6) ? 5 + random.below(15) : nil
        crashEverySeconds = fault(0.7) ? 3 + random.below(20) : nil
        pauseEverySeconds = fault(0.3) ? 4 + random.below(10) : nil
        burst = random.chance(0.2) ? 100 : 3
        largeBodies = random.chance(0.5)
        hugeBodies = random.chance(0.1)
        restoresDatabase = fault(0.3)
        losesJournal = fault(0.2)
        journalTail = random.chance(0.5) ? nil : [1, 2, 16][random.below(3)]
        fillsDisk = fault(0.15)
        writeMs = [2, 10, 50, 400, 2_000][random.below(5)]
        snapshotEveryOps = [3, 16, 256][random.below(3)]
        lateJoiner = random.chance(0.4) && self.nodes > 2
        misdirects = fault(0.2)
        let hostiles = Hostile.allCases.filter { _ in fault(0.35) }
        movesKoi = random.chance(0.7)
        let checkpoint = 2 + random.below(5)
        // Dozens of electors with nothing to decide about would do little else.
        checkpointSeconds = self.nodes > Self.fewNodes ? 1 << 32 : checkpoint
        decides = random.chance(0.4)
        // By a draw of its own: what a seed chose before there were retractions, it chooses still.
        var ownDraw = Random(seed: seed ^ 0x7265_7472_6163_7473)
        retracts = ownDraw.chance(0.4)
        var sumsDraw = Random(seed: seed ^ 0x7375_6D73)
        sumsEveryDeltas = [2, 5, 12, 256][sumsDraw.below(4)]
        retention = sumsDraw.chance(0.6)
        proposes = movesKoi && ownDraw.chance(0.5)
        questionSeconds = 4 + ownDraw.below(20)
        let honest = self.nodes - (lateJoiner ? 1 : 0)
        let strangers = hostiles.filter { !$0.isMember }
        var members = hostiles.filter(\.isMember)
        random.shuffle(&members)
        // Mostly so many that the others can decide without them.
        if random.chance(0.7) { members = Array(members.prefix(Self.bearable(honest))) }
        // Less than a third of those who vote may lie with votes, or nothing can hold.
        let founders = honest + members.count
        var voting = founders >= 6 ? 2 : founders >= 4 ? 1 : 0
        members.removeAll { hostile in
            guard hostile == .voter || hostile == .forger else { return false }
            voting -= 1
            return voting < 0
        }
        self.hostiles = strangers + members.sorted { $0.rawValue < $1.rawValue }
        var departDraw = Random(seed: seed ^ 0x6C65_6176_6573)
        let settled = self.nodes - (lateJoiner ? 1 : 0)
        let (leaves, rotates) = (departDraw.chance(0.25), departDraw.chance(0.3))
        let (first, second) = (departDraw.below(settled), departDraw.below(settled))
        var foldDraw = Random(seed: seed ^ 0x666F_6C64)
        let isOld = foldDraw.chance(0.3) && self.nodes <= Self.fewNodes
        foldVersion = isOld ? NetworkPolicy.latestFold - 1 : NetworkPolicy.latestFold
        let behind = foldDraw.below(self.nodes)
        if isOld, foldDraw.chance(0.5) { outdated = behind }
        // Those who stay can decide without it as well as all could before.
        if leaves, settled > 2, members.count <= Self.bearable(honest - 1) { leaver = first }
        if rotates, leaver != second { rotator = second }
        // Four others add up what one of them trained, without one: so they drop what that one will miss.
        var absenceDraw = Random(seed: seed ^ 0x6177_6179)
        let absent = absenceDraw.below(settled)
        if !isCalm, settled > 4, rotator == nil, absenceDraw.chance(0.5) {
            absentee = absent
            (retention, largeBodies, sumsEveryDeltas) = (true, true, min(sumsEveryDeltas, 5))
        }
        // Two that go may each be the one through which the others know each other.
        var addressDraw = Random(seed: seed ^ 0x6164_6472_6573_73)
        discovers = addressDraw.chance(0.35) || (leaver != nil && rotator != nil)
        if isLarge { fitLarge() }
        for trouble in overrides.without.sorted(by: { $0.rawValue < $1.rawValue }) { leaveOut(trouble) }
    }

    /// How many silent members a number of honest ones can have beside them and still decide about one of their own.
    private static func bearable(_ honest: Int) -> Int {
        var silent = 0
        while honest - 1 >= 2 * (honest + silent) / 3 + 1 { silent += 1 }
        return silent
    }

    /// Repeats this very run.
    public var command: String { "shoal simulate --seed \(seed)\(overrides.flags)" }
}

extension SimulationOptions: CustomStringConvertible {
    public var description: String {
        func every(_ seconds: Int?, _ what: String) -> [String] { seconds.map { ["\(what)=\($0)s"] } ?? [] }
        func flag(_ isSet: Bool, _ name: String) -> [String] { isSet ? [name] : [] }
        let parts: [[String]] = [
            [
                "seed=\(seed)", "nodes=\(nodes)", "topology=\(topology.rawValue)", "latency=\(latencyMs)+\(jitterMs)ms",
                "faults=\(faultSeconds)s", "submissions=\(submissions)",
            ],
            every(resetEverySeconds, "reset"), every(partitionEverySeconds, "partition"),
            every(crashEverySeconds, "crash"), every(pauseEverySeconds, "pause"), ["burst=\(burst)"],
            flag(largeBodies, "large-bodies"), flag(hugeBodies, "huge-bodies"),
            flag(restoresDatabase, "restores-database"), flag(losesJournal, "loses-journal"),
            ["journal-tail=\(journalTail.map(String.init) ?? "all")"], flag(fillsDisk, "disk-full"),
            ["write=\(writeMs)ms", "snapshot=\(snapshotEveryOps)"], flag(lateJoiner, "late-joiner"),
            flag(misdirects, "misdirects"), flag(isCalm, "calm"), flag(movesKoi, "koi"), flag(decides, "decides"),
            flag(retracts, "retracts"),
            ["sums=\(sumsEveryDeltas)"], flag(retention, "retention"), proposes ? ["patterns=\(questionSeconds)s"] : [],
            foldVersion < NetworkPolicy.latestFold ? ["fold=\(foldVersion)"] : [],
            outdated.map { ["outdated=\($0)"] } ?? [],
            leaver.map { ["leaver=\($0)"] } ?? [], rotator.map { ["rotator=\($0)"] } ?? [],
            absentee.map { ["absentee=\($0)"] } ?? [],
            flag(discovers, "discovers"), flag(splits, "splits"),
            writers < nodes ? ["writers=\(writers)"] : [],
            questions > 0 ? ["questions=\(questions)"] : [],
            ["checkpoint=\(checkpointSeconds)s"],
            hostiles.map(\.rawValue),
        ]
        return parts.joined().joined(separator: " ")
    }
}
