internal import API

/// Finds questions that show what learning together brings: facts that no site trained on, asked at a site
/// that gets them wrong alone and right with what the others taught it. The same models give the same questions.
struct Examples {
    static let wanted = 3
    /// How many promising questions of each site are really asked.
    private static let asked = 16
    /// Answers asked for, of which those are skipped that are true and not meant.
    private static let top = 200

    private struct Candidate {
        let site: Int
        let fact: Fact
        let aloneRank: Double
    }

    /// An answered question; more merit reads better: a sure answer, a clear mistake, in short words.
    private struct Answered {
        let site: Int
        let example: DemoReport.Example
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
        let answered = try await forEach(Array(sites.indices), atMost: Cluster.cores) { site in
            var answered: [Answered] = []
            for candidate in ranks[site].map({ candidates(site, $0) }) ?? [] {
                if let answer = try await ask(candidate) { answered.append(answer) }
            }
            return answered
        }.flatMap { $0 }.sorted { ($1.merit, $0.site, $0.example.head) < ($0.merit, $1.site, $1.example.head) }
        var found: [Answered] = []
        // First one of each site and no relation twice, then whatever is left.
        for isStrict in [true, false] {
            for answer in answered where found.count < Self.wanted {
                let isRepeated = found.contains {
                    $0.site == answer.site || $0.example.relation == answer.example.relation
                }
                let isTaken = found.contains { $0.example.head == answer.example.head }
                if !isTaken, !(isStrict && isRepeated) { found.append(answer) }
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
        let wrongAlone = asked.enumerated().compactMap { place, fact -> (Candidate, merit: Double)? in
            let alone = ranks.alone[2 * place]
            guard alone > 1.5, ranks.together[2 * place] == 1, !trained.contains(fact) else { return nil }
            return (Candidate(site: site, fact: fact, aloneRank: alone), min(alone, 12) - Self.length(fact) / 6)
        }
        return wrongAlone.sorted { ($1.merit, $0.0.fact.text) < ($0.merit, $1.0.fact.text) }
            .prefix(Self.asked).map(\.0)
    }

    private static func length(_ fact: Fact) -> Double {
        Double(fact.head.count + fact.relation.count + fact.tail.count)
    }

    /// Puts the question to both models; nil unless the answers are as their ranks promise.
    private func ask(_ candidate: Candidate) async throws -> Answered? {
        let site = sites[candidate.site]
        let fact = candidate.fact
        let right = truths[fact.question] ?? []
        /// What is left when other true answers are taken away, and how much of it is the first one.
        func first(_ weights: Weights) async throws -> (name: String, share: Double)? {
            let all = try await site.predict(weights, [fact.head, fact.relation], top: Self.top)
            let open = all.filter { $0.name == fact.tail || !right.contains($0.name) }
            return open.first.map { ($0.name, $0.probability / open.reduce(0) { $0 + $1.probability }) }
        }
        guard let together = try await first(.federated), together.name == fact.tail,
            let alone = try await first(.isolated), alone.name != fact.tail
        else { return nil }
        let example = DemoReport.Example(
            site: site.name, head: fact.head, relation: fact.relation, answer: fact.tail, alone: alone.name,
            aloneRank: candidate.aloneRank, probability: together.share)
        let merit = 12 * together.share + min(candidate.aloneRank, 12) / 3 - Self.length(fact) / 10
        return Answered(site: candidate.site, example: example, merit: merit)
    }
}

extension Fact {
    /// Head and relation, for looking up.
    fileprivate var question: Fact { Fact(head: head, relation: relation, tail: "") }
    fileprivate var text: String { "\(head)\t\(relation)\t\(tail)" }
}
