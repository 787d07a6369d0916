internal import Glibc
internal import Learning
internal import Terminal

/// `shoal bench`: how fast this machine does what a node does, and how well. It needs no site and no database.
enum BenchCommand {
    static let command = Command(
        "bench", summary: "measure how fast this machine trains and answers, and how well", flags: [Shared.json],
        examples: [
            .init("shoal bench train", "training, beside the fastest matrix product of this machine"),
            .init("shoal bench predict", "the time of an answer"),
            .init("shoal bench quality --data data/umls-shared3", "does learning together beat learning alone?"),
            .init("shoal bench valuation --data data/umls-shared3", "is training paid for what it is worth?"),
            .init("shoal bench merge", "adding deltas, beside a plain C loop"),
            .init("shoal bench verify-ops", "checking ops, beside libsodium alone"),
            .init("shoal bench ingest", "making ops durable, beside a plain COPY"),
            .init("shoal bench gossip", "healing and redundancy of simulated networks"),
        ],
        subcommands: [
            BenchTrain.command, BenchPredict.command, BenchMerge.command, BenchVerify.command, BenchVerifyOps.command,
            BenchIngest.command, BenchGossip.command,
            BenchQuality.command, BenchValuation.command,
        ])
}

/// The model and the walks that are measured; the same options for every measurement.
struct BenchModel {
    static let vocabulary = Option("vocabulary", .integer(1...16_777_216), default: 15_000, "tokens of the model")
    static let dim = Option("dim", .integer(4...1024), default: 64, "width of a token's row")
    static let heads = Option("heads", .integer(1...64), default: 4, "attention heads; they divide the width")
    static let layers = Option("layers", .integer(1...24), default: 2, "transformer layers")
    static let context = Option("context", .integer(2...1024), default: 16, "tokens that the model reads")
    static let seconds = Option("seconds", .number(0.1...3_600), default: 3, "how long to measure")
    static let seed = Option("seed", .integer(0 ... .max), default: 1, "of the weights and the walks")
    static let kernel = Option<KernelVariant?>(
        "kernel", .choice(), "the instructions to use (default: the best that run here)")
    static let options: [any OptionDeclaration] = [vocabulary, dim, heads, layers, context, seconds, seed, kernel]

    let shape: ModelShape
    let vocabulary: Int
    let seconds: Double
    let seed: UInt64
    let kernel: KernelVariant

    init(_ call: Invocation) throws {
        do {
            shape = try ModelShape.beyondDefaults(
                dim: call[BenchModel.dim], heads: call[BenchModel.heads], layers: call[BenchModel.layers],
                context: call[BenchModel.context])
        } catch {
            throw call.failure("the model", "\(error)", exit: .usage)
        }
        vocabulary = call[BenchModel.vocabulary]
        seconds = call[BenchModel.seconds]
        seed = UInt64(call[BenchModel.seed])
        kernel = call[BenchModel.kernel] ?? .best
    }

    /// Processors that this process may use.
    static var processors: Int { max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) }
}

/// The middle of some numbers; the mean of the two middle ones where there are two. Not empty.
func median(_ values: [Double]) -> Double {
    let sorted = values.sorted()
    return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
}
