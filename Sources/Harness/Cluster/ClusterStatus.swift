internal import API
public import Terminal

/// How a cluster stands: one row a node, and whether all that run hold the same.
public struct ClusterStatus: Codable, Sendable, Equatable {
    public struct Node: Codable, Sendable, Equatable {
        public var name: String
        /// `up`, `silent` (runs and does not answer) or `down`.
        public var state: String
        public var pid: Int?
        public var listen: String
        public var dataDir: String
        /// Members that it is connected to, by name.
        public var connected: [String]
        public var ops: Int?
        public var frontierDigest: String?
        public var stateDigest: String?
        public var trouble: String?
        /// Of the node's own process, without PostgreSQL, KiB: all that is in memory.
        public var memoryKib: Int?
        /// The same, pages that several processes use counted in equal shares.
        public var memoryShareKib: Int?
    }

    public var directory: String
    public var network: String
    public var nodes: [Node]
    /// Whether all nodes that run have applied the same ops.
    public var frontiersEqual: Bool
    /// Whether all nodes that run came to the same state.
    public var digestsEqual: Bool

    init(directory: String, network: String, nodes: [Node]) {
        self.directory = directory
        self.network = network
        self.nodes = nodes
        let up = nodes.filter { $0.state == "up" }
        frontiersEqual = Set(up.map(\.frontierDigest)).count == 1
        digestsEqual = Set(up.map(\.stateDigest)).count == 1
    }

    /// All nodes answer and hold the same.
    public var isWell: Bool { frontiersEqual && digestsEqual && nodes.allSatisfy { $0.state == "up" } }

    public var table: Table {
        var table = Table(
            .text("NODE"), .text("STATE", minimum: 6), .number("PID"), .text("ADDRESS", minimum: 15),
            .number("LINKS"), .number("OPS"), .text("FRONTIER", minimum: 10), .text("DIGEST", minimum: 10))
        for node in nodes {
            table.add(
                node.name, node.state, node.pid.map { "\($0)" } ?? "-", node.listen,
                node.state == "up" ? "\(node.connected.count)" : "-", node.ops.map { Format.count($0) } ?? "-",
                short(node.frontierDigest), short(node.stateDigest),
                emphasis: node.state == "up" ? .normal : .bad)
        }
        return table
    }

    /// One sentence about all nodes.
    public var summary: String {
        let up = nodes.count { $0.state == "up" }
        let rest = up == nodes.count ? "" : "; \(nodes.count - up) of \(nodes.count) nodes do not answer"
        if up == 0 { return "no node answers" }
        let memory =
            nodes.compactMap(\.memoryShareKib).max().map { "; at most \(Format.bytes($0 << 10)) of memory each" } ?? ""
        if !frontiersEqual { return "the nodes that run do not have the same ops yet\(rest)" }
        return digestsEqual
            ? "all nodes that run have the same ops and the same state\(memory)\(rest)"
            : "the same ops led to different states: this must not happen\(rest)"
    }

    private func short(_ digest: String?) -> String { digest.map { String($0.prefix(12)) } ?? "-" }
}

extension ClusterStatus.Node {
    init(_ node: ClusterNode, _ report: StatusReport?) {
        let pid = node.process.flatMap { $0.isAlive ? Int($0.pid) : nil }
        self.init(
            name: node.name, state: report != nil ? "up" : pid != nil ? "silent" : "down", pid: pid,
            listen: node.listen, dataDir: node.dataDirectory,
            connected: report?.peers.filter(\.connected).map(\.name).sorted() ?? [], ops: report?.ops,
            frontierDigest: report?.frontierDigest, stateDigest: report?.stateDigest, trouble: report?.trouble)
        let memory = pid.flatMap { ProcessTable.memory(of: Int32($0)) }
        memoryKib = memory?.resident
        memoryShareKib = memory?.share
    }
}
