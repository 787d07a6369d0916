import FoundationEssentials
import Terminal
import Testing

@testable import shoal

@Suite struct BenchQualityCommandTests {
    private struct Report: Decodable {
        struct Figures: Decodable { let mrr: Spread }
        struct Spread: Decodable { let mean, low, high: Double }

        let dataset: String
        let seeds: [Int]
        let isolated, federated, pooled: Figures?
        let bytesPerRound: Double?
    }

    /// Two sites that know different edges of one ring.
    private func data() throws -> String {
        let folder = FileManager.default.temporaryDirectory.appending(path: "shoal-bench-\(UUID().uuidString)").path
        for site in 0..<2 {
            try FileManager.default.createDirectory(atPath: "\(folder)/\(site)", withIntermediateDirectories: true)
            let lines = (0..<20).map { "n\($0)\tnext\tn\(($0 + 1 + site) % 20)\n" }
            try lines.joined().write(toFile: "\(folder)/\(site)/train.txt", atomically: true, encoding: .utf8)
            try lines[3].write(toFile: "\(folder)/\(site)/test.txt", atomically: true, encoding: .utf8)
        }
        return folder
    }

    private static let small = ["--rounds", "2", "--steps", "3", "--dim", "16", "--seeds", "1,5"]

    @Test func `figures of every arm are printed, for programs and for people`() async throws {
        let folder = try data()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let report = try await run(["bench", "quality", "--data", folder, "--json"] + Self.small).json(Report.self)
        #expect(folder.hasSuffix(report.dataset) && report.seeds == [1, 5])
        for figures in [report.isolated, report.federated, report.pooled] {
            #expect(try #require(figures).mrr.low > 0)
        }
        #expect(try #require(report.bytesPerRound) > 0)
        let text = await run(["bench", "quality", "--data", folder, "--data", folder] + Self.small)
        #expect(text.code == .done && text.output.contains("federated against isolated"), "\(text.errors)")
        #expect(text.output.contains("sites below isolated"), "several folders have a summary")
    }

    @Test func `what cannot be measured is said`() async throws {
        #expect(await shoal("bench", "quality").code == .usage)
        #expect(await shoal("bench", "quality", "--data", "x", "--arms", "solo").code == .usage)
        #expect(await shoal("bench", "quality", "--data", "x", "--heads", "3").code == .usage)
        let empty = await shoal("bench", "quality", "--data", "/nonexistent/folder")
        #expect(empty.code != .done && empty.errors.contains("/nonexistent/folder"), "\(empty.errors)")
    }
}
