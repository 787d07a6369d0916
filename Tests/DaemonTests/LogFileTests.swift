import Foundation
import Glibc
import Testing

@testable import Daemon

@Suite struct LogFileTests {
    private func with<Value>(_ body: (String) throws -> Value) throws -> Value {
        let place = FileManager.default.temporaryDirectory.appending(path: "shoal-log-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: place, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(at: place) }
        return try body(place.appending(path: "log").path)
    }

    private func text(_ path: String) -> String { (try? String(contentsOfFile: path, encoding: .utf8)) ?? "" }

    @Test func `at its limit a file becomes the former one, and no line is lost or split`() throws {
        try with { path in
            let log = LogFile(path: path, limit: 100)
            for number in 10..<40 { log.append("line=\(number)\n") }
            let (former, latest) = (text(path + ".1"), text(path))
            #expect(former.utf8.count <= 100 && latest.utf8.count <= 100)
            let lines = (former + latest).split(separator: "\n")
            #expect(lines.last == "line=39" && lines.allSatisfy { $0.hasPrefix("line=") && $0.utf8.count == 7 })
            #expect(lines.count > 12, "both are full but for a line")
            // Another process goes on where it was.
            LogFile(path: path, limit: 100).append("line=40\n")
            #expect((text(path + ".1") + text(path)).hasSuffix("line=39\nline=40\n"))
        }
    }

    @Test func `a file that cannot be opened or written stops nobody`() {
        LogFile(path: "/nowhere/log").append("line\n")
        let full = LogFile(path: "/dev/full")
        for _ in 0..<3 { full.append("line\n") }
    }
}
