import Identity
import Testing
import Wire

@testable import Daemon

@Suite struct PaceTests {
    private let a = PeerID(Bytes(repeating: 1, count: 32))!
    private let b = PeerID(Bytes(repeating: 2, count: 32))!

    private func at(_ ms: UInt64) -> Instant { Instant(milliseconds: ms) }

    private func mayBegin(_ pace: inout Pace, _ rounds: [PeerID: UInt64], _ now: UInt64) -> Bool {
        pace.mayBegin(rounds: rounds, now: at(now))
    }

    /// Rounds that may begin one after the other, up to 20, while nobody else moves.
    private func free(_ pace: inout Pace, _ rounds: [PeerID: UInt64], _ now: UInt64) -> Int {
        var begun = 0
        while begun < 20, pace.mayBegin(rounds: rounds, now: at(now)) {
            pace.completed(in: 100)
            begun += 1
        }
        return begun
    }

    @Test func `a site that trains alone waits for nobody, whatever others did before`() {
        var pace = Pace()
        #expect(free(&pace, [a: 7, b: 900], 0) == 20)
    }

    @Test func `a site stays two rounds ahead of one that it hears`() {
        var pace = Pace()
        #expect(mayBegin(&pace, [a: 5], 0))
        #expect(free(&pace, [a: 6], 10) == 3, "it has ended its first round")
        #expect(free(&pace, [a: 7], 20) == 1, "each of its rounds lets one begin")
        #expect(free(&pace, [a: 10], 30) == 3)
    }

    @Test func `a site that begins later is waited for until it has caught up, ten rounds at most`() {
        for (lead, expected) in [(5, 5), (30, 10)] {
            var pace = Pace()
            for _ in 0..<lead {
                #expect(mayBegin(&pace, [a: 3], 0))
                pace.completed(in: 100)
            }
            var rounds: UInt64 = 3
            while rounds == 3 || !mayBegin(&pace, [a: rounds], 10) { rounds += 1 }
            #expect(rounds - 3 == UInt64(expected - Pace.lead + 1), "within the lead again")
        }
    }

    @Test func `the slowest of those that train sets the pace`() {
        var pace = Pace()
        #expect(mayBegin(&pace, [a: 0, b: 0], 0))
        #expect(free(&pace, [a: 1, b: 1], 10) == 3)
        #expect(free(&pace, [a: 9, b: 2], 20) == 1)
    }

    @Test func `who falls silent is not waited for, and counts again when it is heard`() {
        var pace = Pace()
        #expect(mayBegin(&pace, [a: 0], 0))
        #expect(free(&pace, [a: 1], 0) == 3)
        #expect(!mayBegin(&pace, [a: 1], Pace.patienceMs - 1))
        #expect(free(&pace, [a: 1], Pace.patienceMs) == 20)
        #expect(free(&pace, [a: 2], 9_000) == 2, "from where both stand now")
    }

    @Test func `slow rounds are waited for longer`() {
        var pace = Pace()
        #expect(mayBegin(&pace, [a: 0], 0))
        for _ in 0..<3 {
            #expect(mayBegin(&pace, [a: 1], 0))
            pace.completed(in: 5_000)
        }
        #expect(!mayBegin(&pace, [a: 1], 14_999))
        #expect(mayBegin(&pace, [a: 1], 15_000))
    }
}
