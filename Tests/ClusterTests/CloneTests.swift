import API
import Testing

@testable import Harness

extension ClusterTests {
    @Suite struct CloneTests {
        /// As a virtual machine that goes on from an old snapshot: its sign journal knows nothing of what it wrote
        /// since, and nobody it could ask is there.
        @Test func `a site put back whole forks its log; all take that back, agree, and go on`() async throws {
            try await TestCluster.with(["a", "b"]) { test in
                try await test.teach(["a"])
                try await test["a"].finish(try await test["a"].train(rounds: 2))
                try await test.agree()
                try await stop("a", in: test)
                let place = try test["a"].dataDirectory
                try await copy(place, to: place + ".old")
                try await test.cluster.start("a")
                try await test["a"].finish(try await test["a"].train(rounds: 3))
                try await test.agree()

                for name in ["b", "a"] { try await stop(name, in: test) }
                #expect(try await Binary.run(program: try #require(Binary.find("rm")), ["-r", place]).code == 0)
                try await copy(place + ".old", to: place)
                try await test.cluster.start("a")
                let a = try test["a"]
                try await a.importTriples("x\tknows\ty\n")
                try await a.finish(try await a.train(rounds: 2))

                try await test.cluster.start("b")
                let b = try test["b"]
                try await test.agree()
                let forked = try await b.allOps().filter { $0.void?.hasPrefix("forked") == true }
                #expect(forked.count == 3 && forked.allSatisfy { $0.author == a.peer }, "the three rounds b had seen")
                try await a.finish(try await a.train(rounds: 1))
                try await test.agree()
                let logs = Set(try await b.allOps().filter { $0.author == a.peer && $0.void == nil }.map(\.log))
                #expect(logs.count == 2, "it goes on in a new log")
                for node in [a, b] {
                    let report: VerifyReport = try await node.client().get("/api/ops/verify")
                    #expect(report.faults == [], "\(node.name)")
                }
            }
        }

        private func stop(_ name: String, in test: TestCluster) async throws {
            try await test.cluster.strike(name, .killNode)
            try await eventually("the database of \(name) has ended") { try test[name].servers.isEmpty }
        }

        private func copy(_ path: String, to other: String) async throws {
            let outcome = try await Binary.run(program: try #require(Binary.find("cp")), ["-a", path, other])
            #expect(outcome.code == 0, "\(outcome)")
        }
    }
}
