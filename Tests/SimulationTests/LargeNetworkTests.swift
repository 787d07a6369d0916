import Simulation
import Testing

/// Networks in which nobody is connected with everybody.
@Suite struct LargeNetworkTests {
    /// Of the first seeds the one whose network is as wanted.
    private func options(
        _ overrides: SimulationOptions.Overrides, where isWanted: (SimulationOptions) -> Bool
    ) throws -> SimulationOptions {
        let all = (1...200 as ClosedRange<UInt64>).map { SimulationOptions(seed: $0, overrides: overrides) }
        let first = all.first(where: isWanted)
        return try #require(first)
    }

    @Test func `an op reaches all of 48 sites along the overlay, in few hops`() throws {
        let overrides = SimulationOptions.Overrides(nodes: 48, seconds: 10, submissions: 10, writers: 1)
        let report = try Simulator.run(options(overrides) { $0.isCalm })
        #expect(!report.undivided.isEmpty)
        #expect(report.spreads.count == report.ops, "every op came to everybody")
        // ceil(log5 48) + 2. When many sites sign the ways are longer: decision 24.
        for spread in report.undivided { #expect(spread.hops <= 5 && spread.hops >= 2) }
    }

    @Test func `two halves of 48 sites grow together when they can talk again`() throws {
        let overrides = SimulationOptions.Overrides(
            nodes: 48, seconds: 10, submissions: 10, without: [.crashes, .pauses, .resets])
        let report = try Simulator.run(options(overrides, where: \.splits))
        #expect(report.convergedMs <= 10_000)
        #expect(report.occurrences.contains { $0.name == "split in halves" })
        #expect(report.occurrences.contains { $0.name == "one overlay" })
    }

    @Test(arguments: [(8, 5), (32, 7), (100, 9)])
    func `comparing frontiers alone brings an op to everybody in log2 N + 2 rounds`(nodes: Int, most: Int) {
        let rounds = (1...8 as ClosedRange<UInt64>).map { AntiEntropyAlone.rounds(nodes: nodes, seed: $0) }
        #expect(rounds.max()! <= most)
        #expect(rounds.min()! >= 1)
    }
}
