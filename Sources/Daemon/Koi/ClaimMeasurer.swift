internal import API
internal import Consensus
internal import Federation
internal import Graph
internal import Identity
internal import Learning
internal import Ledger
internal import Peer
internal import Replication
internal import Storage
internal import Wire

/// Measures what others claim, on facts of this site that nobody trained on: `docs/valuation.md`.
///
/// The live model is left alone: what does not belong is subtracted from a copy, which shares the pages that nothing
/// touches.
final class ClaimMeasurer: Sendable {
    private let host: NodeHost
    private let graphs: GraphService
    private let database: Database
    private let network: NetworkID
    private let log: EventLog
    /// One at a time: a measurement takes a core for a moment and holds a copy of what the deltas touch.
    private let worker = StorageThread(name: "shoal-valuation")

    /// Deltas around one claim at most: more is not measured, since a claim is made soon or is worth little.
    private static let mostDeltas = 4_096
    private static let questions = 500

    init(host: NodeHost, graphs: GraphService, database: Database, network: NetworkID, log: EventLog) {
        self.host = host
        self.graphs = graphs
        self.database = database
        self.network = network
        self.log = log
        host.measurers.register(.claim) { [weak self] question in
            guard let claim = question.about else { return nil }
            return await self?.measure(claim, on: nil)
        }
        host.measurers.register(.settlement) { [weak self] question in
            guard let self, let settlement = question.about,
                let (claim, target) = try? await self.host.ask({ $0.state.ledger.settlement(settlement) })
            else { return nil }
            return await self.measure(claim, on: target)
        }
    }

    func stop() { worker.finish() }

    /// The gain in millionths of a nat; nil: this site cannot tell.
    ///
    /// - Parameter target: what a bounty is about; nil: all questions.
    private func measure(_ claim: OpID, on target: BountyPost.Target?) async -> [Int64]? {
        do {
            guard let range = try await host.ask({ $0.range(of: claim) }), !range.claimed.ops.isEmpty,
                range.ops.count <= Self.mostDeltas, let bodies = try await bodies(of: range.ops)
            else { return nil }
            let graph = try await graphs.current()
            let gain = await onWorker { try Self.gain(range, bodies, graph, target) }
            guard let gain = try gain?.get() else { return nil }
            log.info(
                "claim-measured",
                [
                    "claim": claim.short, "gain_unats": "\(gain.microNats)", "raw_unats": "\(gain.rawMicroNats)",
                    "error_unats": "\(gain.standardError)", "questions": "\(gain.questions)",
                ])
            return [gain.microNats]
        } catch {
            log.warn("claim-not-measured", ["claim": claim.short, "cause": "\(error)"])
            return nil
        }
    }

    /// How the latest claim of each site divides what they improve together in the model of now: Shapley values
    /// (Shapley 1953), exact up to eight sites. A report, no rule of payment: the claims were made at other frontiers.
    func valuation(of model: ModelID) async throws -> KoiValuationReport {
        let (ranges, owners) = try await host.ask { node -> ([(OpID, Node.ClaimedRange)], [OpID: PeerID]) in
            var latest: [PeerID: (op: OpID, through: UInt64)] = [:]
            for listing in node.state.ledger.listings(of: .claim) {
                guard case .claim(let claim) = listing.body, claim.span.model == model else { continue }
                if let other = latest[listing.owner], other.through >= claim.span.through { continue }
                latest[listing.owner] = (listing.id, claim.span.through)
            }
            let ranges = latest.values.map(\.op).sorted().prefix(ShapleyShares.maxPlayers).compactMap { op in
                node.range(of: op).map { (op, $0) }
            }
            return (
                ranges.filter { !$0.1.claimed.ops.isEmpty },
                Dictionary(uniqueKeysWithValues: latest.map { ($0.value.op, $0.key) })
            )
        }
        guard !ranges.isEmpty else {
            throw Problem.conflict(
                "nobody has claimed anything of this model",
                remedy: "`shoal koi claim` does, or `shoal run --claim-rounds 3`",
                code: "nothing-claimed")
        }
        guard let bodies = try await bodies(of: ranges.flatMap(\.1.claimed.ops)) else {
            throw Problem.unavailable("some of the claimed ops are not stored yet", remedy: "try again in a moment")
        }
        let graph = try await graphs.current()
        let result = await onWorker { () throws -> (shares: ShapleyShares, together: Double, questions: Int) in
            let vocabulary = graph.vocabulary
            let queries = Self.spread(try Probe(graph).queries)
            guard queries.count > 1 else {
                throw Problem.conflict(
                    "this site has no facts to measure with", remedy: "import some: shoal graph import")
            }
            let valuation = Valuation(
                tokens: vocabulary.tokens, candidates: vocabulary.nodeCount, queries: queries)
            let deltas = try ranges.map { _, range in
                try range.claimed.ops.map { try Delta(body: bodies[$0]!) }.filter { $0.model == model }
            }
            func value(_ present: UInt64) throws -> Double {
                var merged = ranges[0].1.model
                for (player, range) in ranges.enumerated() where present & 1 << UInt64(player) == 0 {
                    merged = try merged.without(deltas[player], log: range.1.claimed.log)
                }
                return -(try valuation.losses(&merged)).reduce(0, +) / Double(queries.count)
            }
            let everybody = ranges.count == 64 ? UInt64.max : 1 << UInt64(ranges.count) - 1
            return (
                try ShapleyShares.compute(players: ranges.count, seed: 1, value: value),
                try value(everybody) - value(0), queries.count
            )
        }
        guard let (shares, together, questions) = try result?.get() else {
            throw Problem.unavailable("the node is stopping")
        }
        let claims = ranges.indices.map { player in
            KoiValuationReport.Claim(
                op: ranges[player].0.hex, owner: owners[ranges[player].0]?.hex ?? "", name: "",
                deltas: ranges[player].1.claimed.ops.count, share: shares.shares[player],
                standardError: shares.standardErrors[player])
        }
        return KoiValuationReport(
            model: model.hex, questions: questions, together: together, claims: claims.sorted { $0.share > $1.share })
    }

    /// Nil if some never became durable; those that were just taken in are waited for.
    private func bodies(of ops: [OpID]) async throws -> [OpID: Bytes]? {
        let (schema, network) = (database.schema, network)
        for attempt in 0..<5 {
            if attempt > 0 { try await Task.sleep(for: .milliseconds(200)) }
            let found = try await database.query { (connection) throws(StorageError) in
                try OpStore(connection, schema: schema, network: network).bodies(of: ops)
            }
            if ops.allSatisfy({ found[$0] != nil }) { return found }
        }
        return nil
    }

    private static func gain(
        _ range: Node.ClaimedRange, _ bodies: [OpID: Bytes], _ graph: SiteGraph, _ target: BountyPost.Target?
    ) throws -> MarginalGain? {
        func deltas(_ part: Node.ClaimedRange.Part) throws -> [Delta] {
            try part.ops.map { try Delta(body: bodies[$0]!) }.filter { $0.model == range.span.model }
        }
        var model = range.model
        for part in range.beyond { model = try model.without(try deltas(part), log: part.log) }
        let claimed = try deltas(range.claimed)
        guard !claimed.isEmpty else { return nil }
        let vocabulary = graph.vocabulary
        let asked = try Probe(graph).queries.filter { query in
            target.map { Self.concerns($0, query, graph) } ?? true
        }
        let queries = spread(asked)
        return try Valuation(
            tokens: vocabulary.tokens, candidates: vocabulary.nodeCount, queries: queries,
            least: target == nil ? Valuation.leastQuestions : Self.leastOfTarget
        ).gain(of: claimed, by: range.claimed.log, in: model)
    }

    private static func spread(_ asked: [LinkQuery]) -> [LinkQuery] {
        let stride = max(1, (asked.count + Self.questions - 1) / Self.questions)
        return Swift.stride(from: 0, to: asked.count, by: stride).map { asked[$0] }
    }

    /// A bounty is about a part of what a site knows.
    private static let leastOfTarget = 16

    /// Whether a question is about a relation that a bounty names, or a graph node at or below one that it names.
    private static func concerns(_ target: BountyPost.Target, _ query: LinkQuery, _ graph: SiteGraph) -> Bool {
        let vocabulary = graph.vocabulary
        let named = Set(target.tokens)
        func isBelow(_ node: Int32) -> Bool {
            named.contains(vocabulary[node]) || graph.ancestors(of: node).contains { named.contains(vocabulary[$0]) }
        }
        switch target.what {
        case .relations:
            let directed = query.context[query.context.count - 1]
            let forward =
                directed < Int32(vocabulary.nodeCount + vocabulary.relationCount)
                ? directed : directed - Int32(vocabulary.relationCount)
            return named.contains(vocabulary[directed]) || named.contains(vocabulary[forward])
        case .roots: return isBelow(query.context[query.context.count - 2]) || isBelow(query.answer)
        }
    }

    private func onWorker<Value: Sendable>(
        _ work: @escaping @Sendable () throws -> Value
    ) async -> Result<Value, any Error>? {
        await withCheckedContinuation { continuation in
            if !worker.submit({ continuation.resume(returning: Result { try work() }) }) {
                continuation.resume(returning: nil)
            }
        }
    }
}
