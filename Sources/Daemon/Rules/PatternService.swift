internal import API
internal import Consensus
internal import Federation
internal import Graph
internal import Identity
internal import Ledger
internal import Membership
internal import Peer
internal import Replication
internal import Rules
internal import Wire

/// Patterns between sites: proposing those of this one, measuring those of others, and what came of them.
final class PatternService: Sendable {
    private let host: NodeHost
    private let graphs: GraphService
    private let rules: RuleService
    private let centroids: CentroidService
    private let koi: KoiService

    /// Proposals that one request makes at most.
    private static let most = 400
    /// A rule seen fewer times is not worth a stake.
    private static let leastSupport = 2
    /// Proposals that a list shows.
    private static let shown = 500

    init(host: NodeHost, graphs: GraphService, rules: RuleService, centroids: CentroidService, koi: KoiService) {
        self.host = host
        self.graphs = graphs
        self.rules = rules
        self.centroids = centroids
        self.koi = koi
        host.measurers.register(.pattern) { [host, rules, centroids] question in
            guard let about = question.about,
                let proposed = try? await host.ask({ node -> ProposedPattern? in
                    let patterns = node.state.patterns
                    // The same pattern twice is measured, and paid, once.
                    return patterns.isFirst(about) ? patterns[about] : nil
                })
            else { return nil }
            return switch proposed.proposal.pattern {
            case .rule(let rule): await rules.measure(rule)
            case .centroid(let centroid): await centroids.measure(centroid)
            }
        }
    }

    // MARK: Proposing

    /// Proposes the best that is not proposed yet.
    func propose(_ request: ProposeRequest) async throws -> [PatternReport] {
        let top = request.top ?? request.patterns?.count ?? 10
        guard (1...Self.most).contains(top) else {
            throw Problem.badRequest("top is \(top)", remedy: "use 1 to \(Self.most)", field: "top")
        }
        let proposals =
            request.centroids == true ? try await bestCentroids(request) : try await bestRules(request, top)
        let (wallet, stake) = try await host.ask { node in
            (node.state.ledger.wallet(.site(of: node.identity.peerID)), node.state.ledger.policy.stake)
        }
        guard wallet.balance >= stake else { throw KoiService.tooPoor(stake, AccountID.site, wallet.balance) }
        let affordable = Int(clamping: wallet.balance / stake)
        var ops: [OpID] = []
        for proposal in proposals.prefix(min(top, affordable)) {
            switch await host.submit(.patternPropose, proposal.encode()) {
            case .done(let id): ops.append(id)
            case .void(_, let reason):
                if ops.isEmpty { throw Problem.void(reason) }
            case .refused(let reason):
                if ops.isEmpty { throw Problem.unavailable(reason) }
            }
        }
        let made = Set(ops)
        return try await list().filter { OpID(hex: $0.op).map(made.contains) ?? false }
    }

    /// Accepted, or still to be decided.
    private func known() async throws -> [Pattern] {
        try await host.ask { $0.state.patterns.all.filter(Self.isKnown).map(\.proposal.pattern) }
    }

    /// Those of which the own choices prove most first; none that says what another one says already.
    private func bestCentroids(_ request: ProposeRequest) async throws -> [PatternProposal] {
        var told = try await known().compactMap(\.centroid)
        let ids = request.patterns?.map { $0.lowercased() }
        var proposals: [(proposal: PatternProposal, proven: Int64)] = []
        for (pattern, counts) in try await centroids.proposable() {
            let id = pattern.id.hex
            guard ids.map({ $0.contains { id.hasPrefix($0) } }) ?? true, !told.contains(where: pattern.isSame(as:))
            else { continue }
            told.append(pattern)
            let proven = ValueRule.lowerBoundMillionths(hits: Int64(counts.support), trials: Int64(counts.body))
            proposals.append((PatternProposal(.centroid(pattern), counts), proven))
        }
        guard !proposals.isEmpty else {
            throw Problem.conflict(
                "there is no centroid of a confidence above \(Centroid.Limits.applied) that is not proposed already",
                remedy: "`shoal pattern mine --centroids` looks for them in what was chosen here",
                code: "nothing-to-propose")
        }
        return proposals.sorted { $0.proven > $1.proven }.map(\.proposal)
    }

    /// The best of each relation first, then the second best.
    ///
    /// Rules with a constant are proposed only if other sites hold it too: else its id would tell them of a graph node
    /// that is this site's alone, and nobody could measure the rule.
    private func bestRules(_ request: ProposeRequest, _ top: Int) async throws -> [PatternProposal] {
        let graph = try await graphs.current()
        let rules = try await rules.current(graph)
        let wanted = try request.relation.map { try RuleService.relation($0, graph) }
        let ids = request.patterns?.map { $0.lowercased() }
        let shared = try await host.ask { Self.tokens(sharedBy: $0) }
        let known = Set(try await known().map(\.id))
        var candidates: [Candidate] = []
        for mined in rules.mined.rules where mined.counts.support >= Self.leastSupport {
            guard wanted == nil || mined.rule.head == wanted else { continue }
            let pattern = RulePattern(mined.rule, graph.vocabulary)
            guard [pattern.concluded, pattern.known].allSatisfy({ $0 == nil || shared.contains($0!) }) else { continue }
            let id = pattern.id
            guard ids.map({ $0.contains { id.hex.hasPrefix($0) } }) ?? true, !known.contains(id) else { continue }
            let counts = mined.counts
            let proven = ValueRule.lowerBoundMillionths(hits: Int64(counts.support), trials: Int64(counts.body))
            candidates.append(Candidate(rule: mined, pattern: pattern, proven: proven))
        }
        // By what they prove, not by what they promise: two cases of two prove little to anybody else.
        candidates.sort { $0.proven != $1.proven ? $0.proven > $1.proven : $0.rule.rule < $1.rule.rule }
        guard !candidates.isEmpty else {
            throw Problem.conflict(
                "there is no such rule that is not proposed already, has \(Self.leastSupport) true cases, and names "
                    + "no graph node that this site alone knows", remedy: "`shoal pattern rules` lists what was mined",
                code: "nothing-to-propose")
        }
        return Self.spread(candidates, top).map { PatternProposal(.rule($0.pattern), $0.rule.counts) }
    }

    /// Accepted, or still to be decided.
    private static func isKnown(_ proposed: ProposedPattern) -> Bool {
        switch proposed.outcome {
        case .accepted?: true
        case nil: !proposed.isRetracted
        case .rejected?, .undecided?: false
        }
    }

    private struct Candidate {
        let rule: MinedRule
        let pattern: RulePattern
        /// The least confidence that the own cases prove, in millionths.
        let proven: Int64
    }

    /// The best of each relation, then the second best of each, and so on.
    private static func spread(_ candidates: [Candidate], _ count: Int) -> [Candidate] {
        var seen: [Int32: Int] = [:]
        var places: [(turn: Int, at: Int)] = []
        for (at, candidate) in candidates.enumerated() {
            places.append((seen[candidate.rule.rule.head, default: 0], at))
            seen[candidate.rule.rule.head, default: 0] += 1
        }
        return places.sorted { $0 < $1 }.prefix(count).map { candidates[$0.at] }
    }

    /// What other members train, in any model.
    private static func tokens(sharedBy node: Node) -> Set<TokenID> {
        var shared: Set<TokenID> = []
        for id in node.state.models.ids {
            guard let owners = node.state.models[id]?.owners else { continue }
            for log in owners.logNames where log.author != node.identity.peerID {
                shared.formUnion(owners.rows(of: log))
            }
        }
        return shared
    }

    // MARK: Reports

    /// All proposals that this node knows, open ones first, the accepted next.
    func list() async throws -> [PatternReport] {
        let names = try await koi.names()
        let graph = try await graphs.current()
        let (patterns, table, own) = try await host.ask { node in
            (node.state.patterns.all, node.state.consensus, node.identity.peerID)
        }
        let order = ["open", "accepted", "rejected", "undecided", "void"]
        let asked = table.mattersByOp()
        let words = try await words(patterns, graph)
        return patterns.map { Self.report($0, asked[$0.op] ?? [], own, names, words) }
            .enumerated()
            .sorted {
                (order.firstIndex(of: $0.element.state) ?? 0, -($0.element.bound ?? 0), $0.offset)
                    < (order.firstIndex(of: $1.element.state) ?? 0, -($1.element.bound ?? 0), $1.offset)
            }
            .prefix(Self.shown).map(\.element)
    }

    /// - Parameters:
    ///   - prefix: of the id of a pattern, or of the op that proposes it.
    ///   - verify: also checks the certificate, and those of all checkpoints down to the genesis.
    func show(_ prefix: String, verify: Bool) async throws -> PatternReport {
        let digits = prefix.lowercased()
        guard (4...64).contains(digits.utf8.count), digits.allSatisfy(\.isHexDigit) else {
            throw Problem.badRequest(
                "'\(prefix)' is no pattern", remedy: "give 4 to 64 hexadecimal digits of `shoal pattern list`")
        }
        let names = try await koi.names()
        let graph = try await graphs.current()
        let (patterns, table, own) = try await host.ask { node in
            (node.state.patterns, node.state.consensus, node.identity.peerID)
        }
        let found = patterns.all.filter {
            $0.proposal.pattern.id.hex.hasPrefix(digits) || $0.op.hex.hasPrefix(digits)
        }
        // Of several proposals of one pattern the accepted one tells most.
        let best = found.first { if case .accepted? = $0.outcome { true } else { false } } ?? found.first
        guard let best else { throw Problem.notFound("no pattern here has an id that begins with \(prefix)") }
        guard Set(found.map(\.proposal.pattern.id)).count == 1 else {
            throw Problem.conflict("several patterns begin with \(prefix)", remedy: "give more digits")
        }
        let asked = table.mattersByOp()[best.op] ?? []
        var report = Self.report(best, asked, own, names, try await words([best], graph))
        if verify {
            report.verified =
                Self.telling(asked).map { ConsensusService.verify($0, table) } ?? "there is no certificate"
        }
        return report
    }

    private func words(_ patterns: [ProposedPattern], _ graph: SiteGraph) async throws -> [Hash32: String] {
        var words = try await centroids.words(patterns.compactMap(\.proposal.pattern.centroid))
        for rule in patterns.compactMap(\.proposal.pattern.rule) { words[rule.id] = RuleWords(graph).text(rule) }
        return words
    }

    /// Of the questions about a proposal the one that decided it, or the one that was asked last.
    private static func telling(_ asked: [Matter]) -> Matter? {
        asked.first { $0.certificate != nil } ?? asked.max { $0.question.expires < $1.question.expires }
    }

    private static func report(
        _ proposed: ProposedPattern, _ asked: [Matter], _ own: PeerID, _ names: [String: String],
        _ words: [Hash32: String]
    ) -> PatternReport {
        let matter = telling(asked)
        let proposal = proposed.proposal
        var certified: (hits: Int64, trials: Int64, bound: Int64)?
        switch proposed.outcome {
        case .accepted(let hits, let trials, let bound)?, .rejected(let hits, let trials, let bound)?:
            certified = (hits, trials, bound)
        case .undecided?, nil: break
        }
        let evidence = matter?.evidence ?? []
        let measurements = evidence.map { measured -> PatternReport.Measurement in
            let member = matter!.electorate.members[measured.elector]
            let numbers = measured.numbers.flatMap { $0.count >= 2 ? $0 : nil }
            return .init(
                member: member.hex, name: names[member.hex] ?? "", support: numbers.map { Int(clamping: $0[0]) },
                body: numbers.map { Int(clamping: $0[1]) })
        }
        return PatternReport(
            id: proposal.pattern.id.hex, op: proposed.op.hex, proposer: proposed.author.hex,
            proposerName: names[proposed.author.hex] ?? "", own: proposed.author == own,
            words: words[proposal.pattern.id] ?? "",
            state: proposed.outcome?.name ?? (proposed.isRetracted ? "void" : "open"),
            why: why(proposed, matter, measurements), support: proposal.counts.support, body: proposal.counts.body,
            hits: certified.map { Int(clamping: $0.hits) }, trials: certified.map { Int(clamping: $0.trials) },
            bound: certified.map { Double($0.bound) / 1e6 }, measurements: measurements,
            votes: Set(matter?.votes.map(\.author) ?? []).count, quorum: matter?.quorum ?? 0,
            question: matter?.id.hex,
            signers: (matter?.certificate?.signatures ?? []).map { matter!.electorate.members[$0.elector].hex })
    }

    private static func why(
        _ proposed: ProposedPattern, _ matter: Matter?, _ measurements: [PatternReport.Measurement]
    ) -> String? {
        switch proposed.outcome {
        case .accepted?: return nil
        case .rejected(_, _, let bound)?:
            let least = matter.map { Double($0.checkpoint.policy.patternBound) / 1e6 } ?? 0
            return "the others' data proves a confidence of \(percent(Double(bound) / 1e6)), asked is \(percent(least))"
        case .undecided?:
            let silent = measurements.count { $0.body == nil }
            return
                "\(silent) of \(measurements.count) sites that were asked have no data about it: "
                + (proposed.proposal.pattern.rule == nil
                    ? "nobody there chose anything from a place like that"
                    : "they lack a relation or graph node of it, or have no case")
        case nil:
            if proposed.isRetracted { return "its log forks there or before" }
            guard let matter else { return "its proposer has not asked the others yet" }
            return
                "\(measurements.count) of \(matter.electorate.count(without: matter.question.subject)) sites have measured"
        }
    }

    private static func percent(_ share: Double) -> String {
        let tenths = Int((share * 1_000).rounded(.down))
        return "\(tenths / 10).\(tenths % 10) %"
    }
}
