import API
import Foundation
import Testing

@testable import Harness

extension ClusterTests {
    /// Exported weights are computed with by a program that shares no code with shoal, and come back.
    @Suite struct WeightsTests {
        /// The distribution's packages belong to its own python3, which need not be the first on the path.
        private static let python: String? = [Binary.find("python3"), "/usr/bin/python3"].compactMap { $0 }.first {
            let probe = Process()
            probe.executableURL = URL(filePath: $0)
            probe.arguments = ["-c", "import numpy"]
            probe.standardError = FileHandle.nullDevice
            guard (try? probe.run()) != nil else { return false }
            probe.waitUntilExit()
            return probe.terminationStatus == 0
        }

        private static var script: String {
            var package = URL(filePath: #filePath)
            for _ in 0..<3 { package.deleteLastPathComponent() }
            return package.appending(path: "Examples/logits.py").path
        }

        /// A site that has learned something, and a directory for files.
        private func taught(_ body: (_ test: TestCluster, _ site: [String], _ place: String) async throws -> Void)
            async throws
        {
            try await TestCluster.with(["a", "b"]) { test in
                try await test.teach(["a", "b"])
                try await test["a"].finish(try await test["a"].train(rounds: 3, steps: 20))
                try await test.agree()
                let site = ["--agent", TestCluster.agent, "--data-dir", try test["a"].dataDirectory]
                try await Place.with { try await body(test, site, $0) }
            }
        }

        private func shoal(_ words: [String]) async throws -> Binary.Outcome {
            try await Binary.run(program: Binary.path, words)
        }

        @Test(.enabled(if: python != nil, "needs python3 with numpy"))
        func `a few lines of Python reproduce the logits of predict, and imported weights answer the same`()
            async throws
        {
            let python = try #require(Self.python)
            try await taught { _, site, place in
                let file = "\(place)/w.safetensors"
                let exported = try await shoal(["model", "export", file] + site)
                #expect(exported.code == 0, "\(exported.errors)")
                for context in [["n3", "plus2"], ["n7", "^plus1"], ["n1", "plus1", "n2", "plus2"]] {
                    let answer = try await shoal(["model", "predict"] + context + ["--top", "24", "--json"] + site)
                    try Data(answer.output.utf8).write(to: URL(filePath: "\(place)/answer.json"))
                    let compared = try await Binary.run(
                        program: python, [Self.script, file] + context + ["--against", "\(place)/answer.json"])
                    #expect(compared.code == 0, "\(compared.output)\(compared.errors)")
                    #expect(compared.output.contains("of 24 logits"))
                }
                let printed = try await Binary.run(program: python, [Self.script, file, "n3", "plus2"])
                #expect(printed.code == 0 && printed.output.split(separator: "\n").count == 10, "\(printed.errors)")

                // A program's own change, by the same names, comes back to the site as its own weights.
                let change = """
                    import json, sys
                    path = sys.argv[1]
                    data = bytearray(open(path, "rb").read())
                    start = 8 + int.from_bytes(data[:8], "little")
                    place = json.loads(data[8:start])["final_norm"]["data_offsets"]
                    data[start + place[0]:start + place[1]] = bytes(place[1] - place[0])
                    open(path, "wb").write(data)
                    """
                #expect(try await Binary.run(program: python, ["-c", change, file]).code == 0)
                let imported = try await shoal(["model", "import", file, "--json"] + site)
                #expect(imported.code == 0, "\(imported.errors)")
                let report = try JSON.decode(WeightsImportReport.self, from: Array(imported.output.utf8))
                #expect(report.rows == 30 && report.unknown == 0 && report.missing == 0 && !report.replaced)
                let answer = try await shoal(["model", "predict", "n3", "plus2", "--isolated", "--json"] + site)
                let predictions = try JSON.decode(PredictReport.self, from: Array(answer.output.utf8)).predictions
                #expect(predictions.allSatisfy { $0.logit == 0 }, "a norm of zeros knows nothing")
            }
        }

        @Test func `bad files change nothing, and say what is wrong`() async throws {
            try await taught { test, site, place in
                let file = "\(place)/w.safetensors"
                let companion = "\(file).vocabulary.jsonl"
                #expect(try await shoal(["model", "export", file, "--no-names"] + site).code == 0)
                let whole = try Data(contentsOf: URL(filePath: file))
                let vocabulary = try String(contentsOfFile: companion, encoding: .utf8)
                #expect(!vocabulary.contains("n3"), "names stay at home")
                func refused(_ cause: String, file bytes: Data? = nil, vocabulary text: String? = nil) async throws {
                    try (bytes ?? whole).write(to: URL(filePath: file))
                    try Data((text ?? vocabulary).utf8).write(to: URL(filePath: companion))
                    let outcome = try await shoal(["model", "import", file] + site)
                    #expect(outcome.code == 4 && outcome.errors.contains(cause), "\(outcome.errors)")
                }
                try await refused("cut off", file: whole.dropLast(4))
                try await refused("follow its last tensor", file: whole + [0])
                try await refused("is it a safetensors file?", file: Data("no such thing".utf8))
                var nan = whole
                nan.replaceSubrange(nan.count - 4..<nan.count, with: [0, 0, 0xC0, 0x7F])
                try await refused("not a finite number", file: nan)
                let lines = vocabulary.split(separator: "\n")
                try await refused("29 tokens", vocabulary: lines.dropLast().joined(separator: "\n"))
                try await refused("line 2 of the vocabulary", vocabulary: lines[0] + "\n{}\n")
                let swapped = vocabulary.replacing(/"id":"../) { $0.output.prefix(6) + "00" }
                try await refused("another vocabulary file", vocabulary: swapped)

                let evaluated = try await shoal(["model", "predict", "n3", "plus2", "--isolated"] + site)
                #expect(evaluated.code == 4, "there are no weights of its own yet: \(evaluated.errors)")
                try whole.write(to: URL(filePath: file))
                try Data(vocabulary.utf8).write(to: URL(filePath: companion))
                #expect(try await shoal(["model", "import", file] + site).code == 0)
                let again = try await shoal(["model", "import", file] + site)
                #expect(again.code == 4 && again.errors.contains("--replace"), "\(again.errors)")
                #expect(try await shoal(["model", "import", file, "--replace"] + site).code == 0)

                let request = ModelCreateRequest(agent: "other", dim: 16, heads: 2, layers: 1, context: 8)
                let _: ModelReport = try await test["a"].client().post("/api/models", request)
                let other = ["model", "import", file, "--agent", "other"] + site.suffix(2)
                let foreign = try await shoal(other)
                #expect(foreign.code == 4 && foreign.errors.contains("weights of model"), "\(foreign.errors)")
                #expect(try await shoal(other + ["--from-another-model"]).code == 0)
            }
        }
    }
}
