import API
import Foundation
import Testing

@testable import Harness

extension ClusterTests {
    /// What a person does with a graph, with the built binary and a real node.
    @Suite struct GraphTests {
        private func refusal(_ node: ClusterNode, _ words: String...) async throws -> String {
            let outcome = try await Binary.run(program: Binary.path, words + ["--data-dir", node.dataDirectory])
            #expect(outcome.code == 4, "\(words): \(outcome.errors)\(outcome.output)")
            return outcome.errors
        }

        @Test func `a graph is changed, shown, compared and forgotten from the command line`() async throws {
            try await TestCluster.with(["a", "b"]) { test in
                let (a, b) = (try test["a"], try test["b"])
                let folder = URL(filePath: a.dataDirectory).deletingLastPathComponent()
                func write(_ text: String, _ name: String) throws -> String {
                    let file = folder.appending(path: name)
                    try Data(text.utf8).write(to: file)
                    return file.path
                }
                let facts = try write("ASA\ttreats\tpain\nASA\ttreats\tfever\nSmith\thas\tpain\n", "facts.tsv")
                let aliases = try write("ASA\taspirin\n", "aliases.tsv")
                let _: [ImportReport] = try await shoal(a, "graph", "import", facts, "--aliases", aliases)
                try await b.importTriples("aspirin\ttreats\tpain\nibuprofen\ttreats\tfever\nFever \thas\tcause\n")

                let shown: NodeDetailReport = try await shoal(a, "graph", "show", "ASA")
                #expect(shown.canonical == "aspirin" && shown.edgeCount == 2 && shown.sources == [facts])
                let found: GraphSearchReport = try await shoal(a, "graph", "search", "asa")
                #expect(found.results.map(\.node.name) == ["ASA"])
                #expect(try await refusal(a, "graph", "show", "painn").contains("Did you mean 'pain'?"))

                _ = try write("ASA\ttreats\tpain\nSmith\thas\tpain\nx\thas\ty\n", "facts.tsv")
                let again: [ImportReport] = try await shoal(a, "graph", "import", facts)
                #expect(again.map(\.removedEdges) == [1] && again.map(\.newEdges) == [1])
                let gone: DeleteReport = try await shoal(a, "graph", "delete", "x", "has", "y")
                #expect(gone.deleted == 1)
                let _: DeleteReport = try await shoal(a, "graph", "delete", "x", "has", "y", code: 1)

                try await views(a)
                try await overlap(test, a, b)

                let forgotten: ForgetReport = try await shoal(a, "graph", "forget", "Smith")
                #expect(
                    forgotten.edges == 1 && forgotten.perspectives == 1 && forgotten.announcedIn == 1
                        && forgotten.replicatedRows == 1)
                let export = folder.appending(path: "out.tsv").path
                let outcome = try await Binary.run("graph", "export", export, "--data-dir", a.dataDirectory)
                #expect(outcome.code == 0, "\(outcome.errors)")
                #expect(try String(contentsOfFile: export, encoding: .utf8) == "ASA\ttreats\tpain\n")
            }
        }

        private func views(_ a: ClusterNode) async throws {
            let _: AgentReport = try await shoal(a, "agents", "add", "anna")
            let _: PerspectiveReport = try await shoal(
                a, "perspective", "set", "--agent", "anna", "--weight", "-0.5", "Smith")
            let held: [PerspectiveReport] = try await shoal(a, "perspective", "list", "--agent", "anna")
            #expect(held.map(\.weight) == [-0.5])
            let _: AssociationReport = try await shoal(
                a, "associations", "set", "--agent", "anna", "--weight", "1", "ASA", "elaborates", "pain")
            let removed: RemovedReport = try await shoal(
                a, "associations", "remove", "--agent", "anna", "ASA", "elaborates", "pain")
            #expect(removed.removed == 1)
            #expect(
                try await refusal(a, "perspective", "set", "--agent", "bob", "--weight", "1", "ASA")
                    .contains("has no agent 'bob'"))
        }

        /// Both sites announce; what they share is counted, and walks that are not possible are refused.
        private func overlap(_ test: TestCluster, _ a: ClusterNode, _ b: ClusterNode) async throws {
            let _: ModelReport = try await shoal(a, "model", "create", "--agent", "clinic")
            for node in [a, b] {
                try await eventually("the model is known at \(node.name)") {
                    let known: [ModelReport] = try await node.client().get("/api/models")
                    return !known.isEmpty
                }
                let _: JobReport = try await shoal(node, "model", "train", "--agent", "clinic", "--rounds", "0")
            }
            try await eventually("a sees what b announced") {
                let report: OverlapReport = try await a.client().get("/api/graph/overlap")
                return report.models.first?.sites.first.map { $0.sharedNodes == 2 && $0.sharedRelations == 2 } ?? false
            }
            let report: OverlapReport = try await shoal(b, "graph", "overlap", "--agent", "clinic")
            #expect(report.models.map(\.sharedNodes) == [2])
            #expect(report.nearMatches.collisionExamples == [["Fever ", "fever"]])

            let train = ["model", "train", "--agent", "clinic"]
            for (words, cause) in [
                (["--walks", "tree"], "has a parent"), (["--scope", "a..b"], "label 2 of the scope is empty"),
                (["--scope", "docs"], "no graph node has a path in 'docs'"),
                (["--walks", "perspective"], "need an agent"),
                (["--walks", "perspective", "--perspective-agent", "bob"], "has no agent 'bob'"),
            ] {
                let outcome = try await Binary.run(
                    program: Binary.path, train + words + ["--data-dir", a.dataDirectory])
                #expect(outcome.code == 4 && outcome.errors.contains(cause), "\(words): \(outcome.errors)")
            }
            let job: JobReport = try await shoal(
                a, "model", "train", "--agent", "clinic", "--walks", "perspective", "--perspective-agent", "anna",
                "--rounds", "1", "--steps", "2")
            #expect(job.training.state == "done")
        }
    }
}
