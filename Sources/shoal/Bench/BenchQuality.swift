internal import Benchmark
internal import Federation
internal import Graph
internal import Harness
internal import Learning
internal import Terminal

/// `shoal bench quality`: how well held-out facts are predicted, alone, together and pooled.
enum BenchQuality {
    private static let data = Option<[String]>(
        repeated: "data", .path.named("DIR"),
        "a folder with train.txt, valid.txt and test.txt, or with a sub-folder of those for each site")
    private static let seeds = Option("seeds", .text.named("N,N,…"), default: "1,2,3", "of walks and starting values")
    private static let arms = Option(
        "arms", .text.named("ARM,…"), default: "isolated,federated,pooled", "what is trained and compared")
    private static let rounds = Option<Int?>("rounds", .integer(1...10_000), "training rounds")
    private static let steps = Option<Int?>("steps", .integer(1...100_000), "steps of a site per round")
    private static let batch = Option<Int?>("batch", .integer(1...4_096), "lessons per step")
    private static let dim = Option("dim", .integer(16...128), default: 64, "width of the model")
    private static let heads = Option("heads", .integer(1...8), default: 4, "attention heads; they divide the width")
    private static let layers = Option("layers", .integer(1...2), default: 1, "transformer layers")
    private static let rate = Option<Double?>("learning-rate", .number(0...1), "the largest step of Adam")
    private static let warmUp = Option<Int?>("warm-up", .integer(0...1_000_000), "steps over which the rate rises")
    private static let decay = Option<Double?>("weight-decay", .number(0...10), "per unit of learning rate")
    private static let dropout = Option<Double?>("dropout", .number(0...0.9), "share of activations dropped")
    private static let smoothing = Option<Double?>("label-smoothing", .number(0...0.9), "probability given to all")
    private static let top = Option<Int?>("top-rows", .integer(1...1_000_000), "most token rows of one delta")
    private static let coarseness = Option(
        "coarseness", .integer(0...6), default: 6, "bits of each value of a delta that wait for later rounds")
    private static let delay = Option(
        "delay", .integer(0...100), default: 0, "rounds that a delta is on its way to the other sites")
    private static let every = Option(
        "measure-every", .integer(1...10_000), default: 1, "rounds between measurements on validation triples")
    private static let split = Option(
        "split", .text.named("SPLIT"), default: "test", "what sites are asked; valid, to choose settings by")
    private static let lookahead = Option(
        "lookahead", .number(0...0.9), default: Double(Lookahead.share),
        "share of the last move of the merged weights that a round begins beyond them")
    private static let privacy = Option<[String]>(
        repeated: "privacy", .text.named("KEY=VALUE,…|off"),
        "what every site does to its changes, as shoal run takes it; each --privacy is one federated training")
    private static let rules = Option<Int?>(
        "with-rules", .integer(1...1_000), "mine rules in so many steps a relation, and answer with them as well")
    private static let threads = Option("threads", .integer(1...256), default: 1, "cores to use")
    private static let checkpoint = Option<String?>(
        "checkpoint", .path.named("FILE"), "keeps a run of one folder: the same command goes on where it stopped")

    static let command = Command(
        "quality", summary: "filtered MRR on held-out triples: isolated, federated and pooled",
        discussion: """
            Trains in this process what nodes would train, with everything of production but sockets and databases: \
            each site alone, all sites together by the deltas that would travel, and one model on the triples of all. \
            Every site is asked its test triples, head and tail, among its own graph nodes; the triples of all sites \
            count as true. With one graph there is one model.

            Federated is compared with isolated question by question (a paired bootstrap over all seeds). With several \
            folders a summary follows; with --json each is one line.

            With rules, each site mines its own triples and proposes its best rules; the others verify them on theirs. \
            Then it answers with rules alone, with the model alone, and with both, weighed by its validation triples.

            With --privacy, sites train together once for each: what the settings cost, and the epsilon that they buy.
            """,
        options: [
            data, seeds, arms, rounds, steps, batch, dim, heads, layers, rate, warmUp, decay, dropout, smoothing, top,
            coarseness, delay, lookahead, privacy, every, split, rules, threads, checkpoint,
        ],
        examples: [
            .init("shoal bench quality --data data/umls-shared3", "three sites, three seeds: about a minute"),
            .init(
                "shoal bench quality --data data/fb15k-237 --dim 128 --seeds 1 --checkpoint fb.run",
                "hours; stop and start it as you like"),
            .init(
                "shoal bench quality --data data/umls-shared3 --privacy off --privacy clip=0.4,noise=0.003",
                "what noise costs"),
        ], run: run)

    private static func run(_ call: Invocation) async throws -> ExitCode {
        let folders = call[data]
        guard !folders.isEmpty else {
            throw call.failure("--data", "no folder is given", remedy: "Say where the triples are", exit: .usage)
        }
        guard folders.count == 1 || call[checkpoint] == nil else {
            throw call.failure("--checkpoint", "it keeps one run", remedy: "Give a single --data", exit: .usage)
        }
        let plans = try plans(call)
        guard plans.count == 1 || call[checkpoint] == nil else {
            throw call.failure("--checkpoint", "it keeps one run", remedy: "Give a single --privacy", exit: .usage)
        }
        let reports = try await LiveRegion.show(on: call.console) { region in
            var reports: [QualityReport] = []
            for folder in folders {
                for plan in plans { reports.append(try await measure(folder, plan, call, region)) }
            }
            return reports
        }
        if call[Shared.json] {
            for report in reports { try call.printJSON(report) }
        } else if !call[privacy].isEmpty {
            tellPrivacy(call.console, reports)
        } else {
            for report in reports { tell(call.console, report) }
            if reports.count > 1 { summarise(call.console, reports) }
        }
        return .done
    }

    private static func measure(
        _ folder: String, _ plan: QualityPlan, _ call: Invocation, _ region: LiveRegion
    ) async throws -> QualityReport {
        let path = call[checkpoint]
        let settings = plan.privacy.isOff ? "" : " " + plan.privacy.words.joined(separator: " ")
        let row = region.row((folder.split(separator: "/").last.map(String.init) ?? folder) + settings)
        row.status("reading")
        do {
            let report = try await OwnThread.run { isCancelled in
                try QualityRun(try QualityData(folder: folder), plan, checkpoint: path).run { progress in
                    if isCancelled() { throw CancellationError() }
                    row.progress(progress.figures.round, of: progress.rounds, .count("rounds"), note: note(progress))
                }
            }
            row.finish("measured")
            return report
        } catch let error as BenchmarkError {
            throw call.failure(folder, "\(error)", remedy: remedy(error))
        } catch let error as GraphError {
            throw call.failure(folder, "\(error)", remedy: "A line is HEAD, a tab, RELATION, a tab, TAIL")
        } catch let error as LearningError {
            throw call.failure(folder, "\(error)", remedy: "Change the options", exit: .usage)
        }
    }

    private static func note(_ progress: QualityRun.Progress) -> String {
        let figures = progress.figures
        var parts = ["\(progress.stage) (\(progress.stages.done + 1) of \(progress.stages.all))"]
        parts.append("epoch \(Format.fixed(figures.epochs, 1))")
        parts.append("loss \(Format.fixed(Double(figures.loss), 2))")
        if let score = figures.validation { parts.append("validation \(Format.fixed(score, 3))") }
        return parts.joined(separator: ", ")
    }

    private static func remedy(_ error: BenchmarkError) -> String {
        switch error {
        case .unreadable: "Check the path"
        case .nothingToLearn: "Give a folder with triples in train.txt, or sub-folders with one each"
        case .otherRun: "Repeat the command as it was, or remove the checkpoint"
        case .damagedCheckpoint: "Remove the checkpoint"
        case .sitesDisagree, .wrongAnswer: "This is a defect of shoal: please report it with the command"
        }
    }

    /// One for each `--privacy`: sites together alone, since nothing else sends anything.
    private static func plans(_ call: Invocation) throws -> [QualityPlan] {
        let plan = try plan(call)
        guard !call[privacy].isEmpty else { return [plan] }
        return try call[privacy].map { words in
            var plan = plan
            plan.arms = [.federated]
            do {
                plan.privacy = try PrivacyPolicy(words.split(separator: ",").map(String.init))
            } catch {
                throw call.failure("--privacy", "\(error)", exit: .usage)
            }
            return plan
        }
    }

    private static func plan(_ call: Invocation) throws -> QualityPlan {
        let shape: ModelShape
        do {
            shape = try ModelShape(dim: call[dim], heads: call[heads], layers: call[layers], context: 16)
        } catch {
            throw call.failure("--heads", "\(error)", remedy: "Use a divisor of --dim", exit: .usage)
        }
        var plan = QualityPlan(shape: shape)
        plan.rounds = call[rounds] ?? plan.rounds
        plan.steps = call[steps] ?? plan.steps
        plan.batch = call[batch] ?? plan.batch
        plan.topRows = call[top]
        plan.coarseness = UInt8(call[coarseness])
        plan.delay = call[delay]
        plan.lookahead = Float(call[lookahead])
        plan.measureEvery = call[every]
        plan.threads = call[threads]
        plan.ruleRounds = call[rules]
        if let rate = call[rate] { plan.options.learningRate = Float(rate) }
        if let steps = call[warmUp] { plan.options.warmupSteps = steps }
        if let decay = call[decay] { plan.options.weightDecay = Float(decay) }
        if let dropout = call[dropout] { plan.options.dropout = Float(dropout) }
        if let smoothing = call[smoothing] { plan.options.labelSmoothing = Float(smoothing) }
        guard let asked = QualityPlan.Asked(rawValue: call[split]) else {
            throw call.failure(
                "--split", "'\(call[split])' is no split", remedy: "Say test or valid", exit: .usage)
        }
        plan.asked = asked
        plan.seeds = try list(call, seeds, "a list of whole numbers") { UInt64($0) }
        plan.arms = try list(call, arms, "isolated, federated and pooled, or some of them") {
            QualityPlan.Arm(rawValue: $0)
        }
        return plan
    }

    private static func list<Value>(
        _ call: Invocation, _ option: Option<String>, _ rule: String, _ parse: (String) -> Value?
    ) throws -> [Value] {
        let words = call[option].split(separator: ",").map(String.init)
        let values = words.compactMap(parse)
        guard !values.isEmpty, values.count == words.count else {
            throw call.failure("'\(call[option])'", "it is not \(rule)", remedy: "Put commas between", exit: .usage)
        }
        return values
    }
}
