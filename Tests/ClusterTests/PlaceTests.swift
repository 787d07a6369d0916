import Foundation
import Glibc
import Testing

@testable import Harness

extension ClusterTests {
    @Suite struct PlaceTests {
        @Test func `two nodes work in a directory with a very long path`() async throws {
            let long = (0..<4).map { "\($0)-" + String(repeating: "x", count: 70) }.joined(separator: "/")
            try await TestCluster.with(["a", "b"], in: long) { test in
                #expect(try test["a"].dataDirectory.utf8.count > 300)
                try await test.teach(["a", "b"])
                let status = try await test.agree()
                #expect(Set(status.nodes.map(\.listen)).count == 2, "each has a port of its own")
            }
        }

        @Test(
            .enabled(
                if: geteuid() == 0 && Binary.find("setpriv") != nil, "needs root and setpriv to become another user"))
        func `an ordinary user runs a cluster`() async throws {
            let setpriv = try #require(Binary.find("setpriv"))
            try await Place.with { place in
                // The build directory may be closed to others.
                try FileManager.default.copyItem(atPath: Binary.path, toPath: "\(place)/shoal")
                try #require(chmod("\(place)/shoal", 0o755) == 0)
                try FileManager.default.createDirectory(atPath: "\(place)/home", withIntermediateDirectories: false)
                try #require(chown("\(place)/home", 65_534, 65_534) == 0)
                func asNobody(_ arguments: String...) async throws -> Binary.Outcome {
                    try await Binary.run(
                        program: setpriv,
                        ["--reuid=65534", "--regid=65534", "--clear-groups", "\(place)/shoal"] + arguments)
                }
                let up = try await asNobody("cluster", "up", "--nodes", "1", "--dir", "\(place)/home/c", "--json")
                #expect(up.code == 0, "\(up.errors)")
                #expect(up.output.contains("\"state\":\"up\""))
                let node = try Cluster(existing: "\(place)/home/c").node("a")
                let postgres = try #require(node.postgres)
                var owner = stat()
                #expect(stat("/proc/\(postgres.pid)", &owner) == 0 && owner.st_uid == 65_534)
                let down = try await asNobody("cluster", "down", "--dir", "\(place)/home/c")
                #expect(down.code == 0, "\(down.errors)")
                #expect(!postgres.isAlive && !node.isAlive)
                #expect(!FileManager.default.fileExists(atPath: "\(place)/home/c"))
            }
        }
    }
}
