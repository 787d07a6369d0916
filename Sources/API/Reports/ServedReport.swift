/// Which weights a site answers with, and what that is worth by its own questions.
public struct ServedReport: Codable, Sendable, Equatable {
    /// `merged`, or `adapted`: merged weights after some steps on this site's graph, which nobody else sees.
    public var weights: String
    /// MRR on the site's validation questions.
    public var mergedMrr: Double
    /// Nil before the site adapted anything.
    public var adaptedMrr: Double?
    /// `valid split`, or `own edges` for a site without one.
    public var measuredOn: String
    public var questions: Int

    public init(weights: String, mergedMrr: Double, adaptedMrr: Double?, measuredOn: String, questions: Int) {
        self.weights = weights
        self.mergedMrr = mergedMrr
        self.adaptedMrr = adaptedMrr
        self.measuredOn = measuredOn
        self.questions = questions
    }
}
