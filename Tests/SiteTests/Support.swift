import Glibc
import Identity
import Membership
import Testing
import Wire

@testable import Site

/// A directory that vanishes with its test.
final class TemporaryDirectory {
    let path: String

    init() {
        // In memory where that is possible: these tests sync thousands of times.
        let base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp"
        var template = Array("\(base)/shoal-test-XXXXXX".utf8CString)
        precondition(mkdtemp(&template) != nil, "no temporary directory")
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit { Self.remove(path) }

    func file(_ name: String) -> String { "\(path)/\(name)" }

    /// All names, hidden ones too.
    var names: [String] { Self.names(path) }

    private static func names(_ path: String) -> [String] {
        guard let directory = opendir(path) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    private static func remove(_ path: String) {
        if unlink(path) == 0 { return }
        for name in names(path) { remove("\(path)/\(name)") }
        rmdir(path)
    }
}

/// A file system of 64 KiB in memory; only root may mount one.
final class SmallFileSystem {
    let path: String
    private let directory = TemporaryDirectory()

    static let isPossible = SmallFileSystem() != nil

    init?() {
        path = directory.file("mount")
        guard mkdir(path, 0o700) == 0, mount("none", path, "tmpfs", 0, "size=64k,mode=700") == 0 else { return nil }
    }

    func makeReadOnly() -> Bool { mount("none", path, nil, UInt(MS_REMOUNT | MS_RDONLY), nil) == 0 }

    deinit { umount2(path, Int32(MNT_DETACH)) }
}

/// A program whose input is empty but stays open until ``wait()``.
final class Child {
    private let pid: pid_t
    private let input: Int32

    init(_ arguments: [String]) throws {
        var ends: [Int32] = [-1, -1]
        try #require(pipe(&ends) == 0)
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawn_file_actions_adddup2(&actions, ends[0], 0)
        var words = arguments.map { strdup($0) } + [nil]
        var pid: pid_t = 0
        let result = posix_spawn(&pid, arguments[0], &actions, nil, &words, nil)
        words.forEach { free($0) }
        posix_spawn_file_actions_destroy(&actions)
        close(ends[0])
        self.pid = pid
        input = ends[1]
        try #require(result == 0)
    }

    /// The exit status.
    func wait() -> Int32 {
        close(input)
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0, errno == EINTR {}
        return status
    }
}

func bytes(_ text: String) -> Bytes { Bytes(text.utf8) }

func text(_ path: String) throws -> String { String(decoding: try Files.read(path), as: UTF8.self) }

/// Writes without any care.
func put(_ content: Bytes, _ path: String, mode: mode_t = 0o600) {
    unlink(path)
    let file = open(path, O_WRONLY | O_CREAT | O_TRUNC, mode)
    precondition(file >= 0 && content.withUnsafeBytes { write(file, $0.baseAddress, $0.count) } == content.count)
    fchmod(file, mode)
    close(file)
}

func mode(_ path: String) -> mode_t { (Files.status(path)?.st_mode ?? 0) & 0o7777 }

/// The error that `body` throws, or nil.
func error(_ body: () throws(SiteError) -> Void) -> SiteError? {
    do {
        try body()
        return nil
    } catch {
        return error
    }
}

func reason(_ body: () throws(SiteError) -> Void) -> SiteError.Reason? { error(body)?.reason }

let testSite = SiteName("hospital-a")!
let testKeyPair = KeyPair(seed: Bytes(1...32))
let otherKeyPair = KeyPair(seed: Bytes(2...33))
let testVocabularyKey = Bytes(100..<132)

func testGenesis(_ name: String = "clinics", founders: Int = 3) throws -> Genesis {
    let peers = (0..<founders).map { at in
        KeyPair(seed: UInt64(at).bigEndianBytes + Bytes(repeating: 9, count: 24)).peerID
    }
    return try Genesis(
        name: name, createdSeconds: 1_795_000_000, salt: Bytes(0..<16), vocabularyKey: testVocabularyKey,
        founders: peers)
}
