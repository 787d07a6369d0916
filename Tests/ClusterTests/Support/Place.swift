import Foundation
import Testing

@testable import Harness

/// Where tests put their clusters: in memory where there is room, since durability against a power cut is not
/// what kill -9 is about, and some disks take seconds to forget a database.
enum Place {
    private static let neededBytes = 1 << 30

    static let base: String = {
        let free = try? FileManager.default.attributesOfFileSystem(forPath: "/dev/shm")[.systemFreeSize] as? Int
        let isWritable = FileManager.default.isWritableFile(atPath: "/dev/shm")
        return isWritable && free ?? 0 > neededBytes ? "/dev/shm" : "/tmp"
    }()

    /// Makes a directory for the time of `body`.
    static func with<Value>(_ body: (String) async throws -> Value) async throws -> Value {
        let path = "\(base)/shoal-test-\(UUID().uuidString.prefix(8))"
        // PostgreSQL's user must be able to pass when the tests run as root.
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o711])
        defer { try? FileManager.default.removeItem(atPath: path) }
        return try await body(path)
    }
}

/// Waits for a condition; its failure is the test's.
func eventually(
    _ claim: Comment, within patience: Duration = .seconds(60), every pause: Duration = .milliseconds(50),
    sourceLocation: SourceLocation = #_sourceLocation, _ condition: () async throws -> Bool
) async throws {
    let isTrue = try await Patience.poll(for: patience, every: pause, condition)
    try #require(isTrue, claim, sourceLocation: sourceLocation)
}
