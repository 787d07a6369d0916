/// A rehearsal: a cluster, what happens to it and when, and what must hold in the end.
///
/// Read from a file (docs/cluster.md); the same file serves operators, tests and CI.
public struct Scenario: Sendable, Equatable {
    public var name: String
    public var about: String
    /// Of all that is drawn: jitter aside, the same seed gives the same steps.
    public var seed: Int?
    public var topology: Setting
    /// In the order of their times.
    public var steps: [Step]
    /// Looked at when all steps are done.
    public var expectations: [Expectation]

    /// What the cluster is made of.
    public struct Setting: Sendable, Equatable {
        public var names: [String]
        public var shape = Topology.full
        public var trains = false
        /// What the settings of all nodes say besides.
        public var settings = NodeSettings()
        /// Width of the model that the load trains; from 48 on its deltas have bodies of their own.
        public var dim = 16
        public var diskMebibytes: Int?
        public var hasNamespaces = false
        /// What all links are like from the beginning.
        public var links = LinkOrder()
    }

    public struct Step: Sendable, Equatable {
        /// Milliseconds after all nodes are up.
        public var atMs: Int
        public var action: Action
    }

    public enum Action: Sendable, Equatable {
        /// Lets nodes train a small model, again and again: each run signs `rounds` ops.
        case load(nodes: [String], rounds: Int, everyMs: Int)
        case endLoad
        case strike(String, Cluster.Blow)
        case start(String)
        case pause(String)
        case resume(String)
        case partition([[String]])
        case link(LinkOrder)
        case snapshot(String)
        case restoreSnapshot(String)
        case fillDisk(String, leaving: Int)
        case freeDisk(String)
        case skewClock(String, seconds: Int)
        case add(String, via: String)
        case nemesis(Nemesis)
        case expect(Expectation)
    }

    public enum Expectation: Sendable, Equatable {
        /// All nodes that ought to run do, hold the same ops, and came to the same state.
        case agree(withinMs: Int)
        /// A node does without bodies of so many bytes, for which certified sums stand: dropped, or never fetched.
        case spared(String, bytes: Int, withinMs: Int)
        /// A node has ended by itself.
        case ended(String, withinMs: Int)
        /// Every node holds at least so many ops.
        case ops(atLeast: Int, withinMs: Int)
        /// Every node holds every op that any node ever showed, and as many of each author as it was told are durable.
        case nothingLost
        /// Signatures, chains and bodies are whole at every node.
        case wholeLogs
    }
}

extension Scenario.Action: CustomStringConvertible {
    public var description: String {
        switch self {
        case .load(let nodes, let rounds, let everyMs):
            "load on \(listed(nodes)): \(rounds) ops every \(everyMs) ms"
        case .endLoad: "end of the load"
        case .strike(let node, .killNode): "kill \(node)"
        case .strike(let node, .killPostgres): "kill the PostgreSQL of \(node)"
        case .strike(let node, .terminate): "stop \(node)"
        case .start(let node): "start \(node)"
        case .pause(let node): "pause \(node)"
        case .resume(let node): "resume \(node)"
        case .partition(let groups): "partition " + groups.map { $0.joined(separator: " ") }.joined(separator: " | ")
        case .link(let order): order.description
        case .snapshot(let node): "snapshot of \(node)"
        case .restoreSnapshot(let node): "put \(node) back to its snapshot"
        case .fillDisk(let node, let rest): "fill the disk of \(node), leaving \(rest) MiB"
        case .freeDisk(let node): "free the disk of \(node)"
        case .skewClock(let node, let seconds): "clock of \(node) \(seconds < 0 ? "" : "+")\(seconds) s"
        case .add(let node, let member): "add \(node), let in by \(member)"
        case .nemesis(let nemesis): "nemesis for \(nemesis.lengthMs / 1_000) s"
        case .expect(let expectation): "expect: \(expectation)"
        }
    }

    private func listed(_ nodes: [String]) -> String { nodes.isEmpty ? "all" : nodes.joined(separator: " ") }
}

extension Scenario.Expectation: CustomStringConvertible {
    public var description: String {
        switch self {
        case .agree(let patience): "all nodes agree within \(patience / 1_000) s"
        case .spared(let node, let bytes, _): "sums stand for \(bytes) bytes of bodies at \(node)"
        case .ended(let node, let patience): "\(node) ends by itself within \(patience / 1_000) s"
        case .ops(let count, _): "at least \(count) ops everywhere"
        case .nothingLost: "no acknowledged op is lost"
        case .wholeLogs: "every log is whole everywhere"
        }
    }
}

extension LinkOrder: CustomStringConvertible {
    public var description: String {
        var parts: [String] = []
        if let cut { parts.append(cut ? "cut" : "heal") }
        if reset == true { parts.append("reset") }
        if let stallMs { parts.append("stall \(stallMs) ms") }
        if let latencyMs { parts.append("latency \(latencyMs) ms") }
        if let jitterMs { parts.append("jitter \(jitterMs) ms") }
        if let bytesPerSecond { parts.append(bytesPerSecond == 0 ? "full speed" : "\(bytesPerSecond) bytes/s") }
        if let sliceBytes { parts.append(sliceBytes == 0 ? "whole" : "slices of \(sliceBytes) bytes") }
        func listed(_ nodes: [String]) -> String { nodes.isEmpty ? "all" : nodes.joined(separator: " ") }
        return "\(parts.joined(separator: ", ")): \(listed(from)) to \(listed(to))"
    }
}
