internal import Learning
internal import Terminal
internal import Wire

/// `shoal bench predict`: the time of an answer, inside the process.
enum BenchPredict {
    private static let count = Option("count", .integer(1...1_000), default: 10, "answers per question")

    static let command = Command(
        "predict", summary: "measure the time of an answer, without the way to it",
        discussion: """
            A question is a walk as long as the context; the answer is the most probable next tokens among all, with \
            their probabilities. One thread, as a node answers.
            """,
        options: BenchModel.options + [count],
        examples: [
            .init("shoal bench predict --vocabulary 1000", "a small graph"),
            .init("shoal bench predict --vocabulary 15000 --json", "for a program"),
        ], run: run)

    /// What `--json` prints. Times in microseconds.
    struct Report: Encodable {
        var p50Us = 0.0
        var p90Us = 0.0
        var p99Us = 0.0
        var questions = 0
        var kernel = ""
        var seed: UInt64 = 0
    }

    private static func run(_ call: Invocation) async throws -> ExitCode {
        let model = try BenchModel(call)
        let report: Report
        do {
            report = try measure(model, count: call[count])
        } catch {
            throw call.failure("the model", "\(error)", exit: .usage)
        }
        if call[Shared.json] {
            try call.printJSON(report)
        } else {
            var values = KeyValues()
            values.add("half of the answers within", "\(Format.fixed(report.p50Us, 1)) µs")
            values.add("nine in ten within", "\(Format.fixed(report.p90Us, 1)) µs")
            values.add("99 in 100 within", "\(Format.fixed(report.p99Us, 1)) µs")
            values.add("asked", counted(report.questions, "question"))
            values.add("kernel", report.kernel)
            call.console.print(values)
        }
        return .done
    }

    private static func measure(_ model: BenchModel, count: Int) throws(LearningError) -> Report {
        let (V, T) = (model.vocabulary, model.shape.context)
        let weights = Parameters.initial(shape: model.shape, vocabulary: V, seed: model.seed)
        let predictor = try Predictor(shape: model.shape, parameters: weights, candidates: V, kernel: model.kernel)
        var random = Random(seed: model.seed)
        var times: [Double] = []
        let start = ContinuousClock.now
        while times.count < 20 || start.duration(to: .now) / .seconds(1) < model.seconds {
            let context = (0..<T).map { _ in Int32(random.below(V)) }
            let asked = ContinuousClock.now
            _ = try predictor.topK(count, context: context)
            times.append(asked.duration(to: .now) / .microseconds(1))
        }
        // The first ones warm the caches.
        times = times.dropFirst(10).sorted()
        func share(_ part: Double) -> Double { times[Int(Double(times.count - 1) * part)] }
        return Report(
            p50Us: share(0.5), p90Us: share(0.9), p99Us: share(0.99), questions: times.count,
            kernel: model.kernel.rawValue, seed: model.seed)
    }
}
