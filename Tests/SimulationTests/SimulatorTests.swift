import Simulation
import Testing

@Suite struct SimulatorTests {
    /// With the checks of a debug build, so only a few of those that `make simulate` runs.
    @Test(arguments: 1...8 as ClosedRange<UInt64>)
    func `every invariant holds at every step`(seed: UInt64) throws {
        let report = try Simulator.run(SimulationOptions(seed: seed))
        #expect(report.ops > 0 && report.events > 100)
    }

    /// 5067: an account log that could neither go on nor be given up. 20570: an escrow whose electors were locked on a
    /// price that had fallen since. 21814: a site without disk and journal began its account log again, because its only
    /// peer had not stored yet what it held of it. 1001545 (of the check): who was put back to before it left, left again at
    /// an earlier time by its own clock, which nobody need hear. 2004367: the op that a forked one replaces was in a batch that
    /// waited for bodies, and looked for on the disk. 4001411: a digest that a site told while its sums were not whole stood for two
    /// states. 4006419 (of the check): an op that its author and everybody else had lost, signed anew.
    @Test(arguments: [5_067, 20_570, 21_814, 1_001_545, 2_004_367, 4_001_411, 4_006_419] as [UInt64])
    func `a seed that found a fault once holds`(seed: UInt64) throws {
        _ = try Simulator.run(SimulationOptions(seed: seed))
    }

    /// A site that stood still under an older rule, and one whose database was put back, came back when the others had
    /// dropped the bodies that it needs.
    @Test(arguments: [2_003_371, 2_005_166] as [UInt64])
    func `sums take the place of bodies that nobody has any more`(seed: UInt64) throws {
        let report = try Simulator.run(SimulationOptions(seed: seed))
        #expect(report.occurrences.contains { $0.name == "sums replaced bodies" })
    }

    @Test(arguments: [3, 59, 191] as [UInt64])
    func `a seed gives the same run twice`(seed: UInt64) throws {
        let options = SimulationOptions(seed: seed)
        #expect(try Simulator.run(options) == Simulator.run(options))
    }

    @Test func `other seeds give other runs`() throws {
        let hashes = try (1...4 as ClosedRange<UInt64>).map { try Simulator.run(SimulationOptions(seed: $0)).traceHash }
        #expect(Set(hashes).count == 4)
    }

    /// Sets and dictionaries are walked in another order there.
    @Test func `another process sees the same run`() async throws {
        let expected = try Simulator.run(SimulationOptions(seed: 12)).traceHash
        let result = await #expect(processExitsWith: .success, observing: [\.standardOutputContent]) {
            print("trace", try Simulator.run(SimulationOptions(seed: 12)).traceHash)
        }
        let output = String(decoding: result?.standardOutputContent ?? [], as: UTF8.self)
        #expect(output.contains("trace \(expected)"))
    }

    @Test func `what happens can be read`() throws {
        var lines: [String] = []
        _ = try Simulator.run(SimulationOptions(seed: 2)) { lines.append($0) }
        #expect(lines.contains { $0.contains("persist 1: ") && $0.contains("open-log") })
        #expect(lines.contains { $0.contains("write HELLO") })
        #expect(lines.contains { $0.hasSuffix("healed") })
    }

    @Test func `options follow from the seed and can be overridden`() {
        let overrides = SimulationOptions.Overrides(nodes: 3, minutes: 2)
        let options = SimulationOptions(seed: 5, overrides: overrides)
        #expect(options.nodes == 3 && options.faultSeconds == 120)
        #expect(options.command == "shoal simulate --seed 5 --nodes 3 --minutes 2")
        #expect(options == SimulationOptions(seed: 5, overrides: overrides))
        #expect(options.description.hasPrefix("seed=5 nodes=3 topology="))
        for seed in 0..<200 as Range<UInt64> { #expect((2...7).contains(SimulationOptions(seed: seed).nodes)) }
    }
}
