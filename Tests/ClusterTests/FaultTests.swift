import API
import Testing

@testable import Harness

extension ClusterTests {
    @Suite struct FaultTests {
        @Test func `nodes killed in the middle of training and of merging lose nothing and repeat nothing`()
            async throws
        {
            try await TestCluster.with(["a", "b", "c"]) { test in
                try await test.teach(["a", "b"])
                let (a, b, c) = (try test["a"], try test["b"], try test["c"])
                let atA = try await a.train(rounds: 120)
                let atB = try await b.train(rounds: 400)
                try await eventually("ops of b arrive at a") { try await a.ops(of: b) >= 20 }
                #expect(try await b.job(atB).state == "running", "b is in the middle of its training")
                try await test.cluster.strike("b", .killNode)
                let before = try await a.ops(of: b)
                try await eventually("c goes on merging without b") { try await c.ops(of: a) >= 40 }
                try await test.cluster.strike("c", .killNode)

                for name in ["b", "c"] { try await test.cluster.start(name) }
                let (again, merger) = (try test["b"], try test["c"])
                try await again.finish(try await again.train(rounds: 10))
                try await a.finish(atA)
                try await test.agree()
                #expect(try await a.ops(of: again) >= before + 10, "what b had published counts, and b goes on")
                #expect(try await merger.ops(of: a) >= 120)
                #expect(
                    Set(try await a.allOps().filter { $0.author == b.peer }.map(\.log)).count == 1, "b kept its log")
                try await test.expectWholeLogs()
            }
        }

        @Test func `PostgreSQL killed under a trainer and under a merger stops neither`() async throws {
            try await TestCluster.with(["a", "b"]) { test in
                try await test.teach(["a"])
                let (a, b) = (try test["a"], try test["b"])
                let job = try await a.train(rounds: 150)
                try await eventually("ops of a arrive at b") { try await b.ops(of: a) >= 20 }
                try await test.cluster.strike("a", .killPostgres)
                try await test.cluster.strike("b", .killPostgres)
                let training = try await a.finish(job)
                #expect(training.ops == 150)
                try await test.agree()
                #expect(try await b.ops(of: a) >= 150)
                try await test.expectWholeLogs()
                #expect(try test["a"].process == a.process && a.isAlive, "the node itself went on")
                #expect(b.isAlive)
            }
        }

        @Test func `after a power cut of every node the network is as before`() async throws {
            try await TestCluster.with(["a", "b"]) { test in
                try await test.teach(["a", "b"])
                let (a, b) = (try test["a"], try test["b"])
                _ = try await a.train(rounds: 400)
                _ = try await b.train(rounds: 400)
                try await eventually("both merge") {
                    let (atA, atB) = (try await a.ops(of: b), try await b.ops(of: a))
                    return atA >= 20 && atB >= 20
                }
                for name in ["a", "b"] {
                    try? await test.cluster.strike(name, .killPostgres)
                    try await test.cluster.strike(name, .killNode)
                }
                try await test.cluster.up()
                try await test.agree()
                try await test.expectWholeLogs()
                #expect(try await test["a"].ops(of: b) >= 20)
                #expect(try await test["b"].ops(of: a) >= 20)
            }
        }
    }
}
