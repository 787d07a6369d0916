internal import API
internal import FoundationEssentials
internal import Glibc
internal import Identity
internal import Synchronization
internal import Terminal
internal import Wire

/// Runs a scenario: makes the cluster, lets everything happen at its time, looks at what came of it, and cleans up.
public struct Rehearsal: Sendable {
    public struct Options: Sendable {
        /// Repeats what an earlier run drew.
        public var seed: Int?
        /// Where the cluster lives; a temporary place if nil.
        public var directory: String?
        /// Leaves the files of the cluster, stopped.
        public var keepsFiles = false
        /// The `shoal` binary of the nodes; this program's own if nil.
        public var binary: String?

        public init() {}
    }

    let scenario: Scenario
    let cluster: Cluster
    let load: Load
    let witness: Witness
    let diary: Diary
    let seed: Int

    /// Runs a scenario to its end; what was started is stopped however that comes.
    ///
    /// - Parameter onEntry: told of every step when it is over.
    /// - Throws: what keeps the cluster from starting. A step or an expectation that fails is in the report.
    public static func run(
        _ scenario: Scenario, _ options: Options = Options(), isHurried: @escaping @Sendable () -> Bool = { false },
        onEntry: @escaping @Sendable (ScenarioReport.Entry) -> Void = { _ in }
    ) async throws -> ScenarioReport {
        let directory = try options.directory ?? temporaryDirectory()
        let cluster: Cluster
        do {
            var plan = scenario.plan(binary: options.binary)
            plan.endsWithStarter = true
            cluster = try Cluster(making: plan, in: directory)
        } catch {
            if options.directory == nil { try? FileManager.default.removeItem(atPath: directory) }
            throw error
        }
        let seed = options.seed ?? scenario.seed ?? Int(UInt64(bigEndianBytes: secureRandomBytes(8))! >> 34)
        let rehearsal = Rehearsal(
            scenario: scenario, cluster: cluster, load: Load(cluster, dim: scenario.topology.dim),
            witness: Witness(cluster),
            diary: Diary(onEntry), seed: seed)
        let outcome: Result<ScenarioReport, any Error>
        do {
            outcome = .success(try await rehearsal.run())
        } catch {
            outcome = .failure(error)
        }
        await rehearsal.load.end()
        try await cluster.down(keepingFiles: options.keepsFiles, isHurried: isHurried)
        return try outcome.get()
    }

    private static func temporaryDirectory() throws -> String {
        let base = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        return "\(base)/shoal-rehearsal-\(getpid())-\(UUID().uuidString.prefix(8))"
    }

    private func run() async throws -> ScenarioReport {
        let begin = ContinuousClock.now
        try await cluster.up()
        let upSeconds = (ContinuousClock.now - begin).seconds
        let links = scenario.topology.links
        if links != LinkOrder() { try await cluster.order([links]) }
        diary.start()
        let watching = Task { await witness.watch() }
        defer { watching.cancel() }
        for step in plan() { try await carryOut(step) }
        await load.end()
        for expectation in scenario.expectations { try await look(expectation) }
        let seconds = diary.now
        return await report(upSeconds: upSeconds, seconds: seconds)
    }

    /// All steps with those of every nemesis, which the seed decides.
    func plan() -> [Scenario.Step] {
        var random = Random(seed: UInt64(seed))
        var steps: [Scenario.Step] = []
        for step in scenario.steps {
            steps.append(step)
            guard case .nemesis(let nemesis) = step.action else { continue }
            steps += nemesis.steps(
                names: scenario.topology.names, from: step.atMs, usual: scenario.topology.links, random: &random)
        }
        return steps.enumerated().sorted { ($0.element.atMs, $0.offset) < ($1.element.atMs, $1.offset) }.map(\.element)
    }

    /// Waits for its time and does it; a failure goes into the diary, and the rehearsal goes on.
    private func carryOut(_ step: Scenario.Step) async throws {
        let wait = Double(step.atMs) / 1_000 - diary.now
        if wait > 0 { try await Task.sleep(for: .seconds(wait)) }
        if case .expect(let expectation) = step.action { return try await look(expectation) }
        let at = diary.now
        do {
            try await act(step.action)
            diary.note(at, "\(step.action)")
        } catch let error as CancellationError {
            throw error
        } catch {
            diary.note(at, "\(step.action)", failure: "\(error)")
        }
    }

    private func act(_ action: Scenario.Action) async throws {
        switch action {
        case .load(let nodes, let rounds, let everyMs):
            load.begin(try await load.prepare(nodes), rounds: rounds, every: .milliseconds(everyMs))
        case .endLoad: await load.end()
        case .strike(let node, let blow):
            if blow != .killPostgres { diary.setDown(node, true) }
            try await cluster.strike(node, blow)
        case .start(let node):
            try await cluster.start(node)
            diary.setDown(node, false)
        case .pause(let node): try cluster.pause(node)
        case .resume(let node): try cluster.resume(node)
        case .partition(let groups): try await cluster.partition(groups)
        case .link(let order): try await cluster.order([order])
        case .snapshot(let node): try await cluster.snapshot(node)
        case .restoreSnapshot(let node): try await cluster.restoreSnapshot(node)
        case .fillDisk(let node, let rest): try cluster.fillDisk(node, leaving: rest)
        case .freeDisk(let node): try cluster.freeDisk(node)
        case .skewClock(let node, let seconds): try await cluster.skewClock(node, seconds: seconds)
        case .add(let node, let member): try await cluster.add(node, via: member)
        case .nemesis, .expect: break
        }
    }

    private func report(upSeconds: Double, seconds: Double) async -> ScenarioReport {
        let status = try? await cluster.status()
        var ops: [String: Int] = [:]
        for node in status?.nodes ?? [] { ops[node.name] = node.ops }
        let entries = diary.entries
        return ScenarioReport(
            scenario: scenario.name, seed: seed, isWell: entries.allSatisfy(\.isWell), upSeconds: upSeconds,
            seconds: seconds, timeline: entries, acknowledged: load.acknowledged, opsSeen: witness.count, ops: ops,
            stateDigest: status.flatMap { $0.digestsEqual ? $0.nodes.compactMap(\.stateDigest).first : nil })
    }
}

extension Scenario {
    func plan(binary: String?) -> Cluster.Plan {
        Cluster.Plan(
            network: "rehearsal", names: topology.names, topology: topology.shape, binary: binary,
            trains: topology.trains, settings: topology.settings, hasLinks: true, diskMebibytes: topology.diskMebibytes,
            hasNamespaces: topology.hasNamespaces)
    }
}
