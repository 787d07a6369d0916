import Consensus
import Identity
import Membership
import Testing
import Wire

@Suite struct ValueRuleTests {
    func evidence(_ numbers: [[Int64]?]) -> [ValueRule.Evidence] {
        numbers.enumerated().map { index, numbers in
            .init(op: OpID(Bytes(repeating: UInt8(index + 1), count: 32))!, elector: index, numbers: numbers)
        }
    }
    func question(_ kind: QuestionKind, fields: Bytes = []) -> Question {
        let peer = KeyPair(seed: Bytes(repeating: 1, count: 32)).peerID
        return Question(kind: kind, owner: peer, subject: peer, about: .zero, fields: fields, electorate: .zero)
    }
    func value(_ kind: QuestionKind, _ numbers: [[Int64]?], of electors: Int, fields: Bytes = []) -> Value? {
        ValueRule.value(
            of: question(kind, fields: fields), evidence: evidence(numbers), electors: electors, policy: .standard)
    }

    @Test func `a quorum must have answered, abstentions included`() {
        #expect(value(.claim, [[5], [6], nil, nil], of: 6) == nil)
        #expect(value(.claim, [[5], [6], nil, nil, nil], of: 6)?.verdict == .accepted)
    }

    @Test func `the median decides a claim, so that one liar moves it between two honest numbers`() {
        #expect(value(.claim, [[5], [.max], [4]], of: 3)?.numbers == [5])
        #expect(value(.claim, [[5], [.min], [4]], of: 3)?.numbers == [4])
        let harmful = value(.claim, [[-5], [.max], [-4]], of: 3)
        #expect(harmful?.verdict == .rejected && harmful?.numbers == [-4])
        #expect(ValueRule.median([4, 1, 3, 2]) == 2)
    }

    @Test func `two must be able to tell, or nobody can`() {
        #expect(value(.pattern, [[9, 10], nil, nil], of: 3)?.verdict == .undecided)
        #expect(value(.pattern, [[9, 10], [90, 100], nil], of: 3)?.verdict == .accepted)
        #expect(value(.pattern, [[9, 10]], of: 1)?.verdict == .accepted, "in a network of two there is one other")
    }

    @Test func `a rule that is false elsewhere is rejected with what was counted`() {
        let value = value(.pattern, [[1, 1_000], [0, 500], [2, 300]], of: 3)
        #expect(value?.verdict == .rejected)
        #expect(value?.numbers[0...1] == [3, 1_800])
        #expect(value?.used == [0, 1, 2])
    }

    @Test func `numbers that cannot be are as good as none`() {
        #expect(value(.pattern, [[11, 10], [-1, 10], [1, 0], []], of: 4)?.verdict == .undecided)
        #expect(value(.pattern, [[.max, .max], [.max, .max]], of: 2)?.verdict == .accepted, "no overflow")
    }

    @Test func `a settlement compares the median with its target`() {
        let target = ValueRule.targetFields(100)
        #expect(value(.settlement, [[99], [100], [120]], of: 3, fields: target)?.verdict == .accepted)
        #expect(value(.settlement, [[99], [99], [120]], of: 3, fields: target)?.verdict == .rejected)
        #expect(value(.settlement, [[99], [99], [120]], of: 3, fields: [1]) == nil)
    }

    @Test func `certified time is the median and never goes back`() {
        func seconds(_ numbers: [[Int64]?], of electors: Int) -> UInt64? {
            ValueRule.seconds(evidence: evidence(numbers), after: 1_000, electors: electors)
        }
        #expect(seconds([[1_005], [1_010], [9_999_999]], of: 4) == 1_010)
        #expect(seconds([[5], [6], [7]], of: 4) == 1_000)
        #expect(seconds([[1_005], [1_010]], of: 4) == nil)
        #expect(seconds([[1_005], [1_010], nil], of: 4) == nil, "who has no clock does not count")
    }

    /// Against the formula in floating point.
    @Test(arguments: [(1, 1), (0, 10), (5, 10), (10, 10), (1, 1_000), (999, 1_000), (123_456, 7_654_321)])
    func `the lower bound is Wilson's`(hits: Int64, trials: Int64) {
        let (n, p) = (Double(trials), Double(hits) / Double(trials))
        let z = 1.645
        let wilson =
            (p + z * z / (2 * n) - z * (p * (1 - p) / n + z * z / (4 * n * n)).squareRoot()) / (1 + z * z / n)
        let bound = ValueRule.lowerBoundMillionths(hits: hits, trials: trials)
        #expect(abs(Double(bound) - max(0, wilson) * 1_000_000) < 3)
    }

    @Test func `more of the same makes the bound surer, and no count is too large`() {
        var last: Int64 = 0
        for scale: Int64 in [1, 10, 1_000, 1 << 20, 1 << 40, 1 << 60] {
            let bound = ValueRule.lowerBoundMillionths(hits: scale, trials: 2 * scale)
            #expect(bound >= last && bound <= 500_000)
            last = bound
        }
        #expect(last >= 499_900)
    }
}
