import Federation
import Identity
import Learning
import Testing
import Wire

/// Sums of some deltas, taken out of the sums of all.
@Suite struct SubtractingTests {
    @Test(arguments: UInt64(1)...5) func `what is left is as if these deltas had never been`(_ seed: UInt64) throws {
        let spec = try ModelSpec(
            name: "facts", agent: "test", shape: ModelShape(dim: 16, heads: 2, layers: 1, context: 8))
        let id = ModelID(Bytes(repeating: 3, count: 32))!
        var random = Random(seed: seed)
        var (all, without) = (MergedModel(id: id, spec: spec), MergedModel(id: id, spec: spec))
        let names = (1...3).map {
            OwnerTable.LogName(
                author: PeerID(Bytes(repeating: UInt8($0), count: 32))!, log: LogID(rawValue: UInt64($0)))
        }
        for (at, name) in names.enumerated() {
            // Some rows are everybody's, some are one site's.
            let tokens = Set((0..<20).map { _ in UInt128(random.below(40) + (at == 0 ? 100 * random.below(2) : 0)) })
            let announcement = try RowAnnouncement(
                model: id, tokens: tokens.sorted().map { TokenID(rawValue: $0 + 1) })
            try all.apply(announcement, author: name.author, log: name.log)
            try without.apply(announcement, author: name.author, log: name.log)
        }
        var sums = all.noSums
        for round in 0..<12 {
            let name = names[round % 3]
            let rows = all.owners.rows(of: name).count
            let row = UInt32(random.below(rows))
            func values() -> RowBlock.Values { .int8((0..<16).map { _ in Int8(random.below(255) - 127) }) }
            let delta = Delta(
                model: id, round: UInt64(round), steps: 1, tokensSeen: 1,
                dense: RowBlock(indices: [UInt32(random.below(8))], shifts: [8], values: values()),
                rows: RowBlock(indices: [row], shifts: [9], values: values()))
            try all.apply(delta, author: name.author, log: name.log)
            if round % 3 == 1 {
                try all.add(delta, by: name, to: &sums)
            } else {
                try without.apply(delta, author: name.author, log: name.log)
            }
        }
        var (view, merged) = (all.without(sums), all)
        #expect(view.digest() == without.digest() && view.digest() != merged.digest())
        let tokens = (1...160).map { TokenID(rawValue: UInt128($0)) }
        #expect(view.parameters(tokens: tokens) == without.parameters(tokens: tokens))
        view = all.without(all.noSums)
        #expect(view.digest() == merged.digest(), "nobody left out, nothing changed")
    }
}
