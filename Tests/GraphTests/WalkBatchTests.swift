import Graph
import Testing
import Wire

@Suite struct WalkBatchTests {
    @Test(arguments: WalkKind.allCases, [2, 3, 4, 7, 16])
    func `a batch holds the walks that single sampling gives`(kind: WalkKind, context: Int) throws {
        let batch = 40
        let graph = try GraphIndex(
            nodeCount: 15, relationCount: 3, triples: randomTriples(nodes: 15, relations: 3, count: 25, seed: 12))
        var batched = try WalkSampler(graph, kind: kind, start: .edge)
        var single = batched
        var (a, b) = (Random(seed: 44), Random(seed: 44))
        var tokens = [Int32](repeating: 77, count: batch * context)
        var targets = tokens
        let targetCount = batched.fill(tokens: &tokens, targets: &targets, batch: batch, context: context, using: &a)
        #expect(targetCount == targets.count { $0 != WalkSampler.noTarget })
        #expect(targetCount >= batch)
        for row in 0..<batch {
            let walk = Array(single.walk(hops: (context + 1) / 2, using: &b).prefix(context + 1))
            let padded = walk + [Int32](repeating: 0, count: context + 1 - walk.count)
            let next = (1...context).map { $0 < walk.count && walk[$0] < 15 ? walk[$0] : -1 }
            #expect(Array(tokens[row * context..<(row + 1) * context]) == Array(padded.prefix(context)))
            #expect(Array(targets[row * context..<(row + 1) * context]) == next)
        }
    }

    @Test func `two tokens of context ask for every tail and head once a round`() throws {
        let triples = Array(Set(randomTriples(nodes: 8, relations: 2, count: 30, seed: 3)))
        let graph = try GraphIndex(nodeCount: 8, relationCount: 2, triples: triples)
        var sampler = try WalkSampler(graph, kind: .eitherWay, start: .everyEdge)
        var random = Random(seed: 1)
        let batch = 2 * triples.count
        var tokens = [Int32](repeating: 0, count: batch * 2)
        var targets = tokens
        #expect(sampler.fill(tokens: &tokens, targets: &targets, batch: batch, context: 2, using: &random) == batch)
        let asked: [[Int32]] = (0..<batch).map { [tokens[2 * $0], tokens[2 * $0 + 1], targets[2 * $0 + 1]] }
        let forward: [[Int32]] = triples.map { [$0.head, $0.relation, $0.tail] }
        let backward: [[Int32]] = triples.map { [$0.tail, $0.relation + 2, $0.head] }
        #expect(Set(asked) == Set(forward + backward))
        #expect((0..<batch).allSatisfy { targets[2 * $0] == WalkSampler.noTarget })
    }

    /// What `fill` with answers wrote for one batch.
    private func filled(
        _ sampler: inout WalkSampler, batch: Int, context: Int, seed: UInt64
    ) -> (tokens: [Int32], targets: [Int32], answers: [[Int32]]) {
        var tokens = [Int32](repeating: 77, count: batch * context)
        var targets = tokens
        var offsets = [Int32](repeating: 77, count: batch * context + 1)
        var answers: [Int32] = [5, 5, 5]
        var random = Random(seed: seed)
        sampler.fill(
            tokens: &tokens, targets: &targets, offsets: &offsets, answers: &answers, batch: batch, context: context,
            using: &random)
        #expect(offsets[0] == 0 && Int(offsets[batch * context]) == answers.count)
        return (
            tokens, targets,
            zip(offsets, offsets.dropFirst()).map { first, end in Array(answers[Int(first)..<Int(end)]) }
        )
    }

    @Test(arguments: WalkKind.allCases, [2, 5, 8])
    func `a target is one of all the answers that its graph node and relation have`(
        kind: WalkKind, context: Int
    ) throws {
        let graph = try GraphIndex(
            nodeCount: 9, relationCount: 2, triples: randomTriples(nodes: 9, relations: 2, count: 60, seed: 5))
        var sampler = try WalkSampler(graph, kind: kind, start: .everyEdge)
        var plain = sampler
        let (tokens, targets, answers) = filled(&sampler, batch: 50, context: context, seed: 3)
        for at in targets.indices {
            guard targets[at] != WalkSampler.noTarget else {
                #expect(answers[at].isEmpty)
                continue
            }
            let (node, relation) = (tokens[at - 1], tokens[at])
            #expect(
                answers[at]
                    == (relation < 11 ? Array(graph.tails(of: node, relation)) : graph.heads(of: node, relation - 2)))
            #expect(answers[at].contains(targets[at]))
        }
        var (plainTokens, plainTargets) = (tokens, targets)
        var random = Random(seed: 3)
        plain.fill(tokens: &plainTokens, targets: &plainTargets, batch: 50, context: context, using: &random)
        #expect(plainTokens == tokens && plainTargets == targets, "the walks are the same")
    }
}
