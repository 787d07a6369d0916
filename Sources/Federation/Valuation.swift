public import Learning
public import Wire

/// What a range of ops was worth to one elector, on questions that it held out.
///
/// A marginal value at one frontier, not a counterfactual: without the ops the others would have learned otherwise
/// (docs/valuation.md).
public struct MarginalGain: Hashable, Sendable {
    /// Loss without the range minus loss with it, mean over the questions, in millionths of a nat: above zero the
    /// range helped. What lies within ``noise`` standard errors of zero is zero, and the rest is lessened by them.
    public let microNats: Int64
    /// The mean itself, before noise was taken off.
    public let rawMicroNats: Int64
    /// Standard error of the mean.
    public let standardError: Int64
    /// Questions that were asked.
    public let questions: Int

    /// Standard errors that count as noise. On seeds that are not reported (docs/valuation.md): with none, one in six
    /// claims for random values passes for help, with one, one in twenty.
    public static let noise = 0.4
    /// A gain as large as the logarithm of any rank; keeps sums of claims far from overflow.
    static let most = 64.0

    /// - Parameters: losses of the same questions in the same order, nats; two at least.
    public init(with: [Double], without: [Double]) {
        precondition(with.count == without.count && with.count > 1, "losses of the same questions")
        let count = Double(with.count)
        let gains = zip(with, without).map { $1 - $0 }
        let mean = gains.reduce(0, +) / count
        let variance = gains.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / (count - 1)
        let error = (variance / count).squareRoot()
        let sure = max(0, mean.magnitude - Self.noise * error)
        microNats = Self.micro(mean < 0 ? -sure : sure)
        rawMicroNats = Self.micro(mean)
        standardError = Self.micro(error)
        questions = with.count
    }

    private static func micro(_ nats: Double) -> Int64 { Int64((max(-most, min(most, nats)) * 1e6).rounded()) }
}

/// Why a claim cannot be measured.
public enum ValuationError: Error, Equatable, Sendable {
    /// An op of the range cannot have been merged.
    case range(FederationError)
    /// The weights cannot be asked.
    case weights(LearningError)
}

/// One elector's means of measuring: questions of its own that no site has trained on.
public struct Valuation: Sendable {
    /// Fewer questions about rows of the range say nothing: the elector abstains.
    public static let leastQuestions = 64

    private let tokens: [TokenID]
    private let candidates: Int
    private let queries: [LinkQuery]
    private let least: Int

    /// - Parameters:
    ///   - tokens: the elector's vocabulary in its local order.
    ///   - candidates: its graph nodes, the first of the tokens.
    ///   - queries: held out, the same set for every claim: a fixed choice that the claimant does not know.
    ///   - least: fewer of them about rows of the range say nothing; two at least.
    public init(tokens: [TokenID], candidates: Int, queries: [LinkQuery], least: Int = leastQuestions) {
        precondition(least > 1, "gains of several questions")
        self.least = least
        self.tokens = tokens
        self.candidates = candidates
        self.queries = queries
    }

    /// What `deltas` are worth in `model`, which has them applied.
    ///
    /// All questions are asked, also those about other rows: dense weights reach every question.
    ///
    /// - Returns: nil where too few questions are about a row of the range.
    /// - Complexity: two passes over the questions, and ``MergedModel/without(_:log:)``.
    public func gain(
        of deltas: [Delta], by log: OwnerTable.LogName, in model: MergedModel
    ) throws(ValuationError) -> MarginalGain? {
        guard touched(by: deltas, model.owners.rows(of: log)) >= least else { return nil }
        var (present, absent) = (model, model)
        do { absent = try model.without(deltas, log: log) } catch { throw .range(error) }
        return MarginalGain(with: try losses(&present), without: try losses(&absent))
    }

    /// The loss of each question with the weights of `model`, nats.
    public func losses(_ model: inout MergedModel) throws(ValuationError) -> [Double] {
        do {
            return try rankLosses(
                shape: model.spec.shape, parameters: model.parameters(tokens: tokens), candidates: candidates,
                queries: queries)
        } catch { throw .weights(error) }
    }

    /// Questions that name a token row which the deltas change.
    func touched(by deltas: [Delta], _ announced: [TokenID]) -> Int {
        var rows = Set<TokenID>()
        for delta in deltas {
            for row in delta.rows.indices where Int(row) < announced.count { rows.insert(announced[Int(row)]) }
        }
        return queries.count { query in
            rows.contains(tokens[Int(query.answer)]) || query.context.contains { rows.contains(tokens[Int($0)]) }
        }
    }
}

extension MergedModel {
    /// The model as it would be had `deltas` never been applied; `self` stays as it is.
    ///
    /// Exact: integers are subtracted. Copied are the pages of 64 rows that the deltas touch (512·dim bytes each) and
    /// the dense tensors; everything else is shared with `self`.
    ///
    /// - Parameter deltas: applied deltas of one log, in any order.
    /// - Throws: ``FederationError`` for a delta that this log cannot have had applied.
    /// - Complexity: O(values of the deltas + bytes of the touched pages + pages).
    public func without(
        _ deltas: some Sequence<Delta>, log: OwnerTable.LogName
    ) throws(FederationError) -> MergedModel {
        var copy = self
        for delta in deltas { try copy.retract(delta, author: log.author, log: log.log) }
        return copy
    }
}
