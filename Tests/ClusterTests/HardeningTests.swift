import API
import Glibc
import Testing

@testable import Harness

extension ClusterTests {
    /// Strangers and hard ends: who is no member can neither lock members out nor fill memory.
    @Suite struct HardeningTests {
        /// Connections of a stranger to the port where a node listens for peers.
        private func connect(_ count: Int, to node: ClusterNode) async throws -> [LinkSocket] {
            var sockets: [LinkSocket] = []
            for _ in 0..<count {
                let socket = try LinkSocket.connecting(to: "127.0.0.1", port: node.record.port)
                sockets.append(socket)
                try await eventually("the stranger is connected") { socket.isConnected }
            }
            return sockets
        }

        private func memory(_ node: ClusterNode) throws -> Int {
            let process = try #require(node.process)
            return try #require(ProcessTable.memory(of: process.pid)).resident
        }

        /// A TLS record that promises a handshake message, and its first bytes.
        private static let halfHello: [UInt8] = [22, 3, 1, 2, 0, 1, 0, 1, 0xFC, 3, 3]

        @Test func `strangers that hold seats and say nothing do not keep a member out`() async throws {
            try await TestCluster.with(["a", "b"]) { test in
                try await test.teach(["a"])
                let b = try test["b"]
                try await test.cluster.strike("a", .killNode)
                // More than may be unauthenticated at once; half of them begin a handshake, and go no further.
                let strangers = try await connect(120, to: b)
                for (place, socket) in strangers.enumerated() where place % 2 == 0 {
                    _ = socket.write(Self.halfHello[...])
                }
                try await test.cluster.start("a")
                let a = try test["a"]
                try await a.finish(try await a.train(rounds: 5))
                try await test.agree()
                // Those that only a deadline ends are ended.
                try await eventually("no stranger has a seat") { strangers.allSatisfy(\.isForsaken) }
                for socket in strangers { socket.close() }
                #expect(try await b.status().trouble == nil)
            }
        }

        @Test func `a flood of rubbish is dropped, and takes no memory`() async throws {
            try await TestCluster.with(["a", "b"]) { test in
                try await test.teach(["a"])
                let (a, b) = (try test["a"], try test["b"])
                let before = try memory(b)
                let strangers = try await connect(60, to: b)
                // A record of a type that does not exist, a record that is too long, an endless ClientHello.
                let kinds: [[UInt8]] = [
                    [0, 1, 2, 3], [22, 3, 1, 0xFF, 0xFF, 1], [22, 3, 1, 0x40, 0, 1, 0xFF, 0xFF, 0xFF],
                ]
                let rubbish = [UInt8](repeating: 0x5A, count: 16 << 10)
                for round in 0..<64 {
                    for (place, socket) in strangers.enumerated() {
                        _ = socket.write(round == 0 ? kinds[place % kinds.count][...] : rubbish[...])
                    }
                }
                try await a.finish(try await a.train(rounds: 5))
                try await test.agree()
                try await eventually("all are thrown out") { strangers.allSatisfy(\.isForsaken) }
                for socket in strangers { socket.close() }
                #expect(try memory(b) - before < 48 << 10, "KiB; 60 MiB were sent")
            }
        }

        @Test func `a node that is asked to stop under load does so in ten seconds and loses nothing`() async throws {
            let scenario = try Scenario(
                parsing: Array(
                    """
                    {"name": "stop under load", "topology": {"nodes": 3}, "steps": [
                      {"at": 0, "do": "load", "rounds": 20, "every": 0.05},
                      {"at": 2, "do": "stop", "node": "b"}, {"at": 3, "do": "start", "node": "b"},
                      {"at": 4, "do": "stop", "node": "c"}, {"at": 4, "do": "start", "node": "c"},
                      {"at": 6, "do": "end-load"}],
                     "expect": [{"what": "agree"}, {"what": "nothing-lost"}, {"what": "whole-logs"}]}
                    """.utf8), path: "test")
            try await Place.with { place in
                var options = Rehearsal.Options()
                (options.binary, options.directory) = (Binary.path, "\(place)/c")
                let report = try await Rehearsal.run(scenario, options)
                #expect(report.isWell, "\(report.timeline.map(\.line).joined(separator: "\n"))")
                let stops = report.timeline.filter { $0.what.hasPrefix("stop ") }
                #expect(stops.count == 2 && stops.allSatisfy { $0.took < 10 }, "what an operator is promised: \(stops)")
            }
        }
    }
}
