import Glibc
import Testing

@testable import Storage

/// Each body below runs in a process of its own, which plays the node.
@Suite struct NodeDeathTests {
    @Test func `a killed node leaves no server, and the next one finds all that was committed`() async throws {
        let path = TestServer.directory("death")
        await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String] in
            let server = try PrivateServer(dataDirectory: path)
            let connection = try Connection(server.target)
            try connection.script("CREATE TABLE public.t (a int); INSERT INTO public.t VALUES (1), (2)")
            try connection.script("BEGIN; INSERT INTO public.t VALUES (3)")
            raise(SIGKILL)
        }
        let text = Files.read(path + "/pg/cluster/postmaster.pid") ?? ""
        let pid = text.split(separator: "\n").first.flatMap { pid_t($0) }
        // The next node does not wait for the old server to be gone: it sees to that itself.
        let server = try PrivateServer(dataDirectory: path)
        #expect(try Connection(server.target).row("SELECT count(*) FROM public.t").int(0) == 2)
        if let pid { #expect(isGone(pid, within: 1)) }
        server.stop()
    }

    @Test func `a node killed without a successor leaves no process`() async throws {
        let path = TestServer.directory("alone")
        await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String] in
            let server = try PrivateServer(dataDirectory: path)
            let text = "\(server.processID ?? 0)\n"
            let descriptor = open(path + "/pid", O_WRONLY | O_CREAT, 0o644)
            write(descriptor, text, text.utf8.count)
            raise(SIGKILL)
        }
        let pid = try #require(pid_t((Files.read(path + "/pid") ?? "").dropLast()))
        #expect(isGone(pid, within: 30))
    }

    @Test(.enabled(if: geteuid() == 0 && ServerUser.lookUp("nobody") != nil))
    func `an ordinary user runs the server as itself`() async throws {
        let path = TestServer.directory("ordinary")
        let nobody = try #require(ServerUser.lookUp("nobody"))
        mkdir(path, 0o700)
        chown(path, nobody.id, nobody.group)
        await #expect(processExitsWith: .exitCode(7)) {
            [path = path as String, id = nobody.id as uid_t, group = nobody.group as gid_t] in
            guard setgid(group) == 0, setuid(id) == 0 else { exit(1) }
            let server = try PrivateServer(dataDirectory: path + "/data")
            guard try Connection(server.target).row("SELECT 1").int(0) == 1 else { exit(2) }
            guard Files.status(path + "/data/pg")?.st_uid == id else { exit(3) }
            server.stop()
            exit(7)
        }
    }

    @Test(.enabled(if: geteuid() == 0))
    func `root drops to an unprivileged user, who owns pg and nothing else`() throws {
        let path = TestServer.directory("root")
        mkdir(path, 0o700)
        let server = try PrivateServer(dataDirectory: path)
        defer { server.stop() }
        #expect(Files.status(path)?.st_uid == 0)
        let owner = try #require(Files.status(path + "/pg")?.st_uid)
        #expect(owner != 0)
        let status = try #require(Files.read("/proc/\(server.processID ?? 0)/status"))
        #expect(status.contains("Uid:\t\(owner)\t\(owner)\t\(owner)"))
    }

    @Test(.enabled(if: geteuid() == 0))
    func `a directory that the unprivileged user cannot reach is named`() throws {
        let closed = TestServer.directory("closed")
        mkdir(closed, 0o700)
        let error = try #require(storageError { _ = try PrivateServer(dataDirectory: closed + "/data") })
        #expect(error.reason == .directory)
        #expect(error.cause.contains("may not enter \(closed)"))
        #expect(error.remedy.contains("--data-dir"))
        #expect(Files.names(in: closed + "/data").isEmpty)
    }

    @Test(.enabled(if: geteuid() == 0 && ServerUser.lookUp("nobody") != nil))
    func `a directory without write permission is one clear sentence`() async throws {
        let path = TestServer.directory("forbidden")
        mkdir(path, 0o755)
        let nobody = try #require(ServerUser.lookUp("nobody"))
        await #expect(processExitsWith: .exitCode(7)) {
            [path = path as String, id = nobody.id as uid_t, group = nobody.group as gid_t] in
            guard setgid(group) == 0, setuid(id) == 0 else { exit(1) }
            let error = storageError { _ = try PrivateServer(dataDirectory: path + "/data") }
            guard error?.reason == .directory, error?.cause == "Permission denied" else { exit(2) }
            guard error?.description.split(separator: "\n").count == 1 else { exit(3) }
            exit(7)
        }
    }

    @Test(.enabled(if: geteuid() == 0), arguments: ["size=6m", "ro"])
    func `a full and a read-only disk are one clear sentence`(_ options: String) async throws {
        let path = TestServer.directory("disk-\(options)")
        mkdir(path, 0o755)
        await #expect(processExitsWith: .exitCode(7)) { [path = path as String, options = options as String] in
            // A mount name space of this process alone; where that is forbidden there is nothing to test.
            guard leaveMountNamespace(), mount("none", "/", nil, UInt(MS_REC | MS_PRIVATE), nil) == 0,
                mount("tmpfs", path, "tmpfs", 0, options == "ro" ? "size=6m" : options) == 0
            else { exit(7) }
            if options == "ro" {
                guard mount("tmpfs", path, "tmpfs", UInt(MS_REMOUNT | MS_RDONLY), nil) == 0 else { exit(1) }
            } else {
                guard chmod(path, 0o755) == 0 else { exit(1) }
            }
            guard let error = storageError({ _ = try PrivateServer(dataDirectory: path + "/data") }) else { exit(2) }
            guard error.reason == (options == "ro" ? .directory : .diskFull) else {
                print(error)
                exit(3)
            }
            guard error.description.split(separator: "\n").count == 1, !error.remedy.isEmpty else { exit(4) }
            exit(7)
        }
    }
}

/// unshare(CLONE_NEWNS), which Glibc does not expose to Swift.
private func leaveMountNamespace() -> Bool {
    guard let symbol = dlsym(nil, "unshare") else { return false }
    return unsafeBitCast(symbol, to: (@convention(c) (Int32) -> Int32).self)(0x0002_0000) == 0
}
