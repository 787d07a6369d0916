import Terminal
import Testing

@testable import shoal

@Suite struct BenchCommandTests {
    private static let small = [
        "--vocabulary", "60", "--dim", "16", "--layers", "1", "--context", "8", "--seconds", "0.1",
    ]

    private struct Training: Decodable {
        let tokensPerSecond, gflops, peakGflops, peakShare: Double
        let threads: Int
        let kernel: String
        let parameters: Int
    }

    private struct Answers: Decodable {
        let p50Us, p90Us, p99Us: Double
        let questions: Int
    }

    @Test func `training is measured beside its peak`() async throws {
        let outcome = await run(["bench", "train", "--batch", "2", "--threads", "2", "--json"] + Self.small)
        #expect(outcome.code == .done, "\(outcome.errors)")
        let report = try outcome.json(Training.self)
        #expect(report.tokensPerSecond > 0 && report.gflops > 0 && report.peakGflops > report.gflops)
        #expect(abs(report.peakShare - report.gflops / report.peakGflops) < 1e-9)
        // Per position: three products with (60 rows + 12 x 16 for the layer) x 16, and attention over 4.5 on average.
        let flops = 6.0 * 16 * (60 + 192) + 6 * 16 * 9
        #expect(abs(report.gflops - report.tokensPerSecond * flops * 1e-9) < 1e-9 * report.tokensPerSecond)
        #expect(report.threads == 2 && report.parameters == 60 * 16 + 8 * 16 + 12 * 256 + 3 * 16)
        #expect(["baseline", "avx2", "avx512"].contains(report.kernel))
    }

    @Test func `answers are measured`() async throws {
        let report = try await run(["bench", "predict", "--json"] + Self.small).json(Answers.self)
        #expect(report.p50Us > 0 && report.p50Us <= report.p90Us && report.p90Us <= report.p99Us)
        #expect(report.questions >= 10)
    }

    @Test func `the slowest kernel can be asked for`() async throws {
        let words = ["bench", "train", "--kernel", "baseline", "--batch", "1", "--json"] + Self.small
        #expect(try await run(words).json(Training.self).kernel == "baseline")
    }

    @Test func `a model that cannot be is a usage error that names the range`() async {
        let heads = await shoal("bench", "train", "--dim", "20", "--heads", "3")
        #expect(heads.code == .usage && heads.errors.contains("a divisor of dim 20"), "\(heads.errors)")
        #expect(await shoal("bench", "train", "--dim", "2").code == .usage)
        #expect(await shoal("bench", "predict", "--vocabulary", "0").code == .usage)
        #expect(await shoal("bench", "train", "--kernel", "quantum").code == .usage)
    }

    private struct Speed: Decodable {
        let name: String
        let anchor, shoal, ratio: Double
    }

    /// How fast is no matter here: a debug build on a busy machine may miss what is asked.
    @Test(arguments: [["merge", "--rows", "70", "--dim", "16"], ["verify-ops"]])
    func `speeds are measured beside an anchor`(words: [String]) async throws {
        let outcome = await run(["bench"] + words + ["--seconds", "0.1", "--json"])
        #expect([.done, .no].contains(outcome.code), "\(outcome.errors)")
        let rows = try outcome.json([Speed].self)
        #expect(!rows.isEmpty && rows.allSatisfy { $0.anchor > 0 && $0.shoal > 0 && $0.ratio > 0 && !$0.name.isEmpty })
    }

    @Test func `ops become durable in a PostgreSQL that is gone afterwards`() async throws {
        let outcome = await run(["bench", "ingest", "--json"])
        #expect([.done, .no].contains(outcome.code), "\(outcome.errors)")
        let rows = try outcome.json([Speed].self)
        #expect(rows.count == 1 && rows[0].anchor > 0 && rows[0].shoal > 0 && rows[0].ratio > 0)
    }

    @Test func `claims can only be valued where several sites are`() async {
        #expect(await shoal("bench", "valuation").code == .usage)
        #expect(await shoal("bench", "valuation", "--data", "x", "--heads", "3").code == .usage)
        #expect(await shoal("bench", "valuation", "--data", "/nonexistent/folder").code != .done)
        #expect(await shoal("bench", "merge", "--dim", "5").code == .usage)
    }
}
