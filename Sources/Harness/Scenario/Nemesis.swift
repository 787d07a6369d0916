public import Wire

/// Faults at random for a while, each of which is over in the end.
///
/// ``steps(names:from:random:)`` is a pure function: a seed says all that will happen.
public struct Nemesis: Sendable, Equatable {
    public enum Fault: String, Sendable, CaseIterable {
        /// kill -9, and a start later.
        case kill
        /// An orderly stop, and a start later.
        case stop
        /// kill -9 of its PostgreSQL.
        case postgres
        case pause
        /// Two groups that do not hear each other.
        case partition
        /// One node that is heard by nobody, and hears all.
        case mute
        /// Its database is put back to how it was some seconds before.
        case restore
        /// Its connections end.
        case reset
        /// Nothing it sends arrives for some seconds.
        case stall
        /// It is far away for some seconds.
        case slow
    }

    public var lengthMs: Int
    /// Between the beginnings of two faults, on average.
    public var everyMs: Int
    public var faults: [Fault]

    public init(lengthMs: Int, everyMs: Int = 6_000, faults: [Fault] = Fault.allCases) {
        self.lengthMs = lengthMs
        self.everyMs = everyMs
        self.faults = faults
    }

    /// What happens to the nodes.
    ///
    /// At most a minority is down, paused or set back at a time, and no node twice; one partition at a time.
    ///
    /// - Parameters:
    ///   - start: milliseconds; times of the steps lie between this and the end of the nemesis.
    ///   - usual: what a link is like when nothing is wrong with it.
    public func steps(
        names: [String], from start: Int, usual: LinkOrder = LinkOrder(), random: inout Random
    ) -> [Scenario.Step] {
        var steps: [Scenario.Step] = []
        let end = start + lengthMs
        /// Until when a node is struck; under no name: the network.
        var busy: [String: Int] = [:]
        var now = start
        while true {
            now += everyMs / 2 + random.below(max(everyMs, 1))
            let until = now + everyMs / 2 + random.below(max(2 * everyMs, 1))
            guard until < end else { break }
            let fault = faults[random.below(faults.count)]
            let free = names.filter { busy[$0, default: 0] <= now }
            let node = free.isEmpty ? nil : free[random.below(free.count)]
            switch fault {
            case .partition, .mute:
                let groups = fault == .mute ? [] : Self.halves(of: names, &random)
                guard busy["", default: 0] <= now, let node else { continue }
                busy[""] = until
                steps += Self.partition(groups, or: node, now, until)
            case .reset, .stall, .slow, .postgres:
                guard let node else { continue }
                if fault == .postgres { busy[node] = now + everyMs }
                steps += Self.passing(fault, node, now, until, 20 + random.below(280), usual)
            case .kill, .stop, .pause, .restore:
                let struck = names.count { busy[$0, default: 0] > now }
                guard let node, 2 * (struck + 1) < names.count else { continue }
                // A start, and the end of a database before it, takes its time.
                busy[node] = until + everyMs
                steps += Self.lasting(fault, node, now, until)
            }
        }
        // Stable: what begins first at a time stays first.
        return steps.enumerated().sorted { ($0.element.atMs, $0.offset) < ($1.element.atMs, $1.offset) }.map(\.element)
    }

    private static func halves(of names: [String], _ random: inout Random) -> [[String]] {
        var mixed = names
        random.shuffle(&mixed)
        let size = 1 + random.below(max(names.count - 1, 1))
        return [Array(mixed.prefix(size)).sorted(), Array(mixed.dropFirst(size)).sorted()]
    }

    private static func partition(_ groups: [[String]], or node: String, _ now: Int, _ until: Int) -> [Scenario.Step] {
        var mute = LinkOrder(from: [node])
        mute.cut = true
        var heal = LinkOrder()
        heal.cut = false
        return [
            .init(atMs: now, action: groups.isEmpty ? .link(mute) : .partition(groups)),
            .init(atMs: until, action: .link(heal)),
        ]
    }

    private static func passing(
        _ fault: Fault, _ node: String, _ now: Int, _ until: Int, _ latencyMs: Int, _ usual: LinkOrder
    ) -> [Scenario.Step] {
        var order = LinkOrder(from: [node])
        switch fault {
        case .reset: order.reset = true
        case .stall: order.stallMs = until - now
        case .slow:
            var back = order
            (order.latencyMs, order.jitterMs) = (latencyMs, latencyMs / 2)
            (back.latencyMs, back.jitterMs) = (usual.latencyMs ?? 0, usual.jitterMs ?? 0)
            return [.init(atMs: now, action: .link(order)), .init(atMs: until, action: .link(back))]
        case .kill, .stop, .postgres, .pause, .partition, .mute, .restore:
            return [.init(atMs: now, action: .strike(node, .killPostgres))]
        }
        return [.init(atMs: now, action: .link(order))]
    }

    private static func lasting(_ fault: Fault, _ node: String, _ now: Int, _ until: Int) -> [Scenario.Step] {
        let (begin, end): (Scenario.Action, Scenario.Action) =
            switch fault {
            case .pause: (.pause(node), .resume(node))
            case .restore: (.snapshot(node), .restoreSnapshot(node))
            case .stop: (.strike(node, .terminate), .start(node))
            case .kill, .postgres, .partition, .mute, .reset, .stall, .slow: (.strike(node, .killNode), .start(node))
            }
        return [.init(atMs: now, action: begin), .init(atMs: until, action: end)]
    }
}
