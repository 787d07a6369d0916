import Terminal
import Testing

@testable import Simulation
@testable import shoal

@Suite struct SimulateCommandTests {
    private struct Report: Decodable {
        let runs: Int
        let failures: [Failure]
        let traceHash: String?

        struct Failure: Decodable {
            let seed: Int
            let command: String
        }
    }

    @Test func `seeds begin behind a number, and each repeats to the bit`() async throws {
        let range = await shoal("simulate", "--seeds", "1", "--from", "2", "--nodes", "2", "--json")
        let single = await shoal("simulate", "--seed", "3", "--nodes", "2", "--json")
        #expect(range.code == .done && single.code == .done, "\(range.errors)\(single.errors)")
        let hash = try single.json(Report.self).traceHash
        #expect(hash != nil)
        #expect(try range.json(Report.self).traceHash == hash)
    }

    @Test func `many seeds are counted`() async throws {
        let report = try await shoal("simulate", "--seeds", "3", "--nodes", "2", "--json").json(Report.self)
        #expect(report.runs == 3)
        #expect(report.failures.isEmpty)
    }

    @Test func `a trace goes beside the JSON, not into it`() async throws {
        let outcome = await shoal("simulate", "--seed", "3", "--nodes", "2", "--trace", "--json")
        #expect(try outcome.json(Report.self).runs == 1)
        #expect(outcome.errors.split(separator: "\n").count > 100)
        #expect(await shoal("simulate", "--trace").code == .usage)
    }

    @Test func `failures are told by seed, with the command that repeats them`() {
        var report = SimulateReport()
        for seed: UInt64 in [9, 4] {
            let options = SimulationOptions(seed: seed, overrides: .init(nodes: 2))
            report.add(SimulationFailure(options: options, invariant: .appliedOnce, atMs: 10, detail: "twice"))
        }
        #expect(report.runs == 2)
        #expect(report.failures.map(\.seed) == [4, 9])
        #expect(
            report.failures.map(\.command) == [
                "shoal simulate --seed 4 --nodes 2", "shoal simulate --seed 9 --nodes 2",
            ])
    }
}
