/// `GET /api/graph/overlap`: what this site's graph has in common with others', by ids alone.
///
/// Without shared ids sites learn nothing from each other.
public struct OverlapReport: Codable, Sendable, Equatable {
    /// Another site, by what it announced for one model.
    public struct Site: Codable, Sendable, Equatable {
        public var peer: String
        public var name: String
        /// Ids that the site announced.
        public var announced: Int
        /// Of those: graph nodes and relations that this site has as well.
        public var sharedNodes: Int
        public var sharedRelations: Int

        public init(peer: String, name: String, announced: Int, sharedNodes: Int, sharedRelations: Int) {
            self.peer = peer
            self.name = name
            self.announced = announced
            self.sharedNodes = sharedNodes
            self.sharedRelations = sharedRelations
        }
    }

    public struct Model: Codable, Sendable, Equatable {
        public var model: String
        public var agent: String
        /// Whether this site has announced its ids to the others.
        public var announcedHere: Bool
        /// This site's graph nodes and relations that at least one other site has.
        public var sharedNodes: Int
        public var sharedRelations: Int
        public var sites: [Site]

        public init(
            model: String, agent: String, announcedHere: Bool, sharedNodes: Int, sharedRelations: Int, sites: [Site]
        ) {
            self.model = model
            self.agent = agent
            self.announcedHere = announcedHere
            self.sharedNodes = sharedNodes
            self.sharedRelations = sharedRelations
            self.sites = sites
        }
    }

    /// Names at home that are nearly the same and have different ids.
    public struct NearMatches: Codable, Sendable, Equatable {
        public struct Pair: Codable, Sendable, Equatable {
            public var name: String
            public var other: String
            /// 0 to 1: the share of trigrams in common.
            public var similarity: Double

            public init(name: String, other: String, similarity: Double) {
                self.name = name
                self.other = other
                self.similarity = similarity
            }
        }
        /// Sets of names that differ in case, spaces or composition alone, and the first of them.
        public var collisions: Int
        public var collisionExamples: [[String]]
        /// Names that look like another one, of those `examined`: names that no other site shares.
        public var similar: Int
        public var similarExamples: [Pair]
        public var examined: Int
        /// False when the comparison took too long and was given up.
        public var complete: Bool

        public init(
            collisions: Int, collisionExamples: [[String]], similar: Int, similarExamples: [Pair], examined: Int,
            complete: Bool
        ) {
            self.collisions = collisions
            self.collisionExamples = collisionExamples
            self.similar = similar
            self.similarExamples = similarExamples
            self.examined = examined
            self.complete = complete
        }
    }

    public var nodes: Int
    public var relations: Int
    public var models: [Model]
    public var nearMatches: NearMatches

    public init(nodes: Int, relations: Int, models: [Model], nearMatches: NearMatches) {
        self.nodes = nodes
        self.relations = relations
        self.models = models
        self.nearMatches = nearMatches
    }
}
