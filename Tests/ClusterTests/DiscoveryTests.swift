import API
import Foundation
import Testing

@testable import Harness

extension ClusterTests {
    /// Sites that list one other find the rest through it.
    @Suite struct DiscoveryTests {
        private func connected(_ node: ClusterNode) async throws -> [String] {
            try await node.status().peers.filter(\.connected).map(\.peer)
        }

        @Test func `two that list a third one alone find each other, keep it in their files, and go on without it`()
            async throws
        {
            try await TestCluster.with(["a", "b", "c"], topology: .line, settings: NodeSettings(discover: true)) {
                test in
                let (first, last) = (try test["a"], try test["c"])
                try await eventually("a and c are connected") { try await connected(first).contains(last.peer) }
                try await eventually("who dialled keeps the address") {
                    try [(first, last), (last, first)].contains { own, other in
                        try String(contentsOfFile: own.peersPath, encoding: .utf8).contains(other.peer)
                    }
                }
                for name in ["a", "b", "c"] { try await test.cluster.strike(name, .terminate) }
                for name in ["a", "c"] { try await test.cluster.start(name) }
                try await eventually("they find each other with nobody between them") {
                    try await connected(test["a"]) == [last.peer]
                }
            }
        }

        @Test func `a network keeps the shape that was asked for where nobody discovers`() async throws {
            try await TestCluster.with(["a", "b", "c"], topology: .line) { test in
                try await test.agree()
                // Longer than the members of a network that does need to tell each other.
                try await Task.sleep(for: .seconds(3))
                #expect(try await connected(test["a"]) == [test["b"].peer])
            }
        }
    }
}
