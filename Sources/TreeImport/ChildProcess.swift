import Glibc
import Wire

/// A file without a name that goes with its last reference.
final class TemporaryFile {
    let descriptor: Int32

    init() throws(TreeError) {
        let folder = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        var name = Array("\(folder)/shoal-tree-XXXXXX".utf8CString)
        descriptor = mkstemp(&name)
        guard descriptor >= 0 else {
            throw .symbols(cause: "a temporary file in \(folder) cannot be made: \(String(cString: strerror(errno)))")
        }
        unlink(name)
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    }

    deinit { close(descriptor) }

    func beginning(_ count: Int) -> Bytes {
        Bytes(unsafeUninitializedCapacity: count) { buffer, filled in
            filled = max(pread(descriptor, buffer.baseAddress, count, 0), 0)
        }
    }

    func write(_ bytes: Bytes) throws(TreeError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let written = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if written < 0, errno == EINTR { continue }
            guard written > 0 else {
                throw .symbols(cause: "a temporary file cannot be written: \(String(cString: strerror(errno)))")
            }
            rest = rest.dropFirst(written)
        }
    }
}

/// Paths for a program's standard input, one a line, on disk.
final class PathList {
    private let file: TemporaryFile
    private let root: String
    private var buffer = Bytes()
    private(set) var count = 0

    /// - Parameter root: what every line begins with.
    init(below root: String) throws(TreeError) {
        file = try TemporaryFile()
        self.root = root
    }

    /// False for a path that would take two lines.
    func append(_ path: String) throws(TreeError) -> Bool {
        let line = "\(root)/\(path)"
        guard !line.utf8.contains(where: { $0 == 0x0A || $0 == 0x0D }) else { return false }
        buffer += Bytes("\(line)\n".utf8)
        count += 1
        if buffer.count > 64 << 10 { try flush() }
        return true
    }

    /// The whole list, to be read from its beginning.
    func rewound() throws(TreeError) -> TemporaryFile {
        try flush()
        lseek(file.descriptor, 0, SEEK_SET)
        return file
    }

    private func flush() throws(TreeError) {
        try file.write(buffer)
        buffer = []
    }
}

/// A program whose output is read while it runs.
final class ChildProcess {
    private var process: pid_t = 0
    private var output: Int32 = -1

    init(
        _ program: String, _ arguments: [String], input: TemporaryFile, errors: TemporaryFile
    ) throws(TreeError) {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw Self.failure(errno) }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        output = ends[0]
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        for (from, to) in [(input.descriptor, 0), (ends[1], 1), (errors.descriptor, 2)] {
            posix_spawn_file_actions_adddup2(&actions, from, Int32(to))
        }
        let words: [UnsafeMutablePointer<CChar>?] = ([program] + arguments).map { strdup($0) } + [nil]
        // UTF-8 names come out as they went in; nothing else of the environment matters.
        let environment: [UnsafeMutablePointer<CChar>?] = [strdup("LC_ALL=C.UTF-8"), strdup("PATH=/usr/bin:/bin"), nil]
        defer { for word in words + environment { free(word) } }
        let code = posix_spawn(&process, program, &actions, nil, words, environment)
        close(ends[1])
        guard code == 0 else { throw Self.failure(code) }
    }

    deinit {
        if process > 0 { kill() }
        if output >= 0 { close(output) }
    }

    private static func failure(_ code: Int32) -> TreeError {
        .symbols(cause: "it cannot be started: \(String(cString: strerror(code)))")
    }

    /// The next part of its output; nil at its end.
    func read() throws(TreeError) -> Bytes? {
        var failure: Int32 = 0
        let part = Bytes(unsafeUninitializedCapacity: 64 << 10) { buffer, filled in
            var got = Glibc.read(output, buffer.baseAddress, buffer.count)
            while got < 0, errno == EINTR { got = Glibc.read(output, buffer.baseAddress, buffer.count) }
            if got < 0 { failure = errno }
            filled = max(got, 0)
        }
        if failure != 0 { throw Self.failure(failure) }
        return part.isEmpty ? nil : part
    }

    func kill() {
        if process > 0 { Glibc.kill(process, SIGKILL) }
        _ = wait()
    }

    /// Its exit status; 128 and the signal's number if one ended it.
    func wait() -> Int32 {
        guard process > 0 else { return 0 }
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0, errno == EINTR {}
        process = 0
        let signal = status & 0x7F
        return signal == 0 ? (status >> 8) & 0xFF : 128 + signal
    }
}
