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

    /// In a process of its own, since a bound on files is the whole process's.
    @Test func `a line that a full disk cuts off stays one line, and what is lost is counted`() async throws {
        let place = FileManager.default.temporaryDirectory.appending(path: "shoal-log-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(atPath: place) }
        let path = "\(place)/log"
        await #expect(processExitsWith: .success) { [path = path as String] in
            signal(SIGXFSZ, SIG_IGN)
            func allow(_ bytes: rlim_t) {
                var limit = rlimit(rlim_cur: bytes, rlim_max: .max)
                precondition(setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0)
            }
            let log = LogFile(path: path)
            log.append("line=one\n")
            allow(13)
            for word in ["two", "three", "four"] { log.append("line=\(word)\n") }
            precondition(String(decoding: FileManager.default.contents(atPath: path)!, as: UTF8.self).count == 13)
            allow(.max)
            log.append("line=five\n")
            log.append("line=six\n")
        }
        let lines = text(path).split(separator: "\n", omittingEmptySubsequences: false)
        try #require(lines.count == 6, "\(lines)")
        #expect(lines[0] == "line=one" && lines[1] == "line", "what came before the end of the disk is kept")
        #expect(lines[2].hasPrefix("ts=") && lines[2].hasSuffix(" level=warn event=log-lost lines=3"))
        #expect(lines[3...] == ["line=five", "line=six", ""])
    }

    @Test func `a file that cannot be opened or written stops nobody`() {
        LogFile(path: "/nowhere/log").append("line\n")
        let full = LogFile(path: "/dev/full")
        for _ in 0..<3 { full.append("line\n") }
    }
}
