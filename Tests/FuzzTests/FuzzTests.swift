import Foundation
import Testing
import Wire

@testable import Fuzz

/// Readers of hostile bytes, for the few seconds that a test run has; `make fuzz` goes on from here.
@Suite struct FuzzTests {
    /// Inputs that are tried, a target.
    static let count = 1_000

    /// What `make fuzz` found, and what once went wrong: `Corpus/TARGET/…`.
    static func corpus(_ target: FuzzTarget) throws -> [[UInt8]] {
        var place = URL(filePath: #filePath)
        place.deleteLastPathComponent()
        let path = place.appending(path: "Corpus/\(target.rawValue)").path
        let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
        return try names.sorted().map { [UInt8](try Data(contentsOf: URL(filePath: "\(path)/\($0)"))) }
    }

    @Test(arguments: FuzzTarget.allCases) func `what a target begins with is accepted`(target: FuzzTarget) {
        #expect(target.seeds.count { target.run($0) } > 0)
        #expect(target.seeds.allSatisfy { $0.count <= target.maxBytes })
        #expect(!target.run([]))
    }

    @Test(arguments: FuzzTarget.allCases) func `nothing that was found breaks a target again`(target: FuzzTarget) throws
    {
        for bytes in try Self.corpus(target) { target.run(bytes) }
    }

    @Test(arguments: FuzzTarget.allCases) func `thousands of inputs near valid ones break nothing`(
        target: FuzzTarget
    ) throws {
        var mutations = Mutations(of: target.seeds + (try Self.corpus(target)), maxBytes: target.maxBytes, seed: 1)
        var accepted = 0
        for _ in 0..<Self.count {
            let bytes = mutations.next()
            guard target.run(bytes) else { continue }
            accepted += 1
            mutations.keep(bytes)
        }
        #expect(accepted > 20, "a target that accepts nothing tests its first check alone")
        #expect(accepted < Self.count)
    }

    @Test func `the same seed gives the same inputs`() {
        var (one, two) = (
            Mutations(of: [[1, 2, 3]], maxBytes: 9, seed: 4), Mutations(of: [[1, 2, 3]], maxBytes: 9, seed: 4)
        )
        for _ in 0..<100 {
            let bytes = one.next()
            #expect(bytes == two.next() && bytes.count <= 9)
        }
    }

    /// The comparison must be able to fail: what libcbor takes and we do not is told apart from what both refuse.
    @Test(
        arguments: [
            ([0x18, 0x17], false), ([0x17], true), ([0x19, 0, 0xFF], false), ([0x5F, 0x41, 1, 0xFF], false),
            ([0x61, 0xFF], false),
            ([0xF9, 0, 0], false), ([0xF7], false), ([0x3B, 0x80, 0, 0, 0, 0, 0, 0, 0], false), ([0xA1, 1, 2], true),
            ([0xC1, 0], true),
        ] as [([UInt8], Bool)]) func `canonical CBOR alone is accepted`(bytes: [UInt8], isAccepted: Bool)
    {
        #expect(FuzzTarget.cbor.run(bytes) == isAccepted)
    }
}
