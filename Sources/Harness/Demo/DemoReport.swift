public import API

/// How well link prediction did on the held-out triples of one site.
public struct DemoScore: Encodable, Sendable, Equatable {
    /// Nil without queries.
    public var mrr: Double?
    public var hits1: Double?
    public var hits10: Double?
    public var queries: Int

    public static let none = DemoScore(mrr: nil, hits1: nil, hits10: nil, queries: 0)

    enum CodingKeys: String, CodingKey { case mrr, hits1, hits10, queries }

    /// A figure that does not exist is `null`, not absent.
    public func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: CodingKeys.self)
        try fields.encode(mrr, forKey: .mrr)
        try fields.encode(hits1, forKey: .hits1)
        try fields.encode(hits10, forKey: .hits10)
        try fields.encode(queries, forKey: .queries)
    }
}

/// What `shoal demo --json` prints (design §9). Fields may be added, never renamed.
public struct DemoReport: Encodable, Sendable, Equatable {
    public struct Site: Encodable, Sendable, Equatable {
        public var name: String
        /// The site trained by itself.
        public var isolated: DemoScore
        /// The merged model at the final frontier.
        public var federated: DemoScore
        /// What the node answers with: the merged weights, or its adaptation of them where that is better at home.
        public var served: DemoScore
        /// One model trained on all sites' triples, asked as this site is; nil unless wanted.
        public var pooled: DemoScore?
        /// Ops applied here.
        public var ops: Int
        /// Ops that this site signed, and the bytes of their bodies.
        public var opsSigned: Int
        public var opBytesSigned: Int
        public var bytesSent: UInt64
        public var bytesReceived: UInt64
        public var frontierDigest: String
        public var stateDigest: String
        public var balanceNkoi = 0
        public var patternsAccepted = 0
        public var triples: Int

        enum CodingKeys: String, CodingKey {
            case name, isolated, federated, served, pooled, ops, opsSigned, opBytesSigned, bytesSent, bytesReceived
            case frontierDigest, stateDigest, balanceNkoi, patternsAccepted, triples
        }

        public func encode(to encoder: any Encoder) throws {
            var fields = encoder.container(keyedBy: CodingKeys.self)
            try fields.encode(name, forKey: .name)
            try fields.encode(isolated, forKey: .isolated)
            try fields.encode(federated, forKey: .federated)
            try fields.encode(served, forKey: .served)
            try fields.encode(pooled, forKey: .pooled)
            try fields.encode(ops, forKey: .ops)
            try fields.encode(opsSigned, forKey: .opsSigned)
            try fields.encode(opBytesSigned, forKey: .opBytesSigned)
            try fields.encode(bytesSent, forKey: .bytesSent)
            try fields.encode(bytesReceived, forKey: .bytesReceived)
            try fields.encode(frontierDigest, forKey: .frontierDigest)
            try fields.encode(stateDigest, forKey: .stateDigest)
            try fields.encode(balanceNkoi, forKey: .balanceNkoi)
            try fields.encode(patternsAccepted, forKey: .patternsAccepted)
            try fields.encode(triples, forKey: .triples)
        }
    }

    /// A question that a site answers wrong alone and right together.
    public struct Example: Codable, Sendable, Equatable {
        public var site: String
        public var head: String
        public var relation: String
        /// The right answer, which is the federated model's first.
        public var answer: String
        /// What the isolated model put first; nobody knows it to be true.
        public var alone: String
        /// Where the isolated model put the right answer, from 1.
        public var aloneRank: Double
        /// How sure the federated model is of its answer, 0 to 1, other answers known to be true left aside.
        public var probability: Double
    }

    /// What a site earned, and for what. Amounts in nKoi.
    public struct Earnings: Codable, Sendable, Equatable {
        public var site: String
        /// Training that it claimed, what of it the others found to have helped, and by how much in all: nats of
        /// their held-out loss.
        public var claims: Int
        public var claimsPaid: Int
        public var gain: Double
        public var claimsNkoi: Int
        public var patternsProposed: Int
        public var patternsAccepted: Int
        /// Patterns of others that it measured and that were accepted.
        public var patternsMeasured: Int
        public var patternsNkoi: Int
        public var balanceNkoi: Int
    }

    public var dataset: String
    public var `protocol` = "two-sided"
    public var filter = "all-sites"
    public var sites: [Site]
    /// Means weighted by the number of queries; nil if no site has any.
    public var isolatedMrr: Double?
    public var federatedMrr: Double?
    public var pooledMrr: Double?
    /// Whether all sites have the same ops and the same state.
    public var digestsEqual: Bool
    public var examples: [Example]
    /// In the order of the sites.
    public var koi: [Earnings]
    /// What the sites proposed to each other, and what a quorum certified.
    public var patterns: [PatternReport]
    public var wallSeconds: Double
    /// Of these: from the first step of training together to the same ops at every site.
    public var federatedSeconds: Double

    init(
        dataset: String, sites: [Site], examples: [Example], koi: [Earnings] = [], patterns: [PatternReport] = [],
        wallSeconds: Double, federatedSeconds: Double
    ) {
        self.koi = koi
        self.patterns = patterns
        self.dataset = dataset
        self.sites = sites
        self.examples = examples
        self.wallSeconds = wallSeconds
        self.federatedSeconds = federatedSeconds
        isolatedMrr = Self.mean(sites.map(\.isolated))
        federatedMrr = Self.mean(sites.map(\.federated))
        pooledMrr = Self.mean(sites.compactMap(\.pooled))
        digestsEqual = Set(sites.map { [$0.frontierDigest, $0.stateDigest] }).count == 1
    }

    static func mean(_ scores: [DemoScore]) -> Double? {
        let queries = scores.reduce(0) { $0 + $1.queries }
        guard queries > 0 else { return nil }
        return scores.reduce(0) { $0 + ($1.mrr ?? 0) * Double($1.queries) } / Double(queries)
    }

    enum CodingKeys: String, CodingKey {
        case dataset, `protocol`, filter, sites, isolatedMrr, federatedMrr, pooledMrr, digestsEqual, examples,
            koi, patterns, wallSeconds, federatedSeconds
    }

    public func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: CodingKeys.self)
        try fields.encode(dataset, forKey: .dataset)
        try fields.encode(`protocol`, forKey: .protocol)
        try fields.encode(filter, forKey: .filter)
        try fields.encode(sites, forKey: .sites)
        try fields.encode(isolatedMrr, forKey: .isolatedMrr)
        try fields.encode(federatedMrr, forKey: .federatedMrr)
        try fields.encode(pooledMrr, forKey: .pooledMrr)
        try fields.encode(digestsEqual, forKey: .digestsEqual)
        try fields.encode(examples, forKey: .examples)
        try fields.encode(koi, forKey: .koi)
        try fields.encode(patterns, forKey: .patterns)
        try fields.encode(wallSeconds, forKey: .wallSeconds)
        try fields.encode(federatedSeconds, forKey: .federatedSeconds)
    }
}
