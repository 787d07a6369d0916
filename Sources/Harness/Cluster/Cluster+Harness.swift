internal import API
internal import Glibc
internal import Site
internal import Terminal

/// The process that carries the cluster's connections. It outlives the command that starts it, as the nodes do.
extension Cluster {
    /// Whether links can be made worse: whether a harness carries them.
    public var hasLinks: Bool {
        get throws { try file.doors != nil }
    }

    var harnessLog: String { "\(directory)/logs/harness.log" }

    /// Starts the harness, if there is one to start, and waits until it carries connections.
    func startHarness() async throws {
        let file = try file
        guard file.doors != nil, file.harness?.process.isAlive != true else { return }
        let started = try Launch.detached(
            file.binary, ["cluster", "serve", "--dir", directory] + (lifeline == nil ? [] : [Lifeline.flag]),
            log: harnessLog, namespace: file.namespaces.map { Namespaces.path(of: Namespaces.hub($0)) },
            lifeline: lifeline)
        let isReady = try await Patience.poll(for: .seconds(30)) {
            guard started.isAlive else { throw harnessEnded() }
            return try self.file.harness?.process == started.identity
        }
        guard isReady else { throw harnessEnded() }
    }

    private func harnessEnded() -> Failure {
        let said = (try? Files.read(harnessLog, limit: 64 << 20)) ?? []
        let lines = String(decoding: said.suffix(4_096), as: UTF8.self).split(separator: "\n").suffix(4)
        return Failure(
            "start", "the harness",
            "it does not carry connections; its last words:\n"
                + (lines.isEmpty ? "  (nothing)" : lines.map { "  \($0)" }.joined(separator: "\n")), exit: .unreachable)
    }

    func stopHarness() async throws {
        let known = try file.harness?.process
        let strays = ProcessTable.naming(directory) { $0.first == Launch.name && $0.dropFirst(2).first == "serve" }
        for process in Set([known].compactMap(\.self) + strays) where process.isAlive {
            process.signal(SIGTERM)
            if try await !process.ended(within: .seconds(5)) { process.signal(SIGKILL) }
            _ = try await process.ended(within: .seconds(5))
        }
        try update { $0.harness = nil }
    }

    /// A client of the harness.
    private func harness() throws -> HTTPClient {
        let file = try file
        guard file.doors != nil else {
            throw Failure(
                "cluster link", directory, "its nodes dial each other directly, so that their links are out of reach",
                remedy: "Start a cluster without --direct")
        }
        guard let harness = file.harness, harness.process.isAlive else {
            throw Failure(
                "cluster link", directory, "its harness does not run",
                remedy: "Start it again with `shoal cluster up --dir \(directory)`", exit: .unreachable)
        }
        return HTTPClient(.unix(path: harness.socket))
    }

    /// Tells the harness of new nodes, if there is a harness.
    func reloadHarness() async throws {
        guard try hasLinks else { return }
        let _: [LinkReport] = try await harness().json(Call(.post, "/reload"))
    }

    /// What every link is like.
    public func links() async throws -> [LinkReport] { try await harness().get("/links") }

    /// Changes links.
    public func order(_ orders: [LinkOrder]) async throws {
        let known = Set(try nodes.map(\.name))
        if let unknown = orders.flatMap({ $0.from + $0.to }).first(where: { !known.contains($0) }) {
            throw Failure(
                "cluster link", unknown, "there is no such node",
                remedy: "The nodes are \(known.sorted().joined(separator: ", "))")
        }
        let _: [LinkReport] = try await harness().post("/links", orders)
    }

    /// Cuts all links between nodes of different groups; nodes that are in none are left alone.
    public func partition(_ groups: [[String]]) async throws {
        try await order(Self.cuts(between: groups))
    }

    static func cuts(between groups: [[String]]) -> [LinkOrder] {
        groups.indices.flatMap { place in
            groups.indices.filter { $0 != place && !groups[place].isEmpty && !groups[$0].isEmpty }.map { other in
                var order = LinkOrder(from: groups[place], to: groups[other])
                order.cut = true
                return order
            }
        }
    }

    /// Heals what is cut, from `from` to `to`; everything if both are empty. Latencies and the like stay.
    public func heal(from: [String] = [], to: [String] = []) async throws {
        var order = LinkOrder(from: from, to: to)
        order.cut = false
        try await self.order([order])
    }
}
