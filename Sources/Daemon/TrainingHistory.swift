internal import API
internal import Graph
internal import Identity
internal import Learning
internal import Storage
internal import Wire

/// The table of training runs: what was trained at this site, with what and how it ended.
final class TrainingHistory: Sendable {
    private let database: Database

    init(database: Database) { self.database = database }

    /// What a run was told to do, every default filled in.
    private struct Config: Encodable {
        let weights: Weights
        let rounds, steps, batch, tokens: Int
        let learningRate: Float
        let seed: UInt64
    }

    /// Writes the row of a run that ended. A row that cannot be written is not worth a failed training.
    func append(_ run: TrainingRun, agent: String) async {
        let (plan, report) = (run.plan, run.progress)
        let config = Config(
            weights: plan.weights, rounds: plan.rounds, steps: plan.steps, batch: plan.batch, tokens: plan.tokens,
            learningRate: plan.options.learningRate, seed: plan.seed)
        guard let bytes = try? JSON.encode(config) else { return }
        let record = TrainingRunRecord(
            model: run.model, agent: agent, config: Bytes(bytes), walks: plan.walks.rule.rawValue,
            scope: plan.walks.scope.map { "\($0)" }, sequences: report.steps * plan.batch, steps: report.steps,
            finalLoss: report.loss.flatMap { $0.isFinite ? $0 : nil }, durationMs: Int(report.seconds * 1_000),
            outcome: .init(rawValue: report.state) ?? .failed, error: report.error)
        let schema = database.schema
        try? await database.query { (connection) throws(StorageError) in
            try TrainingRunLog(connection, schema: schema).append(record)
        }
    }

    /// The latest runs of a model, newest first.
    func reports(of model: ModelID) async throws -> [TrainingRunReport] {
        let schema = database.schema
        let runs = try await database.query { (connection) throws(StorageError) in
            try TrainingRunLog(connection, schema: schema).history(of: model)
        }
        return runs.map { stored in
            TrainingRunReport(
                endedAt: stored.endedAt, outcome: stored.run.outcome.rawValue, walks: stored.run.walks,
                scope: stored.run.scope, sequences: stored.run.sequences, steps: stored.run.steps,
                loss: stored.run.finalLoss, seconds: Double(stored.run.durationMs) / 1_000, error: stored.run.error)
        }
    }
}
