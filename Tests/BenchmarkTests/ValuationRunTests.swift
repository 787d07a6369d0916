import Benchmark
import FoundationEssentials
import Learning
import Testing

@Suite struct ValuationRunTests {
    /// The three sites that `shoal demo` brings along: they share relations and differ in facts.
    private static let data = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Sources/DemoData/umls-shared3").path

    private func plan(_ seeds: ClosedRange<UInt64>) throws -> ValuationPlan {
        var plan = ValuationPlan(shape: try ModelShape(dim: 16, heads: 2, layers: 1, context: 8))
        plan.seeds = seeds
        return plan
    }

    @Test func `honest claims are worth something, and poison is not`() throws {
        let data = try QualityData(folder: Self.data)
        var told: [Int] = []
        let report = try ValuationRun(data, try plan(2_001...2_002)).run { told.append($0) }
        #expect(told == [1, 2])
        #expect(report.rows.map(\.conduct) == Conduct.allCases)
        #expect(report.rows.allSatisfy { $0.claims == 2 && $0.undecided == 0 })
        let honest = try #require(report.rows.first)
        #expect(honest.negative == 0 && report.poisonRefused == 1)
        for poison in report.rows.dropFirst() {
            #expect(poison.positive == 0 && poison.zero + poison.negative == 2)
            #expect(poison.share < honest.share)
        }
    }

    @Test func `the same seed gives the same numbers`() throws {
        let data = try QualityData(folder: Self.data)
        let first = try ValuationRun(data, try plan(2_003...2_003)).run { _ in }
        let again = try ValuationRun(data, try plan(2_003...2_003)).run { _ in }
        #expect(again.rows.map(\.gain) == first.rows.map(\.gain))
        #expect(again.rows.map(\.share) == first.rows.map(\.share))
    }

    @Test func `electors without enough held-out facts abstain`() throws {
        let folder = try Folder.ring(nodes: 18, sites: 2)
        let report = try ValuationRun(try QualityData(folder: folder.path), try plan(1...1)).run { _ in }
        #expect(report.rows.allSatisfy { $0.undecided == 1 && $0.gain.isEmpty })
    }

    @Test func `one site alone has nobody to measure it`() throws {
        let folder = try Folder.ring(nodes: 18, sites: 1)
        let data = try QualityData(folder: folder.path)
        #expect(throws: BenchmarkError.self) { try ValuationRun(data, try plan(1...1)) }
    }
}
