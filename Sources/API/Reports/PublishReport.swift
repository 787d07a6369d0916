/// `POST /api/models/publish`: writes the weights that the database's own functions answer with.
public struct PublishRequest: StrictDecodable, Encodable, Sendable {
    public enum CodingKeys: String, CodingKey, CaseIterable { case agent }
    public static let narrowed: [CodingKeys: JSONSchema] = [.agent: .name]
    public var agent: String

    public init(agent: String) { self.agent = agent }
}

public struct PublishReport: Codable, Sendable, Equatable {
    public var agent: String
    /// `merged`, or `adapted` to this site.
    public var weights: String
    /// Rows that were written.
    public var tokens: Int
    /// Whether they were not there already.
    public var changed: Bool

    public init(agent: String, weights: String, tokens: Int, changed: Bool) {
        self.agent = agent
        self.weights = weights
        self.tokens = tokens
        self.changed = changed
    }
}
