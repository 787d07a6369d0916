import API
import Storage
import Testing

@testable import Daemon

@Suite struct LastKnownTests {
    @Test func `a database is asked once a second, at once when the graph changed, and what was known outlasts it`()
        async throws
    {
        let known = LastKnown()
        let start = ContinuousClock.now
        var asked = 0
        func facts(age: Int, after ms: Int, isAway: Bool = false) async throws -> (nodes: Int, isCurrent: Bool) {
            let (facts, isCurrent) = try await known.facts(
                age: age, now: start + .milliseconds(ms),
                graph: {
                    asked += 1
                    return isAway ? nil : GraphReport(nodes: asked, edges: 0, relations: 0, valid: 0, test: 0)
                }, bytes: { 7 }, models: { [] })
            return (facts.graph.nodes, isCurrent)
        }
        #expect(try await facts(age: 1, after: 0) == (1, true))
        #expect(try await facts(age: 1, after: 999) == (1, true), "still good")
        #expect(try await facts(age: 2, after: 999) == (2, true), "another graph")
        #expect(try await facts(age: 2, after: 2_000) == (3, true), "a second has passed")
        #expect(try await facts(age: 2, after: 3_100, isAway: true) == (3, false))
        #expect(try await facts(age: 2, after: 3_101) == (5, true), "asked again at once")
    }

    @Test func `where the bytes are is asked for a hundredth of the time, and not more than once a second`()
        async throws
    {
        let known = LastKnown()
        let start = ContinuousClock.now
        var asked = 0
        func bodies(after ms: Int, taking cost: Int = 0, isAway: Bool = false) async throws -> Int {
            try await known.disk(now: start + .milliseconds(ms)) {
                asked += 1
                if cost > 0 { try await Task.sleep(for: .milliseconds(cost)) }
                var use = OpStore.DiskUse()
                use.bodies = asked
                return isAway ? nil : use
            }.bodies
        }
        #expect(try await bodies(after: 0, isAway: true) == 0)
        #expect(try await bodies(after: 1, taking: 30) == 2, "asked again at once")
        #expect(try await bodies(after: 3_000) == 2, "thirty milliseconds are worth three seconds")
        #expect(try await bodies(after: 3_600_000, isAway: true) == 2, "what was known outlasts the database")
        #expect(try await bodies(after: 7_200_000) == 4)
        #expect(try await bodies(after: 7_200_999) == 4, "still good")
    }
}
