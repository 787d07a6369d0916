internal import API
internal import Federation
internal import Glibc
internal import Identity
internal import Ledger
internal import Peer
internal import Replication
internal import Storage
internal import Synchronization
internal import Wire

/// Pays for answers of models that other members ask a price for: in batches, up to a daily budget, each answer once.
///
/// A batch is written down before its op is signed. After a stop in between, the ledger tells whether the op is there.
final class ChargeService: Sendable {
    /// By itself a batch is paid when it has so many answers, or when its first one is so old.
    private static let batchAnswers: UInt64 = 100
    private static let batchSeconds: UInt64 = 86_400
    private static let lookSeconds = 60

    private let host: NodeHost
    private let koi: KoiService
    private let database: Database
    private let log: EventLog
    /// nKoi that may be paid in 24 hours without being asked; 0: nothing is.
    private let budget: NanoKoi
    private struct State {
        var looking: Task<Void, Never>?
        /// One after the other: each looks at what the one before has paid.
        var last: Task<[KoiChargeReport], any Error>?
        /// Said once, until there is room again.
        var isOverBudget = false
    }
    private let state = Mutex(State())

    init(host: NodeHost, koi: KoiService, database: Database, budget: NanoKoi, log: EventLog) {
        (self.host, self.koi, self.database, self.budget, self.log) = (host, koi, database, budget, log)
    }

    func start() {
        guard budget > 0 else { return }
        let task = Task { [weak self] in
            while !Task.isCancelled {
                try? await Task.sleep(for: .seconds(Self.lookSeconds))
                guard !Task.isCancelled else { return }
                do {
                    for report in try await self?.charges(.due) ?? [] {
                        if report.op != nil {
                            self?.log.info("inferences-paid", ["model": report.model, "amount": report.amount.koi])
                        }
                        if let problem = report.problem { self?.log.debug("no charge: \(problem)") }
                    }
                } catch { self?.log.debug("no charge: \(error)") }
            }
        }
        state.withLock { $0.looking = task }
    }

    func stop() { state.withLock { $0.looking }?.cancel() }

    enum Paying { case nothing, due, everything }

    /// What this site owes, model by model, and what it paid of that just now.
    ///
    /// - Throws: the problem of the first model that could not be paid, if none was. What was paid is always told.
    func charges(_ paying: Paying) async throws -> [KoiChargeReport] {
        let task = state.withLock { state in
            let last = state.last
            let task = Task {
                _ = try? await last?.value
                return try await self.settle(paying)
            }
            state.last = task
            return task
        }
        return try await task.value
    }

    /// A model that somebody else asks a price for.
    private struct Priced: Sendable {
        let model: ModelID
        let name: String
        let seller: AccountID
        let price: OpID
        let unitCost: NanoKoi
    }

    private func settle(_ paying: Paying) async throws -> [KoiChargeReport] {
        try await resolveBegun()
        let priced = try await host.ask { node -> [Priced] in
            let own = node.identity.peerID
            return node.models.compactMap { model in
                guard let owner = node.author(of: model), owner != own, let spec = node.spec(of: model),
                    let price = node.state.ledger.price(of: model, agent: spec.agent, owner: owner), price.unitCost > 0
                else { return nil }
                return Priced(
                    model: model, name: "\(spec.agent)/\(spec.name)",
                    seller: AccountID(owner: owner, agent: spec.agent), price: price.op, unitCost: price.unitCost)
            }
        }
        let names = try await koi.names()
        var reports: [KoiChargeReport] = []
        for priced in priced {
            var report = KoiChargeReport(
                model: priced.model.hex, modelName: priced.name, owner: priced.seller.owner.hex,
                name: names[priced.seller.owner.hex] ?? "", unitCost: KoiService.amount(priced.unitCost),
                answers: 0, amount: KoiService.amount(0))
            // A node that cannot sign now cannot for the next model either.
            let isCutOff = reports.contains { $0.problem?.status == 503 }
            do {
                try await settle(priced, isCutOff ? .nothing : paying, &report)
            } catch {
                report.problem = problem(of: error) ?? .internalError()
            }
            reports.append(report)
        }
        if let problem = reports.lazy.compactMap(\.problem).first, !reports.contains(where: { $0.op != nil }) {
            throw problem
        }
        return reports
    }

    private func settle(_ priced: Priced, _ paying: Paying, _ report: inout KoiChargeReport) async throws {
        let owed = try await charges { (charges) throws(StorageError) in try charges.owed(for: priced.model) }
        let (amount, overflows) = priced.unitCost.multipliedReportingOverflow(by: Int64(clamping: owed.answers))
        let cost = overflows ? NanoKoi.max : amount
        report.answers = Int(clamping: owed.answers)
        report.amount = KoiService.amount(cost)
        guard owed.answers > 0, try await isToBePaid(owed, cost, paying) else { return }
        report.op = try await pay(priced, owed, cost).op
    }

    private func isToBePaid(_ owed: InferenceCharges.Owed, _ cost: NanoKoi, _ paying: Paying) async throws -> Bool {
        switch paying {
        case .nothing: return false
        case .everything: return true
        case .due:
            let now = UInt64(clamping: time(nil))
            guard owed.answers >= Self.batchAnswers || owed.since + Self.batchSeconds <= now else { return false }
            let spent = try await charges { (charges) throws(StorageError) in try charges.spentToday() }
            let (sum, overflows) = spent.addingReportingOverflow(cost)
            let isWithin = !overflows && sum <= budget
            let isNews = state.withLock { state in
                defer { state.isOverBudget = !isWithin }
                return state.isOverBudget == isWithin
            }
            if !isWithin, isNews {
                log.warn("inference-budget", ["owed": Koi.text(cost), "paid_today": Koi.text(spent)])
            }
            return isWithin
        }
    }

    private func pay(
        _ priced: Priced, _ owed: InferenceCharges.Owed, _ cost: NanoKoi
    ) async throws -> KoiSignedReport {
        let before = try await host.ask { $0.state.ledger.charges(by: $0.identity.peerID).count }
        let batch = InferenceCharges.Begun(
            model: priced.model, through: owed.through, price: priced.price, answers: owed.answers,
            chargesBefore: before)
        try await charges { (charges) throws(StorageError) in try charges.begin(batch, amount: cost) }
        let signed: KoiSignedReport
        do {
            signed = try await koi.sign(
                .transfer(
                    Transfer(
                        from: AccountID.site, payments: [.init(to: priced.seller, amount: cost)],
                        why: .inferences(price: priced.price, count: owed.answers))),
                cost: cost, agent: AccountID.site)
        } catch let problem as Problem {
            // Else a node that stopped may have it in its journal: the next look at the ledger tells.
            if problem.status != 503 { try await end(batch, nil) }
            throw problem
        }
        // It is paid; a batch that stays begun is ended by the next look at the ledger.
        try? await end(batch, OpID(hex: signed.op))
        return signed
    }

    private func end(_ batch: InferenceCharges.Begun, _ op: OpID?) async throws {
        try await charges { (charges) throws(StorageError) in try charges.end(batch, op: op) }
    }

    private func charges<Value: Sendable>(
        _ work: @escaping @Sendable (InferenceCharges) throws(StorageError) -> Value
    ) async throws -> Value {
        let schema = database.schema
        return try await database.query { (connection) throws(StorageError) in
            try work(InferenceCharges(connection, schema: schema))
        }
    }

    private func resolveBegun() async throws {
        let begun = try await charges { (charges) throws(StorageError) in try charges.begun() }
        guard !begun.isEmpty else { return }
        let paid = try await host.ask { $0.state.ledger.charges(by: $0.identity.peerID) }
        for batch in begun {
            let op = paid.dropFirst(batch.chargesBefore)
                .first { $0.price == batch.price && $0.count == batch.answers }?.op
            try await end(batch, op)
        }
    }
}
