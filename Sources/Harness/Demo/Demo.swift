internal import API
internal import FoundationEssentials
internal import Glibc
public import Terminal
internal import Wire

/// A whole network on this machine that learns one model from private graphs: real processes, real sockets,
/// a database each.
///
/// ```
/// start nodes ─▶ import graphs ─▶ model, announced rows ─▶ train alone ─▶ train together
///                                        ─▶ equal state ─▶ measure ─▶ show ─▶ run on, or stop
/// ```
public struct Demo: Sendable {
    let options: DemoOptions
    let dataset: Dataset
    let view: DemoView
    let start: ContinuousClock.Instant

    /// Runs a demo to its end; what was started is stopped however that comes.
    ///
    /// - Returns: `no` if the sites did not come to the same state.
    public static func run(_ options: DemoOptions, console: Console) async throws -> ExitCode {
        let start = ContinuousClock.now
        let all = try options.data.map { path throws(Failure) in try Dataset.folder(path) } ?? Dataset.bundled()
        let demo = Demo(
            options: options, dataset: try all.prefix(options.sites), view: DemoView(console: console), start: start)
        return try await Interruption.guarding { try await demo.run($0) }
    }

    private func run(_ interruption: Interruption) async throws -> ExitCode {
        view.begin(dataset, isBundled: options.data == nil)
        let isTemporary = options.directory == nil
        let directory = try options.directory ?? Self.temporaryDirectory()
        let cluster: Cluster
        do {
            cluster = try Cluster(
                making: .init(
                    network: options.data == nil ? "hospitals" : "demo", names: dataset.sites.map(\.name),
                    binary: options.binary, claimRounds: Self.claimRounds, endsWithStarter: true),
                in: directory)
        } catch {
            if isTemporary { try? FileManager.default.removeItem(atPath: directory) }
            throw error
        }
        let outcome: Result<ExitCode, any Error>
        do {
            outcome = .success(try await learnAndShow(cluster))
        } catch {
            outcome = .failure(error)
        }
        try await stop(cluster, keepingFiles: !isTemporary, interruption)
        return try outcome.get()
    }

    private func learnAndShow(_ cluster: Cluster) async throws -> ExitCode {
        let sites = try await prepare(cluster)
        let learned = try await learn(sites)
        let knowledge = try await verify(sites)
        let report = try await measure(sites, learned, knowledge)
        if options.json {
            view.console.print(String(decoding: try JSON.encode(report), as: UTF8.self))
        } else {
            view.show(report)
        }
        guard !options.exits else { return report.digestsEqual ? .done : .no }
        if !options.json {
            let example = report.examples.first
            let site = sites.first { $0.name == example?.site } ?? sites.first
            view.suggest(
                cluster, site, dashboard: try? await site?.status().http, command: options.command, example: example)
        }
        await Self.runOn(cluster)
        return report.digestsEqual ? .done : .no
    }

    /// Until somebody stops the demo, or its cluster is taken down by another command.
    private static func runOn(_ cluster: Cluster) async {
        while !Task.isCancelled, let nodes = try? cluster.nodes, !nodes.isEmpty {
            try? await Task.sleep(for: .seconds(1))
        }
    }

    private func stop(_ cluster: Cluster, keepingFiles: Bool, _ interruption: Interruption) async throws {
        guard (try? cluster.nodes) != nil else { return }
        let row = LiveRegion(view.console)
        let line = row.row("stop")
        line.status("the nodes and their databases")
        let before = interruption.count
        do {
            try await cluster.down(keepingFiles: keepingFiles) { interruption.count > max(before, 1) }
            line.finish("nothing is left running")
        } catch {
            line.fail("\(error)")
            row.close()
            throw error
        }
        row.close()
    }

    private static func temporaryDirectory() throws(Failure) -> String {
        // Root's PostgreSQL runs as another user, who must be able to get there.
        let isRoot = geteuid() == 0
        let base = isRoot ? "/tmp" : getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        var template = Array("\(base)/shoal-demo-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw Failure(
                "demo", base, String(cString: strerror(errno)), remedy: "Choose a place with --dir", exit: .unreachable)
        }
        let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        if isRoot { chmod(path, 0o711) }
        return path
    }
}
