/// `POST /api/models/ensemble`: as a prediction, from the mean of several models' logits.
public struct EnsembleRequest: StrictDecodable, Encodable, Sendable {
    public enum CodingKeys: String, CodingKey, CaseIterable { case agents, context, top, weights }
    public static let narrowed: [CodingKeys: JSONSchema] = [
        .agents: .some(of: .name, 1...16), .context: .some(of: .name, 1...Int.max), .top: .whole(1...1_000),
    ]
    public var agents: [String]
    public var context: [String]
    public var top: Int?
    public var weights: Weights?

    public init(agents: [String], context: [String], top: Int? = nil, weights: Weights? = nil) {
        self.agents = agents
        self.context = context
        self.top = top
        self.weights = weights
    }
}

public struct EnsembleReport: Codable, Sendable, Equatable {
    public var agents: [String]
    public var weights: Weights
    public var predictions: [PredictReport.Prediction]

    public init(agents: [String], weights: Weights, predictions: [PredictReport.Prediction]) {
        self.agents = agents
        self.weights = weights
        self.predictions = predictions
    }
}
