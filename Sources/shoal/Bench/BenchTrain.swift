internal import Learning
internal import Terminal
internal import Wire

/// `shoal bench train`: tokens a second, and the share of what the processor can do at all.
enum BenchTrain {
    private static let batch = Option("batch", .integer(1...65_536), default: 32, "walks per step")
    private static let threads = Option<Int?>("threads", .integer(1...256), "threads (default: one a processor)")

    static let command = Command(
        "train", summary: "measure training, beside the fastest matrix product of this machine",
        discussion: """
            Every position of a walk is asked for its successor among all tokens, and Adam moves all weights at each \
            step: a language model's work, as other libraries are measured. The peak is a register-blocked matrix \
            product that stays in the caches, measured in turns with the training on the same threads.
            """,
        options: BenchModel.options + [batch, threads],
        examples: [
            .init("shoal bench train --vocabulary 15000 --dim 128 --context 32", "a large graph's model"),
            .init("shoal bench train --vocabulary 1000 --dim 32 --layers 1 --batch 1 --json", "for a program"),
        ], run: run)

    /// What `--json` prints. Rates of training are medians over the turns, the peak is their best.
    struct Report: Encodable {
        /// Positions trained a second.
        var tokensPerSecond = 0.0
        /// 10^9 floating point operations a second of the model's matrix products, forward and back.
        var gflops = 0.0
        /// The same of a matrix product by itself.
        var peakGflops = 0.0
        var peakShare = 0.0
        var threads = 0
        var kernel = ""
        var steps = 0
        var parameters = 0
        var seed: UInt64 = 0
    }

    /// Training and peak take turns, so that both see the same machine.
    private static let turns = 5

    private static func run(_ call: Invocation) async throws -> ExitCode {
        let model = try BenchModel(call)
        let threads = call[threads] ?? BenchModel.processors
        let work: TrainingLoad
        do {
            work = try TrainingLoad(model, batch: call[batch], threads: threads)
        } catch {
            throw call.failure("the model", "\(error)", exit: .usage)
        }
        let report = try await LiveRegion.show(on: call.console) { region in
            let row = region.row("training")
            let report = try measure(model, work, threads: threads) { row.progress($0, of: turns, .count("turns")) }
            row.finish("\(Format.count(report.steps)) steps")
            return report
        }
        if call[Shared.json] {
            try call.printJSON(report)
        } else {
            tell(call.console, report)
        }
        return .done
    }

    private static func measure(
        _ model: BenchModel, _ work: TrainingLoad, threads: Int, _ progress: (Int) -> Void
    ) throws -> Report {
        let product = try ProductLoad(threads: threads, kernel: model.kernel)
        try work.warmUp()
        _ = product.run(8)
        var (rates, peaks): ([Double], [Double]) = ([], [])
        for turn in 0..<turns {
            progress(turn)
            rates.append(try timed(model.seconds / Double(turns)) { try work.step() })
            peaks.append(try timed(min(0.2, model.seconds / Double(turns))) { product.run(8) } * 1e-9)
        }
        var report = Report()
        report.tokensPerSecond = median(rates)
        report.gflops = report.tokensPerSecond * work.flopsPerToken * 1e-9
        report.peakGflops = peaks.max() ?? 0
        report.peakShare = report.gflops / report.peakGflops
        report.threads = threads
        report.kernel = model.kernel.rawValue
        report.steps = work.steps
        report.parameters = model.shape.parameterCount(vocabulary: model.vocabulary)
        report.seed = model.seed
        return report
    }

    /// Repeats `body` for some seconds, at least twice.
    ///
    /// - Returns: the sum of its results a second.
    private static func timed(_ seconds: Double, _ body: () throws -> Double) throws -> Double {
        let start = ContinuousClock.now
        var (sum, count, elapsed) = (0.0, 0, 0.0)
        while count < 2 || elapsed < seconds {
            sum += try body()
            count += 1
            elapsed = start.duration(to: .now) / .seconds(1)
        }
        return sum / elapsed
    }

    private static func tell(_ console: Console, _ report: Report) {
        var values = KeyValues()
        values.add("trained", "\(Format.count(Int(report.tokensPerSecond))) tokens a second")
        values.add("model", "\(counted(report.parameters, "parameter")), \(counted(report.threads, "thread"))")
        values.add(
            "arithmetic",
            "\(Format.fixed(report.gflops, 1)) GFLOP/s of \(Format.fixed(report.peakGflops, 1)) at peak: "
                + Format.percent(report.peakShare))
        values.add("kernel", report.kernel)
        console.print(values)
    }
}

/// Steps of a language model on seeded walks.
final class TrainingLoad {
    private let trainer: Trainer
    private let batches: [Batch]
    /// Floating point operations per position: three products (forward, input, weights) of every matrix, the
    /// head's included, and attention's two over the half of a walk that a position sees.
    let flopsPerToken: Double
    private(set) var steps = 0

    init(_ model: BenchModel, batch B: Int, threads: Int) throws(LearningError) {
        var options = TrainingOptions()
        // As the peer: the plain loss, and no decay.
        (options.dropout, options.labelSmoothing, options.weightDecay, options.clipNorm) = (0, 0, 0, 0)
        options.learningRate = 1e-3
        let (V, T) = (model.vocabulary, model.shape.context)
        trainer = try Trainer(
            shape: model.shape, vocabulary: V, candidates: V, options: options, seed: model.seed, threads: threads,
            kernel: model.kernel)
        var random = Random(seed: model.seed)
        batches = (0..<8).map { _ in
            var batch = Batch(
                tokens: Array(repeating: 0, count: B * T), targets: Array(repeating: 0, count: B * T), B: B, T: T)
            for walk in 0..<B {
                let tokens = (0...T).map { _ in Int32(random.below(V)) }
                for t in 0..<T {
                    (batch.tokens[walk * T + t], batch.targets[walk * T + t]) = (tokens[t], tokens[t + 1])
                }
            }
            return batch
        }
        let (d, L) = (Double(model.shape.dim), Double(model.shape.layers))
        flopsPerToken = 6 * d * (Double(V) + 12 * d * L) + 6 * d * L * Double(T + 1)
    }

    func warmUp() throws(LearningError) {
        for batch in batches.prefix(3) { try trainer.step(batch) }
    }

    /// - Returns: the positions trained.
    func step() throws(LearningError) -> Double {
        let batch = batches[steps % batches.count]
        try trainer.step(batch)
        steps += 1
        return Double(batch.tokens.count)
    }
}
