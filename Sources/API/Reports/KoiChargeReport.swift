/// What answers of a model cost this site: `GET /api/koi/charges`; `POST` pays them.
///
/// If none could be paid, the answer to `POST` is the first one's problem instead.
public struct KoiChargeReport: Codable, Sendable, Equatable {
    public var model: String
    /// `agent/name`, as its creator calls it.
    public var modelName: String
    /// Who asks for the price.
    public var owner: String
    /// As this site calls it; empty if it has no name for it.
    public var name: String
    public var unitCost: KoiAmount
    /// Questions that it answered here since the last batch.
    public var answers: Int
    /// What these cost.
    public var amount: KoiAmount
    /// The op that paid them just now.
    public var op: String?
    /// Why they could not be paid just now.
    public var problem: Problem?

    public init(
        model: String, modelName: String, owner: String, name: String, unitCost: KoiAmount, answers: Int,
        amount: KoiAmount, op: String? = nil, problem: Problem? = nil
    ) {
        self.model = model
        self.modelName = modelName
        self.owner = owner
        self.name = name
        self.unitCost = unitCost
        self.answers = answers
        self.amount = amount
        self.op = op
        self.problem = problem
    }
}
