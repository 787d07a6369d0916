import Foundation
import Glibc
import Terminal
import Testing
import Wire

@testable import Harness

@Suite struct ScenarioFileTests {
    private func parse(_ text: String) throws(Failure) -> Scenario {
        try Scenario(parsing: Bytes(text.utf8), path: "s.json")
    }

    private func refusal(_ text: String) -> Failure? {
        do {
            _ = try parse(text)
            return nil
        } catch {
            return error
        }
    }

    private func step(_ words: String) -> String {
        "{\"name\": \"s\", \"topology\": {\"nodes\": 2},\n\"steps\": [\n{\"at\": 0, \(words)}]}"
    }

    @Test func `every field of a step is read`() throws {
        let scenario = try parse(
            """
            {"name": "s", "about": "t", "seed": 5,
             "topology": {"nodes": ["x", "y"], "shape": "line", "retention": 0, "sums_every": 8, "dim": 48, "disk_mib": 192, "links": {"latency_ms": 3}},
             "steps": [
               {"at": 0, "do": "load", "nodes": ["x"], "rounds": 2, "every": 0.25},
               {"at": 1.5, "do": "cut", "from": ["x"]},
               {"at": 1.5, "do": "stall", "to": ["y"], "seconds": 2},
               {"at": 2, "do": "add", "node": "z", "via": "y"},
               {"at": 3, "do": "partition", "groups": [["x"], ["y", "z"]]},
               {"at": 3, "do": "skew-clock", "node": "z", "seconds": -10},
               {"at": 4, "do": "nemesis", "seconds": 9, "every": 1, "faults": ["kill", "mute"]},
               {"at": 5, "do": "expect", "what": "spared", "node": "y", "at_least": 9, "within": 1},
               {"at": 5, "do": "expect", "what": "ended", "node": "z", "within": 1}],
             "expect": [{"what": "ops", "at_least": 7}, {"what": "nothing-lost"}]}
            """)
        #expect(scenario.seed == 5 && scenario.topology.names == ["x", "y"] && scenario.topology.shape == .line)
        #expect(scenario.topology.settings == NodeSettings(retention: 0, sumsEvery: 8) && scenario.topology.dim == 48)
        #expect(scenario.topology.links.latencyMs == 3 && scenario.topology.diskMebibytes == 192)
        var cut = LinkOrder(from: ["x"])
        cut.cut = true
        var stall = LinkOrder(to: ["y"])
        stall.stallMs = 2_000
        let wanted: [Scenario.Action] = [
            .load(nodes: ["x"], rounds: 2, everyMs: 250), .link(cut), .link(stall), .add("z", via: "y"),
            .partition([["x"], ["y", "z"]]), .skewClock("z", seconds: -10),
            .nemesis(Nemesis(lengthMs: 9_000, everyMs: 1_000, faults: [.kill, .mute])),
            .expect(.spared("y", bytes: 9, withinMs: 1_000)), .expect(.ended("z", withinMs: 1_000)),
        ]
        #expect(scenario.steps.map(\.action) == wanted)
        #expect(scenario.steps.map(\.atMs) == [0, 1_500, 1_500, 2_000, 3_000, 3_000, 4_000, 5_000, 5_000])
        #expect(scenario.expectations == [.ops(atLeast: 7, withinMs: 60_000), .nothingLost])
    }

    @Test(arguments: [
        ("\"do\": \"kill\", \"node\": \"z\"", "\"node\" must be a node of the topology: a, b"),
        ("\"do\": \"kil\", \"node\": \"a\"", "\"do\" must be one of load, kill"),
        ("\"do\": \"kill\"", "the field \"node\" is missing"),
        ("\"do\": \"kill\", \"nod\": \"a\"", "there is no field \"nod\" here"),
        ("\"do\": \"link\", \"latency_ms\": 0.5", "\"latency_ms\" must be a whole number from 0 to 60000"),
        ("\"do\": \"link\", \"latency_ms\": -1", "\"latency_ms\" must be a whole number from 0 to 60000"),
        ("\"do\": \"link\", \"from\": \"a\"", "\"from\" must be a list of strings"),
        ("\"do\": \"partition\", \"groups\": [[\"a\"]]", "\"groups\" must be two or more lists"),
        ("\"do\": \"nemesis\", \"seconds\": 9, \"faults\": [\"rain\"]", "\"faults\" must be a list of kill, stop"),
        ("\"do\": \"add\", \"node\": \"a\"", "\"node\" must be a new name"),
        ("\"do\": \"expect\", \"what\": \"wealth\"", "\"what\" must be one of agree"),
        ("\"do\": \"kill\", \"node\": 01", "01 is not a number"),
        ("\"do\": \"kill\", \"node\": \"a\",", "a key in double quotes is missing"),
    ]) func `a mistake in a step is told with its line`(words: String, cause: String) {
        let failure = refusal(step(words))
        #expect(failure?.object == "s.json, line 3")
        #expect(failure?.cause.hasPrefix(cause) == true, "\(failure?.cause ?? "it was accepted")")
    }

    @Test(arguments: [
        ("", 1), ("[]", 1), ("{}", 1), ("{\"name\": \"s\"}", 1), ("{\"name\": \"s\", \"topology\": {\"nodes\": 0}}", 1),
        ("{\"name\": \"s\",\n\"topology\": {\"nodes\": [\"a\", \"a\"]}}", 2),
        ("{\"name\": \"s\",\n\"topology\": {\n\"nodes\": 3, \"shape\": \"ring\"}}", 3),
        ("{\"name\": \"s\", \"topology\": {\"nodes\": 3}}", 1),
        (
            "{\"name\": \"s\", \"topology\": {\"nodes\": 3}, \"steps\": [\n{\"at\": 2, \"do\": \"heal\"},\n"
                + "{\"at\": 1, \"do\": \"heal\"}]}", 3
        ),
    ]) func `a mistake in the rest is told with its line`(text: String, line: Int) {
        #expect(refusal(text)?.object == "s.json, line \(line)", "\(text)")
    }

    @Test func `the examples are scenarios`() throws {
        for path in try ScenarioFiles.all() { _ = try Scenario.load(path) }
    }
}

@Suite struct NemesisTests {
    private func steps(_ seed: UInt64, _ count: Int = 7) -> [Scenario.Step] {
        var random = Random(seed: seed)
        return Nemesis(lengthMs: 600_000).steps(
            names: Cluster.defaultNames(count), from: 5_000, random: &random)
    }

    @Test func `a seed says all that will happen`() {
        #expect(steps(1) == steps(1))
        #expect(steps(1) != steps(2))
    }

    @Test func `what is broken is mended, a minority at a time, and no node twice`() {
        for seed in 0..<50 {
            var down: [String: Scenario.Action] = [:]
            var cuts = 0
            var kinds: Set<String> = []
            for step in steps(UInt64(seed)) {
                #expect((5_000...605_000).contains(step.atMs))
                kinds.insert(step.action.description.split(separator: " ")[0].description)
                switch step.action {
                case .strike(let node, .killNode), .strike(let node, .terminate), .pause(let node), .snapshot(let node):
                    #expect(down[node] == nil, "seed \(seed): \(node) is struck twice")
                    down[node] = step.action
                    #expect(2 * down.count < 7)
                case .start(let node), .resume(let node), .restoreSnapshot(let node): down[node] = nil
                case .strike(_, .killPostgres): break
                case .partition: cuts += 1
                case .link(let order):
                    if let cut = order.cut { cuts = cut ? cuts + 1 : 0 }
                default: Issue.record("\(step.action) is no fault")
                }
                #expect(cuts <= 1, "one partition at a time")
            }
            #expect(down.isEmpty && cuts == 0)
            #expect(kinds.count > 6)
        }
    }
}

/// `Examples/scenarios` of this package.
enum ScenarioFiles {
    static func all() throws -> [String] {
        var package = URL(filePath: #filePath)
        for _ in 0..<3 { package.deleteLastPathComponent() }
        let place = package.appending(path: "Examples/scenarios").path
        return try FileManager.default.contentsOfDirectory(atPath: place).sorted().map { "\(place)/\($0)" }
    }
}

extension ClusterTests {
    /// The scenario files that operators run, but for the long one.
    @Suite struct ScenarioTests {
        private static func canRun(_ scenario: Scenario) -> Bool {
            let needsClock = scenario.steps.contains { if case .skewClock = $0.action { true } else { false } }
            return (scenario.topology.diskMebibytes == nil || SmallDisk.isPossible) && (!needsClock || Clock.isPossible)
        }

        /// The long ones first, so that none is left to run alone.
        private static let names = [
            "nemesis-short", "retention", "restore", "crashes", "bad-links", "newcomer", "partition", "full-disk",
            "clocks",
        ]

        /// Two at a time, since in a scenario a small machine mostly waits for the time of the next step.
        @Test func `the scenarios hold`() async throws {
            _ = try await forEach(Self.names, atMost: 2) { try await Self.expectHolds($0) }
        }

        private static func expectHolds(_ name: String) async throws {
            let path = try #require(try ScenarioFiles.all().first { $0.hasSuffix("/\(name).json") })
            let scenario = try Scenario.load(path)
            // A machine without the right to mount, or without libfaketime, can still test the rest.
            guard canRun(scenario) else { return }
            try await Place.with { place in
                var options = Rehearsal.Options()
                options.binary = Binary.path
                options.directory = "\(place)/c"
                let report = try await Rehearsal.run(scenario, options)
                let story = report.timeline.map(\.line).joined(separator: "\n")
                #expect(report.isWell, "\(name), seed \(report.seed)\n\(story)")
                #expect(!FileManager.default.fileExists(atPath: "\(place)/c"), "nothing of \(name) is left")
            }
        }

        @Test func `commands cut a running cluster in two and heal it`() async throws {
            try await Place.with { place in
                let dir = ["--dir", "\(place)/c"]
                func cluster(_ words: String...) async throws -> Binary.Outcome {
                    try await Binary.run(program: Binary.path, ["cluster"] + words + dir)
                }
                let up = try await cluster("up", "2", "--json")
                #expect(up.code == 0, "\(up.errors)")
                #expect(try await cluster("partition", "a", ",", "b").code == 0)
                let load = try await cluster("load", "a", "--for", "1s")
                #expect(load.code == 0, "\(load.errors)")
                let apart = try await cluster("status", "--json")
                #expect(apart.code == 1 && apart.output.contains("\"frontiers_equal\":false"), "\(apart.output)")
                let links = try await cluster("links")
                #expect(links.output.split(separator: "\n").count { $0.contains(" cut ") } == 2, "\(links.output)")
                #expect(try await cluster("heal").code == 0)
                try await eventually("both agree") { try await cluster("status").code == 0 }
                #expect(try await cluster("pause", "b").code == 0)
                #expect(try Cluster(existing: "\(place)/c").node("b").isPaused)
                #expect(try await cluster("resume", "b").code == 0)
                let wrong = try await cluster("cut", "--from", "z")
                #expect(wrong.code == 4 && wrong.errors.contains("there is no such node"), "\(wrong.errors)")
                let full = try await cluster("fill-disk", "b")
                #expect(full.code == 4 && full.errors.contains("--disk"), "\(full.errors)")
                let harness = try #require(try Cluster(existing: "\(place)/c").file.harness?.process)
                #expect(harness.isAlive)
                let down = try await cluster("down")
                #expect(down.code == 0, "\(down.errors)")
                #expect(!harness.isAlive && !FileManager.default.fileExists(atPath: "\(place)/c"))
            }
        }

        @Test(.enabled(if: geteuid() == 0 && Namespaces.isPossible, "needs root and network namespaces"))
        func `in network namespaces each node has an address of its own`() async throws {
            try await Place.with { place in
                let cluster = try Cluster(
                    making: .init(network: "test", names: ["a", "b"], binary: Binary.path, hasNamespaces: true),
                    in: "\(place)/c")
                do {
                    try await cluster.up()
                    try await eventually("they know each other") {
                        try await cluster.status().nodes.allSatisfy { $0.connected.count == 1 }
                    }
                    #expect(try await cluster.status().nodes.map(\.listen).allSatisfy { $0.hasPrefix("10.77.") })
                } catch {
                    try await cluster.down()
                    throw error
                }
                let prefix = try #require(try cluster.file.namespaces)
                try await cluster.down()
                #expect(access(Namespaces.path(of: Namespaces.hub(prefix)), F_OK) != 0)
            }
        }
    }
}
