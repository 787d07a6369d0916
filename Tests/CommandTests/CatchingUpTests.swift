import Testing

@testable import shoal

@Suite struct CatchingUpTests {
    private static func look(_ ops: Int, waiting: Int = 0, connected: Int = 2, inStep: Int = 0) -> CatchingUp.Look {
        .init(ops: ops, waiting: waiting, connected: connected, inStep: inStep)
    }

    @Test func `what takes longer than two seconds is told with its count, again later, and at its end`() {
        var state = CatchingUp(name: "west")
        var said: [String?] = []
        for (ms, look) in [
            (0, Self.look(4, connected: 0)), (500, Self.look(4)), (1_000, Self.look(90)),
            (2_500, Self.look(304, waiting: 12)), (3_000, Self.look(400)), (7_400, Self.look(900)),
            (7_500, Self.look(1_004)), (12_500, Self.look(1_004)), (13_500, Self.look(1_004, inStep: 1)),
        ] {
            said.append(state.looked(look, now: .milliseconds(ms)))
        }
        #expect(
            said == [
                nil, nil, nil, "west fetches what the others have: 300 ops applied, 12 wait for what they build on.",
                nil,
                nil, "west fetches what the others have: 1,000 ops applied.", nil,
                "west has what the others have: 1,000 ops in 7.0 s.",
            ])
        #expect(state.isDone)
        #expect(state.looked(Self.look(2_000), now: .seconds(60)) == nil, "it is said once")
    }

    @Test func `what takes no time, and what does not come, is not told`() {
        var quick = CatchingUp(name: "west")
        #expect(quick.looked(Self.look(0), now: .zero) == nil)
        #expect(quick.looked(Self.look(40, inStep: 2), now: .seconds(1)) == nil && quick.isDone)
        var alone = CatchingUp(name: "west")
        for second in 0..<700 { #expect(alone.looked(Self.look(9, connected: 0), now: .seconds(second)) == nil) }
        #expect(!alone.isDone, "others may come")
        // All is there, and the next comparison with a neighbour is to come.
        var even = CatchingUp(name: "west")
        for second in 0..<30 { #expect(even.looked(Self.look(9), now: .seconds(second)) == nil) }
        #expect(even.looked(Self.look(9, inStep: 1), now: .seconds(30)) == nil && even.isDone)
    }

    @Test func `in a network that never rests it becomes quiet, and ends without a word`() {
        var busy = CatchingUp(name: "west")
        var lines = 0
        for second in 0..<1_000 where busy.looked(Self.look(second), now: .seconds(second)) != nil { lines += 1 }
        #expect(busy.isDone && (5...8).contains(lines))
    }
}
