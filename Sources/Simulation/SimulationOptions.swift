internal import Wire

/// What one simulated run is like. Everything follows from the seed, but for what is overridden.
///
/// Printed as one line, so that a report says what kind of run it was.
public struct SimulationOptions: Sendable, Equatable {
    /// What a caller may fix, as the flags of `shoal simulate` do.
    public struct Overrides: Sendable, Equatable {
        /// Sites, 2 to 16.
        public var nodes: Int?
        /// Simulated minutes with faults, 1 to 600.
        public var minutes: Int?

        public init(nodes: Int? = nil, minutes: Int? = nil) {
            self.nodes = nodes
            self.minutes = minutes
        }

        /// As flags, for the command that repeats a run.
        var flags: String {
            (nodes.map { " --nodes \($0)" } ?? "") + (minutes.map { " --minutes \($0)" } ?? "")
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
    }

    public let seed: UInt64
    public let overrides: Overrides

    public let nodes: Int
    public let topology: Topology
    /// One way, in milliseconds; each delivery is late by up to the jitter on top.
    public let latencyMs: Int
    public let jitterMs: Int
    /// How long faults and load go on.
    public let faultSeconds: Int
    /// Ops that sites are asked to sign.
    public let submissions: Int
    /// Mean seconds between two faults of a kind; nil without that kind.
    public let resetEverySeconds: Int?
    public let partitionEverySeconds: Int?
    public let crashEverySeconds: Int?
    public let pauseEverySeconds: Int?
    /// Ops asked for at once, at most.
    public let burst: Int
    /// Some deltas are beyond 4 KiB and travel by hash.
    public let largeBodies: Bool
    /// Some bodies have several chunks.
    public let hugeBodies: Bool
    /// Crashes may put the database back to an older state.
    public let restoresDatabase: Bool
    /// Crashes may take the sign journal away.
    public let losesJournal: Bool
    /// How many records of the journal a start reads; nil for all.
    public let journalTail: Int?
    /// Writes may fail because the disk is full.
    public let fillsDisk: Bool
    /// Milliseconds for a write, at most.
    public let writeMs: Int
    public let snapshotEveryOps: Int
    /// The last site is not among the founders and is added on the way.
    public let lateJoiner: Bool
    /// Some dials end at another site than the address should lead to.
    public let misdirects: Bool
    /// Nothing goes wrong at all: then the bytes on the wire are counted, too.
    public let isCalm: Bool
    public let hostiles: [Hostile]

    public init(seed: UInt64, overrides: Overrides = Overrides()) {
        var random = Random(seed: seed)
        self.seed = seed
        self.overrides = overrides
        let nodes = 2 + random.below(6)
        self.nodes = min(max(overrides.nodes ?? nodes, 2), 16)
        topology = Topology.allCases[random.below(Topology.allCases.count)]
        latencyMs = [1, 5, 20, 80, 200][random.below(5)]
        jitterMs = random.below(2 * latencyMs + 1)
        let seconds = 10 + random.below(50)
        faultSeconds = overrides.minutes.map { min(max($0, 1), 600) * 60 } ?? seconds
        let rate = 1 + random.below(8)
        submissions = min(faultSeconds * rate / 2 + 3, 20_000)
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
        hostiles = Hostile.allCases.filter { _ in fault(0.35) }
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
            flag(misdirects, "misdirects"), flag(isCalm, "calm"),
            hostiles.map(\.rawValue),
        ]
        return parts.joined().joined(separator: " ")
    }
}
