import Graph
import Identity
import Testing
import Wire

@testable import Rules

@Suite struct PatternTests {
    private let key = try! VocabularyKey(Bytes(repeating: 1, count: 32))

    private func vocabulary(nodes: [String], relations: [String]) throws -> LocalVocabulary {
        try LocalVocabulary(
            nodes: nodes.map { try key.token(.node, named: Bytes($0.utf8)[...]) },
            relations: relations.map { try key.relation(named: Bytes($0.utf8)[...]) })
    }

    @Test func `a rule is the same rule at a site with another vocabulary`() throws {
        let here = try vocabulary(nodes: ["a", "b", "c"], relations: ["r", "s"])
        let there = try vocabulary(nodes: ["x", "a", "y", "b", "c", "z"], relations: ["q", "s", "r", "t"])
        let rules = [
            Rule(head: 0, path: [1]), Rule(head: 1, path: [2, 0, 3]),
            Rule(head: 3, concluded: 0, body: 1, known: 2), Rule(head: 2, concluded: 1, body: 3, known: nil),
        ]
        for rule in rules {
            let pattern = RulePattern(rule, here)
            var encoder = CBOREncoder()
            pattern.encode(into: &encoder)
            #expect(encoder.bytes.count <= RulePattern.maxBytes)
            var decoder = CBORDecoder(encoder.bytes)
            let read = try RulePattern(&decoder)
            try decoder.end()
            #expect(read == pattern && read.id == pattern.id)
            #expect(pattern.rule(in: here) == rule)
            let translated = try #require(pattern.rule(in: there))
            #expect(RulePattern(translated, there) == pattern)
        }
        #expect(Set(rules.map { RulePattern($0, here).id }).count == rules.count)
    }

    @Test func `a site without the relation or the graph node has nothing to say`() throws {
        let here = try vocabulary(nodes: ["a", "b"], relations: ["r", "s"])
        let elsewhere = try vocabulary(nodes: ["a"], relations: ["r"])
        #expect(RulePattern(Rule(head: 0, path: [1]), here).rule(in: elsewhere) == nil)
        let constant = Rule(head: 0, concluded: 0, body: 0, known: 1)
        #expect(RulePattern(constant, here).rule(in: elsewhere) == nil)
        var measure = RuleMeasure(Sketch(nodes: 1, relations: 1).graph)
        #expect(measure.measure(nil, seed: 1) == .abstains)
        #expect(measure.measure(Rule(head: 0, path: [0, 0]), seed: 1) == .abstains, "no grounding of the body")
    }

    @Test func `hostile patterns are refused`() throws {
        let here = try vocabulary(nodes: ["a", "b"], relations: ["r", "s"])
        var encoder = CBOREncoder()
        RulePattern(Rule(head: 0, concluded: 0, body: 1, known: 1), here).encode(into: &encoder)
        let good = encoder.bytes
        for length in 0..<good.count {
            var decoder = CBORDecoder(Bytes(good.prefix(length)))
            #expect(throws: CBORError.self) { try RulePattern(&decoder) }
        }
        let token = Bytes(repeating: 7, count: 16)
        func refused(_ form: UInt64, items: Int, steps: Int, _ after: Int, head: Bytes? = nil) {
            var encoder = CBOREncoder()
            encoder.array(items)
            encoder.uint(form)
            encoder.bytes(head ?? token)
            encoder.array(steps)
            for at in 0..<steps { encoder.bytes(token.prefix(15) + [UInt8(at)]) }
            for _ in 0..<after { encoder.bytes(token) }
            var decoder = CBORDecoder(encoder.bytes)
            #expect(throws: CBORError.self, "\(form) \(items) \(steps)") { try RulePattern(&decoder) }
        }
        refused(3, items: 3, steps: 1, 0)  // no such form
        refused(0, items: 3, steps: 0, 0)  // no body
        refused(0, items: 3, steps: 4, 0)  // too long
        refused(0, items: 4, steps: 1, 1)  // a path with a constant
        refused(1, items: 5, steps: 2, 2)  // two steps and constants
        refused(1, items: 4, steps: 1, 1)  // a constant is missing
        refused(0, items: 3, steps: 1, 0, head: Bytes(token.dropLast()))  // a short token
        refused(0, items: 3, steps: 1, 0, head: Bytes(token.dropLast() + [0]))  // the head is the body
    }

    @Test func `a proposal survives its encoding, and hostile ones are refused`() throws {
        let here = try vocabulary(nodes: ["a", "b"], relations: ["r", "s"])
        let pattern = RulePattern(Rule(head: 0, path: [1, 0, 3]), here)
        let proposal = PatternProposal(.rule(pattern), RuleCounts(body: 1 << 52, support: 1 << 51))
        let bytes = proposal.encode()
        #expect(bytes.count <= PatternProposal.maxBytes)
        #expect(try PatternProposal(decoding: bytes) == proposal)
        for length in 0..<bytes.count {
            #expect(throws: CBORError.self) { try PatternProposal(decoding: Bytes(bytes.prefix(length))) }
        }
        #expect(throws: CBORError.self, "trailing") { try PatternProposal(decoding: bytes + [0]) }
        #expect(throws: CBORError.self, "too long") {
            try PatternProposal(decoding: bytes + Bytes(repeating: 0, count: 200))
        }
        func refused(version: UInt64 = 1, kind: UInt64 = 1, support: UInt64, body: UInt64) {
            var encoder = CBOREncoder()
            encoder.array(5)
            encoder.uint(version)
            encoder.uint(kind)
            pattern.encode(into: &encoder)
            encoder.uint(support)
            encoder.uint(body)
            #expect(throws: CBORError.self) { try PatternProposal(decoding: encoder.bytes) }
        }
        refused(version: 2, support: 1, body: 2)
        refused(kind: 2, support: 1, body: 2)
        refused(support: 3, body: 2)
        refused(support: 0, body: 0)
        refused(support: 1, body: 1 << 53)
        refused(support: .max, body: .max)
    }
}
