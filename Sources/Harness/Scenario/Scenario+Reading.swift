internal import Site
public import Terminal
public import Wire

/// Scenario files. Every mistake is told with its line and field before anything starts.
extension Scenario {
    static let maxFileBytes = 1 << 20

    public static func load(_ path: String) throws(Failure) -> Scenario {
        let bytes: Bytes
        do throws(SiteError) {
            bytes = try Files.read(path, limit: maxFileBytes)
        } catch {
            throw Failure("cluster run", path, error.cause, remedy: error.remedy, exit: .unreachable)
        }
        return try Scenario(parsing: bytes, path: path)
    }

    public init(parsing bytes: Bytes, path: String) throws(Failure) {
        let root: StrictJSON
        do {
            root = try StrictJSON(parsing: bytes)
        } catch {
            throw ScenarioFields.failure(path, error.line, error.cause)
        }
        let fields = try ScenarioFields(
            root, path: path, line: 1, known: ["name", "about", "seed", "topology", "steps", "expect"])
        name = try fields.required("name", fields.text("name"))
        about = try fields.text("about") ?? ""
        seed = try fields.integer("seed", 0...1 << 53)
        topology = try Self.setting(fields)
        var known = topology.names
        var steps: [Step] = []
        for object in try fields.objects("steps", known: Word.fields) {
            let step = try Step(object, nodes: &known)
            if let last = steps.last, last.atMs > step.atMs {
                throw object.failure("it comes before the step above it", at: "at")
            }
            steps.append(step)
        }
        self.steps = steps
        var expectations: [Expectation] = []
        for object in try fields.objects("expect", known: Expectation.fields) {
            expectations.append(try Expectation(object, nodes: known))
        }
        self.expectations = expectations
        guard !steps.isEmpty || !expectations.isEmpty else { throw fields.failure("nothing happens in it") }
    }

    private static func setting(_ fields: ScenarioFields) throws(Failure) -> Setting {
        let known = ["nodes", "shape", "trains", "retention", "sums_every", "dim", "disk_mib", "netns", "links"]
        guard let object = try fields.object("topology", known: known) else {
            throw fields.failure("the field \"topology\" is missing")
        }
        var setting = Setting(names: try names(object))
        setting.shape = try object.choice("shape", Topology.self) ?? .full
        setting.trains = try object.flag("trains") ?? false
        setting.settings.retention = try object.integer("retention", 0...36_500)
        setting.settings.sumsEvery = try object.integer("sums_every", 2...4_096)
        setting.dim = try object.integer("dim", 8...128) ?? setting.dim
        setting.diskMebibytes = try object.integer("disk_mib", 128...65_536)
        setting.hasNamespaces = try object.flag("netns") ?? false
        if let links = try object.object("links", known: LinkOrder.qualities) {
            setting.links = try LinkOrder(links, from: [], to: [])
        }
        return setting
    }

    private static func names(_ fields: ScenarioFields) throws(Failure) -> [String] {
        if case .number = fields.field("nodes")?.value {
            return Cluster.defaultNames(try fields.integer("nodes", 1...64)!)
        }
        let names = try fields.required("nodes", fields.texts("nodes"))
        guard (1...64).contains(names.count), Set(names).count == names.count,
            names.allSatisfy({ SiteName($0) != nil })
        else { throw fields.wrong("nodes", "1 to 64 different names of letters, digits and . _ -, or how many") }
        return names
    }
}

/// The words of a step's `do`.
private enum Word: String, CaseIterable {
    case load, kill, stop, start, pause, resume, partition, cut, heal, link, stall, reset, snapshot, add, nemesis,
        expect
    case endLoad = "end-load"
    case killPostgres = "kill-postgres"
    case restoreSnapshot = "restore-snapshot"
    case fillDisk = "fill-disk"
    case freeDisk = "free-disk"
    case skewClock = "skew-clock"

    /// Fields of a step, whatever it does.
    static let fields =
        [
            "at", "do", "node", "nodes", "groups", "from", "to", "via", "rounds", "every", "seconds", "leaving_mib",
            "faults",
        ]
        + LinkOrder.qualities + Scenario.Expectation.fields
}

extension Scenario.Step {
    /// - Parameter nodes: the names that there are; a step that adds one adds its name.
    fileprivate init(_ fields: ScenarioFields, nodes: inout [String]) throws(Failure) {
        atMs = try fields.required("at", fields.milliseconds("at"))
        let word = try fields.required("do", fields.choice("do", Word.self))
        if word == .add {
            let name = try fields.required("node", fields.text("node"))
            guard !nodes.contains(name), SiteName(name) != nil else { throw fields.wrong("node", "a new name") }
            action = .add(name, via: try fields.known("via", in: nodes) ?? nodes[0])
            nodes.append(name)
        } else {
            action = try Scenario.Action(word, fields, nodes)
        }
    }
}

extension Scenario.Action {
    fileprivate init(_ word: Word, _ fields: ScenarioFields, _ nodes: [String]) throws(Failure) {
        func node() throws(Failure) -> String { try fields.required("node", fields.known("node", in: nodes)) }
        func order() throws(Failure) -> LinkOrder {
            try LinkOrder(
                fields, from: fields.allKnown("from", in: nodes) ?? [], to: fields.allKnown("to", in: nodes) ?? [])
        }
        switch word {
        case .load:
            self = .load(
                nodes: try fields.allKnown("nodes", in: nodes) ?? [],
                rounds: try fields.integer("rounds", 1...10_000) ?? 5,
                everyMs: try fields.milliseconds("every") ?? 1_000)
        case .endLoad: self = .endLoad
        case .kill: self = .strike(try node(), .killNode)
        case .killPostgres: self = .strike(try node(), .killPostgres)
        case .stop: self = .strike(try node(), .terminate)
        case .start: self = .start(try node())
        case .pause: self = .pause(try node())
        case .resume: self = .resume(try node())
        case .partition:
            let groups = try fields.required("groups", fields.groups("groups"))
            guard groups.count > 1, groups.joined().allSatisfy(nodes.contains) else {
                throw fields.wrong("groups", "two or more lists of names of nodes")
            }
            self = .partition(groups)
        case .cut, .heal:
            var order = try order()
            order.cut = word == .cut
            self = .link(order)
        case .stall:
            var order = try order()
            order.stallMs = try fields.required("seconds", fields.milliseconds("seconds"))
            self = .link(order)
        case .reset:
            var order = try order()
            order.reset = true
            self = .link(order)
        case .link: self = .link(try order())
        case .snapshot: self = .snapshot(try node())
        case .restoreSnapshot: self = .restoreSnapshot(try node())
        case .fillDisk: self = .fillDisk(try node(), leaving: try fields.integer("leaving_mib", 0...65_536) ?? 24)
        case .freeDisk: self = .freeDisk(try node())
        case .skewClock:
            self = .skewClock(
                try node(), seconds: try fields.required("seconds", fields.integer("seconds", -31_536_000...31_536_000))
            )
        case .add: preconditionFailure("the step reads this itself")
        case .nemesis: self = .nemesis(try Nemesis(fields))
        case .expect: self = .expect(try Scenario.Expectation(fields, nodes: nodes))
        }
    }
}

extension Nemesis {
    fileprivate init(_ fields: ScenarioFields) throws(Failure) {
        self.init(lengthMs: try fields.required("seconds", fields.milliseconds("seconds")))
        everyMs = max(try fields.milliseconds("every") ?? everyMs, 100)
        if let words = try fields.texts("faults") {
            faults = words.compactMap(Fault.init(rawValue:))
            guard faults.count == words.count, !faults.isEmpty else {
                throw fields.wrong("faults", "a list of \(ScenarioFields.listed(Fault.self))")
            }
        }
    }
}

extension Scenario.Expectation {
    private enum Word: String, CaseIterable {
        case agree, ended, ops, spared
        case nothingLost = "nothing-lost"
        case wholeLogs = "whole-logs"
    }

    fileprivate static let fields = ["what", "within", "node", "at_least"]

    fileprivate init(_ fields: ScenarioFields, nodes: [String]) throws(Failure) {
        let patience = try fields.milliseconds("within") ?? 60_000
        switch try fields.required("what", fields.choice("what", Word.self)) {
        case .agree: self = .agree(withinMs: patience)
        case .spared:
            self = .spared(
                try fields.required("node", fields.known("node", in: nodes)),
                bytes: try fields.required("at_least", fields.integer("at_least", 1...1 << 40)), withinMs: patience)
        case .ended:
            self = .ended(try fields.required("node", fields.known("node", in: nodes)), withinMs: patience)
        case .ops:
            self = .ops(
                atLeast: try fields.required("at_least", fields.integer("at_least", 1...1 << 40)), withinMs: patience)
        case .nothingLost: self = .nothingLost
        case .wholeLogs: self = .wholeLogs
        }
    }
}

extension LinkOrder {
    fileprivate static let qualities = ["latency_ms", "jitter_ms", "bytes_per_second", "slice_bytes"]

    fileprivate init(_ fields: ScenarioFields, from: [String], to: [String]) throws(Failure) {
        self.init(from: from, to: to)
        latencyMs = try fields.integer("latency_ms", 0...60_000)
        jitterMs = try fields.integer("jitter_ms", 0...60_000)
        bytesPerSecond = try fields.integer("bytes_per_second", 0...1 << 40)
        sliceBytes = try fields.integer("slice_bytes", 0...1 << 20)
    }
}

extension ScenarioFields {
    /// The name of a node that there is.
    fileprivate func known(_ key: String, in nodes: [String]) throws(Failure) -> String? {
        guard let name = try text(key) else { return nil }
        guard nodes.contains(name) else { throw wrong(key, "a node of the topology: \(nodes.joined(separator: ", "))") }
        return name
    }

    fileprivate func allKnown(_ key: String, in nodes: [String]) throws(Failure) -> [String]? {
        guard let names = try texts(key) else { return nil }
        guard names.allSatisfy(nodes.contains) else {
            throw wrong(key, "nodes of the topology: \(nodes.joined(separator: ", "))")
        }
        return names
    }
}
