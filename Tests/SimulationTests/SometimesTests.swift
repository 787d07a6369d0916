import Simulation
import Testing

@Suite struct SometimesTests {
    @Test func `what never happened is missing, and every name has occurrences that it stands for`() {
        for property in Sometimes.allCases {
            #expect(!property.happened(in: [:]), "\(property)")
            #expect(!property.happened(in: ["something else": 5]), "\(property)")
        }
        #expect(Sometimes.forkProven.happened(in: ["fork proven": 1]))
        #expect(!Sometimes.forkProven.happened(in: ["fork proven": 0]))
        #expect(!Sometimes.forkProven.happened(in: ["fork proven elsewhere": 1]))
        #expect(Sometimes.journalTorn.happened(in: ["journal torn before a body": 2]), "a name that ends in *")
    }

    @Test func `a dozen runs reach forks, retractions and money`() throws {
        var counts: [String: Int] = [:]
        for seed in 1...12 as ClosedRange<UInt64> {
            for occurrence in try Simulator.run(SimulationOptions(seed: seed)).occurrences {
                counts[occurrence.name, default: 0] += occurrence.count
            }
        }
        for property in [.forkProven, .retracted, .spentTwice, .checkpoint] as [Sometimes] {
            #expect(property.happened(in: counts), "\(property)")
        }
    }
}
