import Identity
import Testing
import Wire

@testable import Daemon

/// A schedule with a clock that the test turns.
private struct Played {
    typealias Schedule = TrainerSchedule
    let a: ModelID = blake2b256(domain: "test/model", [1])
    let b: ModelID = blake2b256(domain: "test/model", [2])
    let other: PeerID = blake2b256(domain: "test/peer", [1])
    var schedule: Schedule
    var ms: UInt64 = 0
    var minute = 12 * 60
    /// What began as the work before it ended.
    private var begun: (work: Schedule.Work, rounds: Int)?
    let graph = GraphPrint(edges: 100, sum: 7)

    init(hours: String? = nil) { schedule = Schedule(hours: hours.flatMap(TrainHours.init)) }

    var time: Schedule.Time { .init(now: Instant(milliseconds: ms), minuteOfDay: minute) }

    mutating func appears(_ id: ModelID, _ standing: Schedule.Standing? = nil) -> [Schedule.Effect] {
        schedule.appeared(id, standing, time)
    }

    mutating func after(_ milliseconds: UInt64) -> [Schedule.Effect] {
        ms += milliseconds
        return schedule.woke(time)
    }

    mutating func ends(
        _ id: ModelID, before: Double?, after: Double?, milliseconds: UInt64 = 100
    ) -> [Schedule.Effect] {
        let outcome = Schedule.Outcome.finished(before: before, after: after, milliseconds: milliseconds)
        let effects = schedule.ended(id, outcome, time)
        begun = effects.lazy.compactMap(\.started).first
        return effects
    }

    /// Lets time pass until something begins, or nothing will; what began, and how long that took.
    mutating func next() -> (work: Schedule.Work, waitedMs: UInt64, rounds: Int)? {
        let begin = ms
        if let (work, rounds) = begun {
            begun = nil
            return (work, 0, rounds)
        }
        for _ in 0..<50 {
            let effects = schedule.woke(time)
            if let (work, rounds) = effects.lazy.compactMap(\.started).first { return (work, ms - begin, rounds) }
            guard case .wake(let instant)? = effects.last else { return nil }
            ms = instant.milliseconds
        }
        return nil
    }

    /// A model at rest, with the best MRR so far.
    mutating func settled(at best: Double) {
        _ = schedule.graphChanged(to: graph, time)
        _ = appears(a, Schedule.Standing(wanted: nil, best: best, trained: graph))
        // After a start it looks at what came meanwhile.
        #expect(next()?.work == .measure)
        _ = ends(a, before: best, after: best)
        #expect(next() == nil)
    }
}

extension TrainerSchedule.Effect {
    fileprivate var work: TrainerSchedule.Work? { started?.work }
    /// With the rounds that a correction has.
    fileprivate var started: (work: TrainerSchedule.Work, rounds: Int)? {
        if case .start(_, let work, let done, _) = self { (work, TrainerSchedule.correction - done) } else { nil }
    }
}

@Suite struct TrainerScheduleTests {
    @Test func `a new model is learned once the node has found its peers, and adapted when that is done`() {
        var played = Played()
        #expect(played.schedule.graphChanged(to: played.graph, played.time) == [])
        #expect(played.appears(played.a) == [.wake(at: Instant(milliseconds: 3_000))])
        #expect(played.after(3_000) == [.start(played.a, .learn, rounds: 0, course: 1)])
        let kept = played.ends(played.a, before: 0.1, after: 0.8)
        #expect(kept.count == 2 && kept[1] == .wake(at: Instant(milliseconds: 5_000)))
        #expect(played.next()?.work == .correct)
        _ = played.ends(played.a, before: 0.8, after: 0.8)
        #expect(played.next()?.work == .adapt)
    }

    @Test func `a graph without an edge asks for nothing`() {
        var played = Played()
        #expect(played.appears(played.a) == [])
        #expect(played.schedule.opsArrived([played.other: 1], played.time) == [])
        #expect(played.schedule.graphChanged(to: .empty, played.time) == [])
    }

    @Test func `after its course a site goes on gently while that improves, and then rests`() {
        var played = Played()
        _ = played.schedule.graphChanged(to: played.graph, played.time)
        _ = played.appears(played.a)
        _ = played.next()
        _ = played.ends(played.a, before: 0.1, after: 0.8)
        var score = 0.8
        var done: [TrainerSchedule.Work] = []
        while let work = played.next()?.work, done.count < 20 {
            done.append(work)
            let before = score
            if work == .correct { score += score < 0.82 ? 0.01 : 0.001 }
            _ = played.ends(played.a, before: before, after: score)
        }
        #expect(done.filter { $0 == .correct }.count == 3, "twice better, once not")
        #expect(done.last == .adapt && played.schedule.standing(played.a)?.wanted == nil)
        #expect(
            (0...9).map { TrainerSchedule.restMs(after: $0) } == [
                15_000, 30_000, 60_000, 120_000, 240_000, 480_000, 960_000, 1_920_000, 3_600_000, 3_600_000,
            ])
        #expect(TrainerSchedule.restMs(after: .max) == TrainerSchedule.longestRestMs)
    }

    @Test func `what others send is measured, and if nothing fell, adapted to once they are silent`() {
        var played = Played()
        played.settled(at: 0.9)
        for _ in 0..<5 {
            _ = played.schedule.opsArrived([played.other: 1], played.time)
            played.ms += 100
        }
        #expect(played.next()?.work == .measure)
        _ = played.ends(played.a, before: 0.895, after: 0.895)
        #expect(played.next()?.work == .adapt)
        _ = played.ends(played.a, before: 0.895, after: 0.91)
        #expect(played.next() == nil, "and then the site rests")
    }

    @Test func `a site whose facts fade answers at once, until they are back`() {
        var played = Played()
        played.settled(at: 0.9)
        _ = played.schedule.opsArrived([played.other: 20], played.time)
        let first = played.next()
        #expect(first?.work == .measure && first?.waitedMs == TrainerSchedule.hearMs)
        _ = played.ends(played.a, before: 0.8, after: 0.8)
        for (before, after) in [(0.8, 0.85), (0.85, 0.895)] {
            let next = played.next()
            #expect(next?.work == .correct && next?.waitedMs == 0)
            _ = played.ends(played.a, before: before, after: after)
        }
        #expect(played.next()?.work == .adapt)
    }

    @Test
    func `a site goes on while it gets better than ever, gives others a moment, and then waits longer and longer`() {
        var played = Played()
        played.settled(at: 0.9)
        _ = played.schedule.opsArrived([played.other: 1], played.time)
        _ = played.next()
        _ = played.ends(played.a, before: 0.92, after: 0.92)
        var waits: [UInt64] = []
        for after in [0.93, 0.94, 0.91, 0.92, 0.925, 0.92] {
            while let (work, waited, _) = played.next() {
                if work == .correct {
                    waits.append(waited)
                    break
                }
                _ = played.ends(played.a, before: 0.8, after: 0.8)
            }
            _ = played.ends(played.a, before: 0.88, after: after)
        }
        #expect(waits.prefix(2) == [2_000, 2_000])
        #expect(waits.count == 6)
        #expect(zip(waits.dropFirst(2), waits.dropFirst(3)).allSatisfy { $0 <= $1 })
    }

    @Test func `a site that was heard is answered with fewer rounds, by each of the others`() {
        var played = Played()
        let third: PeerID = blake2b256(domain: "test/peer", [2])
        played.settled(at: 0.9)
        // Two at the same time count as one: their answers are not to grow.
        _ = played.schedule.opsArrived([played.other: 6, third: 4], played.time)
        _ = played.schedule.opsArrived([played.other: 4, third: 6], played.time)
        #expect(played.next()?.work == .measure)
        _ = played.ends(played.a, before: 0.8, after: 0.8)
        var rounds: [Int] = []
        for _ in 0..<10 {
            guard let next = played.next(), next.waitedMs < 5_000 else { break }
            if next.work == .correct { rounds.append(next.rounds) }
            // Against others who go on at full rate nothing is gained.
            _ = played.ends(played.a, before: 0.8, after: 0.79)
        }
        #expect(rounds == [5, 2], "seven for ten")
    }

    @Test func `what nobody takes away and nothing brings back is no longer asked for`() {
        var played = Played()
        played.settled(at: 0.9)
        _ = played.schedule.opsArrived([played.other: 1], played.time)
        _ = played.next()
        _ = played.ends(played.a, before: 0.8, after: 0.8)
        #expect(played.next()?.work == .correct)
        _ = played.ends(played.a, before: 0.8, after: 0.8)
        #expect(played.schedule.standing(played.a)?.best == 0.8)
        #expect(played.next()?.work == .adapt)
        _ = played.ends(played.a, before: 0.8, after: 0.88)
        #expect(played.next() == nil)
    }

    /// What the corrections of a site do to the others.
    enum Effect: CaseIterable { case nothing, takesAsMuchAsItGives, lottery }

    @Test(arguments: Effect.allCases)
    func `sites that hear each other come to rest, whatever they do to each other`(effect: Effect) {
        var random = Random(seed: 3)
        var sites = [Played(), Played(), Played()]
        var scores = [0.9, 0.8, 0.8]
        for site in sites.indices { sites[site].settled(at: 0.9) }
        let names: [PeerID] = (0..<3).map { blake2b256(domain: "test/peer", [$0]) }
        for site in [1, 2] { _ = sites[site].schedule.opsArrived([names[0]: 40], sites[site].time) }
        var rounds = 0
        var isResting = false
        for _ in 0..<10_000 where !isResting {
            isResting = true
            // The one whose clock is behind goes first: time passes for all.
            for site in sites.indices.sorted(by: { sites[$0].ms < sites[$1].ms }) {
                guard let (work, _, sent) = sites[site].next() else { continue }
                isResting = false
                let before = scores[site]
                if work == .correct {
                    rounds += sent
                    for other in sites.indices where other != site {
                        sites[other].ms = max(sites[other].ms, sites[site].ms)
                        _ = sites[other].schedule.opsArrived([names[site]: sent], sites[other].time)
                    }
                    switch effect {
                    case .nothing: break
                    case .takesAsMuchAsItGives:
                        for other in sites.indices { scores[other] = other == site ? 0.9 : 0.8 }
                    case .lottery: scores[site] = 0.7 + 0.2 * random.unit()
                    }
                }
                _ = sites[site].ends(sites[site].a, before: before, after: scores[site])
            }
        }
        #expect(isResting)
        #expect(rounds < 1_000)
    }

    @Test func `what a person asks for goes first, and then the site measures`() {
        var played = Played()
        _ = played.schedule.graphChanged(to: played.graph, played.time)
        _ = played.appears(played.a)
        #expect(played.next()?.work == .learn)
        #expect(played.schedule.explicitBegan(played.time) == [.cancel])
        #expect(played.schedule.explicitBegan(played.time) == [], "it is ending already")
        let kept = played.schedule.ended(played.a, .stopped(rounds: 7), played.time)
        #expect(kept.count == 1 && kept[0].work == nil)
        #expect(played.after(100_000) == [])
        _ = played.schedule.explicitEnded(nil, played.time)
        #expect(played.schedule.explicitEnded(played.a, played.time).last?.work == .measure)
        _ = played.ends(played.a, before: 0.9, after: 0.9)
        #expect(played.next()?.work == .adapt, "its course is done by now")
    }

    @Test func `a course that was stopped goes on where it was`() {
        var played = Played()
        _ = played.schedule.graphChanged(to: played.graph, played.time)
        _ = played.appears(played.a)
        _ = played.next()
        #expect(played.schedule.progressed(played.a, rounds: 5).count == 1)
        #expect(played.schedule.progressed(played.a, rounds: 5) == [], "nothing new to keep")
        _ = played.schedule.explicitBegan(played.time)
        _ = played.schedule.ended(played.a, .stopped(rounds: 7), played.time)
        let effects = played.schedule.explicitEnded(nil, played.time)
        #expect(effects == [.start(played.a, .learn, rounds: 7, course: 2)])
    }

    @Test func `a restart goes on with what was kept, and with a graph that changed meanwhile`() throws {
        var standing = TrainerSchedule.Standing()
        standing.wanted = .learn
        standing.rounds = 21
        standing.best = 0.5
        standing.failures = 2
        standing.courses = 9
        standing.wantsAdapting = true
        let read = try TrainerSchedule.Standing(bytes: standing.bytes)
        #expect(read == standing)
        for length in 0..<standing.bytes.count {
            #expect(throws: CBORError.self) {
                try TrainerSchedule.Standing(bytes: Bytes(standing.bytes.prefix(length)))
            }
        }
        for (edges, work) in [(98, TrainerSchedule.Work.refresh), (50, .learn)] {
            var played = Played()
            _ = played.schedule.graphChanged(to: played.graph, played.time)
            var known = read
            known.trained = GraphPrint(edges: edges, sum: 1)
            known.wanted = nil
            _ = played.appears(played.a, known)
            #expect(played.next()?.work == work, "of a hundred edges \(100 - edges) are new")
        }
    }

    @Test func `an import in the middle of a course begins the course anew`() {
        var played = Played()
        _ = played.schedule.graphChanged(to: played.graph, played.time)
        _ = played.appears(played.a)
        _ = played.next()
        #expect(played.schedule.graphChanged(to: GraphPrint(edges: 200, sum: 1), played.time).first == .cancel)
        _ = played.schedule.ended(played.a, .stopped(rounds: 7), played.time)
        let next = played.after(TrainerSchedule.quietMs)
        #expect(next == [.start(played.a, .learn, rounds: 0, course: 2)])
    }

    @Test func `models take turns`() {
        var played = Played()
        _ = played.schedule.graphChanged(to: played.graph, played.time)
        _ = played.appears(played.a)
        _ = played.appears(played.b)
        var order: [ModelID] = []
        for _ in 0..<6 {
            guard let work = played.next()?.work else { break }
            let id = played.schedule.doing(played.a) != nil ? played.a : played.b
            order.append(id)
            _ = played.ends(id, before: 0.1, after: work == .adapt ? 0.1 : 0.1)
        }
        #expect(order.prefix(2) == [played.a, played.b] || order.prefix(2) == [played.b, played.a])
        #expect(Set(order).count == 2)
    }

    @Test func `a failed course is tried again later, a deleted model never`() {
        var played = Played()
        _ = played.schedule.graphChanged(to: played.graph, played.time)
        _ = played.appears(played.a)
        _ = played.next()
        _ = played.schedule.ended(played.a, .failed, played.time)
        let again = played.next()
        #expect(again?.work == .learn && again?.waitedMs == 30_000)
        #expect(played.schedule.ended(played.a, .gone, played.time) == [])
        #expect(played.next() == nil && played.schedule.known == [])
        _ = played.appears(played.b)
        _ = played.next()
        #expect(played.schedule.vanished(played.b, played.time) == [.cancel])
        #expect(played.schedule.ended(played.b, .stopped(rounds: 1), played.time) == [])
    }

    @Test func `outside its hours a node does not train by itself`() {
        var played = Played(hours: "22-6")
        _ = played.schedule.graphChanged(to: played.graph, played.time)
        #expect(played.appears(played.a) == [.wake(at: Instant(milliseconds: 600 * 60_000))])
        played.minute = 22 * 60
        #expect(
            played.after(600 * 60_000) == [
                .start(played.a, .learn, rounds: 0, course: 1), .wake(at: Instant(milliseconds: 1_080 * 60_000)),
            ])
        played.minute = 6 * 60
        #expect(
            played.after(480 * 60_000) == [.cancel, .wake(at: Instant(milliseconds: (1_080 + 960) * 60_000))],
            "it stops when they end, and looks again when they begin")
    }
}

@Suite struct TrainHoursTests {
    @Test(arguments: [
        ("22-6", "22:00-06:00"), ("22:30-06:15", "22:30-06:15"), ("0-24", nil), ("6-6", nil), ("0-12", "00:00-12:00"),
        ("8-24", "08:00-00:00"), ("25-3", nil), ("1:60-2", nil), ("1", nil), ("", nil), ("1-2-3", nil), ("-1-4", nil),
        ("001-4", nil), ("1:2:3-4", nil),
    ])
    func `two different times of day are a span`(text: String, read: String?) {
        #expect(TrainHours(text)?.description == read)
    }

    @Test func `a span may go over midnight`() throws {
        let night = try #require(TrainHours("22-6"))
        #expect([0, 5 * 60 + 59, 22 * 60, 23 * 60].allSatisfy { night.contains($0) })
        #expect(![6 * 60, 12 * 60, 22 * 60 - 1].contains { night.contains($0) })
        #expect(night.minutesUntilOpen(from: 21 * 60) == 60 && night.minutesUntilClose(from: 23 * 60) == 7 * 60)
        let day = try #require(TrainHours("8-17"))
        #expect(day.contains(8 * 60) && !day.contains(17 * 60) && !day.contains(0))
    }
}
