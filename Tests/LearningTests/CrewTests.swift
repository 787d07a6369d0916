import Testing

@testable import Learning

@Suite struct CrewTests {
    @Test(arguments: [1, 2, 5]) func `every index runs once per job, and all are done when it returns`(count: Int) {
        let crew = Crew(count)
        let runs = Buffer<Int>(count)
        var expected = [Int](repeating: 0, count: count)
        for job in 0..<2_000 {
            let active = job % (count + 1)
            crew.run(active) { runs.start[$0] += 1 }
            for index in 0..<active { expected[index] += 1 }
            #expect(Array(UnsafeBufferPointer(start: runs.start, count: count)) == expected)
            // Long enough, now and then, for the threads to fall asleep.
            if job % 500 == 0 { _ = (0..<200_000).reduce(0) { ($0 &* 31) &+ $1 } }
        }
    }

    @Test(arguments: 0...3) func `the caller does the work of threads that it did not get`(available: Int) {
        let crew = Crew(4, available: available)
        let runs = Buffer<Int>(4)
        for active in [4, 2, 3, 1, 4] { crew.run(active) { runs.start[$0] += 1 } }
        #expect((0..<4).map { runs.start[$0] } == [5, 4, 3, 2])
    }

    @Test func `threads end with their crew`() {
        for _ in 0..<50 {
            let crew = Crew(4)
            let sum = Buffer<Int>(4)
            crew.run { sum.start[$0] = $0 }
            #expect((0..<4).reduce(0) { $0 + sum.start[$1] } == 6)
        }
    }
}
