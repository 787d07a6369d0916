internal import API

/// Finds questions that show what learning together brings: facts that no site trained on, asked at a site
/// that gets them wrong alone and right with what the others taught it.
///
/// The choice follows from the ranks alone, so that the same training shows the same questions.
struct Examples {
    static let wanted = 3
    /// How many promising questions are really asked before giving up.
    private static let attempts = 60
    /// Answers asked for: true ones that are not meant are skipped.
    private static let top = 200

    private struct Candidate {
        let site: Int
        let fact: Fact
        let aloneRank: Double
        /// Higher reads better: a clear mistake, in short words.
        let merit: Double
    }

    private let sites: [DemoSite]
    private let trained: Set<Fact>
    /// Right answers, by head and relation.
    private let truths: [Fact: Set<String>]

    init(_ sites: [DemoSite]) {
        self.sites = sites
        trained = Set(sites.flatMap { $0.data.facts(.train) })
        var truths: [Fact: Set<String>] = [:]
        for fact in sites.flatMap({ site in Split.allCases.flatMap { site.data.facts($0) } }) {
            truths[fact.question, default: []].insert(fact.tail)
        }
        self.truths = truths
    }

    /// - Parameter ranks: of each site, alone and together, as the evaluation gave them; nil without queries.
    func find(_ ranks: [(alone: [Double], together: [Double])?]) async throws -> [DemoReport.Example] {
        var candidates = sites.indices.flatMap { site in ranks[site].map { self.candidates(site, $0) } ?? [] }
        candidates.sort { ($1.merit, $0.site, $0.fact.text) < ($0.merit, $1.site, $1.fact.text) }
        var found: [(site: Int, example: DemoReport.Example)] = []
        // First one of each site, then whatever is left; never a relation twice while there are others.
        for isStrict in [true, false] {
            for candidate in candidates.prefix(Self.attempts) where found.count < Self.wanted {
                let isRepeated = found.contains { $0.example.relation == candidate.fact.relation }
                let isSameSite = found.contains { $0.site == candidate.site }
                let isKnown = found.contains { $0.site == candidate.site && $0.example.head == candidate.fact.head }
                guard !isKnown, !isStrict || !(isRepeated || isSameSite) else { continue }
                if let example = try await ask(candidate) { found.append((candidate.site, example)) }
            }
        }
        return found.sorted { $0.site < $1.site }.map(\.example)
    }

    private func candidates(_ site: Int, _ ranks: (alone: [Double], together: [Double])) -> [Candidate] {
        let data = sites[site].data
        let nodes = Set(data.facts(.train).flatMap { [$0.head, $0.tail] })
        let relations = Set(data.facts(.train).map(\.relation))
        var seen: Set<Fact> = []
        let asked = data.facts(.test).filter {
            nodes.contains($0.head) && nodes.contains($0.tail) && relations.contains($0.relation)
                && seen.insert($0).inserted
        }
        // Two questions a fact: what follows it, and what leads to it.
        guard asked.count * 2 == ranks.alone.count, asked.count * 2 == ranks.together.count else { return [] }
        return asked.enumerated().compactMap { place, fact in
            let alone = ranks.alone[2 * place]
            guard alone > 1.5, ranks.together[2 * place] == 1, !trained.contains(fact) else { return nil }
            let length = fact.head.count + fact.relation.count + fact.tail.count
            return Candidate(
                site: site, fact: fact, aloneRank: alone, merit: min(alone, 10) - Double(length) / 6)
        }
    }

    /// Puts the question to both models; nil unless the answers are as their ranks promise.
    private func ask(_ candidate: Candidate) async throws -> DemoReport.Example? {
        let site = sites[candidate.site]
        let fact = candidate.fact
        let right = truths[fact.question] ?? []
        func first(_ weights: Weights) async throws -> PredictReport.Prediction? {
            let answers = try await site.predict(weights, [fact.head, fact.relation], top: Self.top)
            return answers.first { $0.name == fact.tail || !right.contains($0.name) }
        }
        guard let together = try await first(.federated), together.name == fact.tail,
            let alone = try await first(.isolated), alone.name != fact.tail
        else { return nil }
        return DemoReport.Example(
            site: site.name, head: fact.head, relation: fact.relation, answer: fact.tail, alone: alone.name,
            aloneRank: candidate.aloneRank, probability: together.probability)
    }
}

extension Fact {
    /// Head and relation, for looking up.
    fileprivate var question: Fact { Fact(head: head, relation: relation, tail: "") }
    fileprivate var text: String { "\(head)\t\(relation)\t\(tail)" }
}
