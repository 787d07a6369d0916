/// One line of a vocabulary file: `GET /api/models/:agent/vocabulary`, JSON Lines in the order of the rows of
/// `token_emb`.
public struct VocabularyEntry: Codable, Sendable, Equatable {
    /// Row of the table, from 0.
    public var index: Int
    /// 32 hexadecimal digits.
    public var id: String
    /// `node`, `relation` or `inverse`; graph nodes come first.
    public var kind: String?
    /// As this site calls it; a relation read backwards is `^name`. Absent if names were not asked for.
    public var name: String?

    public init(index: Int, id: String, kind: String?, name: String?) {
        self.index = index
        self.id = id
        self.kind = kind
        self.name = name
    }
}

/// What `POST /api/models/:agent/import?vocabulary_bytes=` did; the body is the vocabulary file, then the
/// safetensors file.
public struct WeightsImportReport: Codable, Sendable, Equatable {
    public var agent: String
    /// Which of this site's weights these are now.
    public var weights: Weights
    /// Rows of the file that are tokens of this site.
    public var rows: Int
    /// Rows of the file whose tokens this site does not have; left out.
    public var unknown: Int
    /// Tokens of this site that the file does not have; their rows are the merged ones.
    public var missing: Int
    /// Whether weights of this kind were there before.
    public var replaced: Bool

    public init(agent: String, weights: Weights, rows: Int, unknown: Int, missing: Int, replaced: Bool) {
        self.agent = agent
        self.weights = weights
        self.rows = rows
        self.unknown = unknown
        self.missing = missing
        self.replaced = replaced
    }
}
