public import Identity
public import Membership
public import Wire

/// What follows from measurements, in integers: the same on every node.
public enum ValueRule {
    /// A measurement op that names the question, by an elector of it.
    public struct Evidence: Sendable, Equatable {
        public let op: OpID
        /// The author's place in the electorate.
        public let elector: Int
        /// Nil: it abstains.
        public let numbers: [Int64]?

        public init(op: OpID, elector: Int, numbers: [Int64]?) {
            self.op = op
            self.elector = elector
            self.numbers = numbers
        }
    }

    /// The value of a measured question; nil as long as too few have answered. A quorum must have, or the owner could
    /// pick the answers it likes; abstentions count towards it, and towards nothing else.
    ///
    /// - Parameters:
    ///   - evidence: one of an elector at most.
    ///   - electors: how many are asked.
    ///   - policy: of the checkpoint that names the electorate.
    public static func value(
        of question: Question, evidence: [Evidence], electors: Int, policy: NetworkPolicy
    ) -> Value? {
        guard evidence.count >= Electorate.quorum(of: electors), electors > 0 else { return nil }
        let telling = evidence.filter { isUsable($0.numbers, for: question.kind) }
        let basis = Value.basis(of: evidence.map(\.op))
        let used = telling.map(\.elector).sorted()
        // One other elector is all there is in a network of two.
        guard telling.count >= min(2, electors) else { return Value(verdict: .undecided, basis: basis) }
        switch question.kind {
        case .pattern:
            let hits = sum(telling.map { $0.numbers![0] })
            let trials = sum(telling.map { $0.numbers![1] })
            let bound = lowerBoundMillionths(hits: hits, trials: trials)
            return Value(
                verdict: bound >= policy.patternBound ? .accepted : .rejected, numbers: [hits, trials, bound],
                used: used, basis: basis)
        case .claim:
            let gain = median(telling.map { $0.numbers![0] })
            return Value(verdict: gain > 0 ? .accepted : .rejected, numbers: [gain], used: used, basis: basis)
        case .settlement:
            guard let target = target(of: question) else { return nil }
            let gain = median(telling.map { $0.numbers![0] })
            return Value(verdict: gain >= target ? .accepted : .rejected, numbers: [gain], used: used, basis: basis)
        case .admission, .revocation, .accountLog, .finality, .checkpoint, .ledger, .policy, .sums: return nil
        }
    }

    private static func isUsable(_ numbers: [Int64]?, for kind: QuestionKind) -> Bool {
        guard let numbers else { return false }
        switch kind {
        case .pattern: return numbers.count >= 2 && numbers[0] >= 0 && numbers[1] >= numbers[0] && numbers[1] > 0
        case .claim, .settlement, .checkpoint: return !numbers.isEmpty
        case .admission, .revocation, .accountLog, .finality, .ledger, .policy, .sums: return false
        }
    }

    /// The target of a settlement: its fields are `[1, gain]`, in millionths of a nat.
    public static func target(of question: Question) -> Int64? {
        var decoder = CBORDecoder(question.fields)
        guard (try? decoder.array(exactly: 2)) != nil, (try? decoder.uint()) == 1, let target = try? decoder.int(),
            (try? decoder.end()) != nil
        else { return nil }
        return target
    }

    public static func targetFields(_ target: Int64) -> Bytes {
        var encoder = CBOREncoder()
        encoder.array(2)
        encoder.uint(1)
        encoder.int(target)
        return encoder.bytes
    }

    /// Certified time: the median of what electors measured, but never less than before; nil below a quorum.
    public static func seconds(evidence: [Evidence], after: UInt64, electors: Int) -> UInt64? {
        let telling = evidence.filter { isUsable($0.numbers, for: .checkpoint) }
        guard electors > 0, telling.count >= Electorate.quorum(of: electors) else { return nil }
        return max(after, UInt64(clamping: median(telling.map { $0.numbers![0] })), 0)
    }

    /// The lower one of the middle two where the count is even.
    public static func median(_ numbers: [Int64]) -> Int64 {
        precondition(!numbers.isEmpty)
        return numbers.sorted()[(numbers.count - 1) / 2]
    }

    private static func sum(_ numbers: [Int64]) -> Int64 {
        numbers.reduce(0) { total, number in
            let (sum, overflows) = total.addingReportingOverflow(number)
            return overflows ? .max : sum
        }
    }

    /// The lower end of Wilson's interval (1927) at 95 %, one-sided z = 1.645, in millionths, rounded down:
    ///
    /// ```
    /// (p + z²/2n - z·sqrt(p(1-p)/n + z²/4n²)) / (1 + z²/n)        p = hits / trials, n = trials
    /// ```
    /// In integers throughout; counts beyond 2^31 are scaled down first, which moves the result by less than a
    /// millionth.
    public static func lowerBoundMillionths(hits: Int64, trials: Int64) -> Int64 {
        guard trials > 0, hits > 0, hits <= trials else { return 0 }
        var (h, n) = (UInt128(hits), UInt128(trials))
        while n >= 1 << 31 { (h, n) = (h / 2, n / 2) }
        // With z² = 2706025 / 10^6, all times 2·10^6: (2·10^6·h + z² - sqrt(z²·(4·10^6·h(n-h)/n + z²))) / (2·(10^6·n + z²))
        let z: UInt128 = 2_706_025
        let root = squareRoot(z * (4_000_000 * h * (n - h) / n + z), roundedUp: true)
        let top = 2_000_000 * h + z
        guard top > root else { return 0 }
        return Int64((top - root) * 1_000_000 / (2 * (1_000_000 * n + z)))
    }

    private static func squareRoot(_ value: UInt128, roundedUp: Bool) -> UInt128 {
        guard value > 1 else { return value }
        var root: UInt128 = 1 << UInt128((128 - value.leadingZeroBitCount + 1) / 2)
        while true {
            let next = (root + value / root) / 2
            if next >= root { break }
            root = next
        }
        return roundedUp && root * root < value ? root + 1 : root
    }
}
