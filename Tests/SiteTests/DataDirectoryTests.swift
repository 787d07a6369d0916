import Glibc
import Testing
import Wire

@testable import Site

@Suite struct DataDirectoryTests {
    let directory = TemporaryDirectory()

    @Test func `a new data directory is closed to others`() throws {
        let data = try DataDirectory(creating: directory.file("a/data"))
        #expect(data.path == directory.file("a/data"))
        #expect(mode(data.path) & 0o066 == 0)
        #expect(data.signJournalPath == directory.file("a/data/sign-journal"))
        #expect(try Files.names(in: data.path) == [], "checks leave nothing")
    }

    @Test func `links and dots in its path are resolved`() throws {
        _ = try DataDirectory(creating: directory.file("data"))
        symlink(directory.file("data"), directory.file("link"))
        #expect(try DataDirectory(existing: directory.file("data/../link")).path == directory.file("data"))
    }

    @Test func `what is not a directory of this user is refused`() throws {
        #expect(reason { () throws(SiteError) in _ = try DataDirectory(existing: directory.file("none")) } == .missing)
        put([], directory.file("file"))
        #expect(reason { () throws(SiteError) in _ = try DataDirectory(existing: directory.file("file")) } == .path)
        #expect(
            reason { () throws(SiteError) in _ = try DataDirectory(creating: directory.file("file/data")) } == .path)
        mkdir(directory.file("open"), 0o700)
        chmod(directory.file("open"), 0o777)
        let error = error { () throws(SiteError) in _ = try DataDirectory(creating: directory.file("open")) }
        #expect(error?.reason == .exposed)
        #expect(error?.remedy == "run: chmod go-w \(directory.file("open"))")
    }

    @Test func `too little room is refused with the figures`() throws {
        let data = try DataDirectory(creating: directory.file("data"))
        try data.checkSpace(minimum: 0)
        #expect(reason { () throws(SiteError) in try data.checkSpace(minimum: Int.max) } == .diskFull)
    }

    @Test(.enabled(if: SmallFileSystem.isPossible)) func `a full disk is refused`() throws {
        let disk = try #require(SmallFileSystem())
        #expect(reason { () throws(SiteError) in _ = try DataDirectory(existing: disk.path) } == .diskFull)
    }

    @Test func `a very long path works and has short sockets`() throws {
        let long = directory.path + String(repeating: "/" + String(repeating: "d", count: 200), count: 15)
        let data = try DataDirectory(creating: long)
        #expect(data.path == long)
        let lock = try DataLock(data)
        let runtime = try RuntimeDirectory(for: data) { _ in nil }
        #expect(runtime.apiSocketPath.utf8.count <= 50)
        try lock.tell(socketPath: runtime.apiSocketPath)
        #expect(try DataLock.holder(of: data)?.socketPath == runtime.apiSocketPath)
        _ = try SignJournal(path: data.signJournalPath)
        #expect(reason { () throws(SiteError) in _ = try DataDirectory(creating: long + long) } == .path)
    }

    @Test func `the default place follows XDG, and for root is not below its home`() throws {
        func place(_ user: UInt32, _ variables: [String: String]) throws(SiteError) -> String {
            try DataDirectory.defaultPath(for: testSite, user: user) { variables[$0] }
        }
        #expect(try place(1_000, ["XDG_DATA_HOME": "/x", "HOME": "/h"]) == "/x/shoal/hospital-a")
        #expect(try place(1_000, ["XDG_DATA_HOME": "x", "HOME": "/h"]) == "/h/.local/share/shoal/hospital-a")
        #expect(try place(1_000, ["HOME": "/h"]) == "/h/.local/share/shoal/hospital-a")
        #expect(try place(0, ["HOME": "/root"]) == "/var/lib/shoal/hospital-a")
        #expect(reason { () throws(SiteError) in _ = try place(1_000, [:]) } == .missing)
    }

    @Test func `the token is made once and kept`() throws {
        let data = try DataDirectory(creating: directory.file("data"))
        let token = try data.token()
        #expect(token.utf8.count == 64)
        #expect(try data.token() == token)
        #expect(mode(data.tokenPath) == 0o600)
        chmod(data.tokenPath, 0o644)
        #expect(reason { () throws(SiteError) in _ = try data.token() } == .exposed)
        put(bytes("short\n"), data.tokenPath)
        #expect(reason { () throws(SiteError) in _ = try data.token() } == .malformed(line: 1))
    }
}

@Suite struct DataLockTests {
    let directory = TemporaryDirectory()

    @Test func `one node holds a data directory, the error names it`() throws {
        let data = try DataDirectory(creating: directory.file("data"))
        #expect(try DataLock.holder(of: data) == nil)
        do {
            let lock = try DataLock(data)
            let error = error { () throws(SiteError) in _ = try DataLock(data) }
            #expect(error?.reason == .inUse(pid: getpid()))
            #expect(error?.cause == "another node runs there (process \(getpid()))")
            #expect(try DataLock.holder(of: data) == DataLock.Holder(pid: getpid(), socketPath: nil))
            try lock.tell(socketPath: "/run/a b.sock")
            #expect(try DataLock.holder(of: data) == DataLock.Holder(pid: getpid(), socketPath: "/run/a b.sock"))
        }
        #expect(try DataLock.holder(of: data) == nil, "a released lock tells of nobody")
        _ = try DataLock(data)
    }

    @Test(.enabled(if: access("/usr/bin/flock", X_OK) == 0)) func `other processes see the lock`() throws {
        let data = try DataDirectory(creating: directory.file("data"))
        func isFree() throws -> Bool { try Child(["/usr/bin/flock", "-n", data.lockPath, "/bin/true"]).wait() == 0 }
        do {
            let lock = try DataLock(data)
            #expect(try !isFree())
            withExtendedLifetime(lock) {}
        }
        #expect(try isFree())
    }

    @Test func `child processes do not inherit the lock`() throws {
        let data = try DataDirectory(creating: directory.file("data"))
        let child: Child
        do {
            let lock = try DataLock(data)
            child = try Child(["/bin/cat"])
            withExtendedLifetime(lock) {}
        }
        #expect(reason { () throws(SiteError) in _ = try DataLock(data) } == nil, "while the child still runs")
        #expect(child.wait() == 0)
    }

    @Test func `two data directories have locks and sockets of their own`() throws {
        let (a, b) = (
            try DataDirectory(creating: directory.file("a")), try DataDirectory(creating: directory.file("b"))
        )
        let locks = (try DataLock(a), try DataLock(b))
        withExtendedLifetime(locks) {}
        #expect(try RuntimeDirectory(for: a).path != RuntimeDirectory(for: b).path)
    }

    @Test(arguments: ["", "pid\n", "pid x\n", "pid -1\n", "\u{0}\u{0}", "socket /a\n"])
    func `a lock file with nonsense tells of nobody and can be taken`(content: String) throws {
        let data = try DataDirectory(creating: directory.file("data"))
        put(bytes(content), data.lockPath)
        #expect(try DataLock.holder(of: data) == nil)
        _ = try DataLock(data)
    }
}

@Suite struct RuntimeDirectoryTests {
    let directory = TemporaryDirectory()

    func runtime(_ base: String?) throws(SiteError) -> RuntimeDirectory {
        let data = try DataDirectory(creating: directory.file("data"))
        return try RuntimeDirectory(for: data, user: 42) { $0 == "SHOAL_RUNTIME_DIR" ? base : nil }
    }

    @Test func `it lies in tmp under the user's id, the same each time`() throws {
        let path = try runtime(nil).path
        #expect(path.hasPrefix("/tmp/shoal-42/") && path.utf8.count == 14 + 16)
        #expect(try runtime(nil).path == path)
        #expect(try runtime("/run/x:/run/y").path.hasPrefix("/run/x/shoal/"))
    }

    @Test func `another directory at the same path has sockets of its own, as in another mount namespace`() throws {
        let first = try runtime(nil)
        rename(directory.file("data"), directory.file("away"))
        #expect(try runtime(nil).path != first.path)
    }

    @Test(arguments: ["", ":/x", "relative", "/" + String(repeating: "x", count: 80)])
    func `a base that cannot hold sockets is refused`(base: String) {
        #expect(reason { () throws(SiteError) in _ = try runtime(base) } == .path)
    }

    @Test func `it is made for this user alone, and goes again`() throws {
        let runtime = try runtime(directory.path)
        try runtime.prepare()
        try runtime.prepare()
        #expect(mode(runtime.path) == 0o700 && mode(directory.file("shoal")) == 0o700)
        put([], runtime.apiSocketPath)
        runtime.remove()
        #expect(Files.status(runtime.path) == nil)
    }

    @Test func `a base that somebody prepared is refused`() throws {
        let runtime = try runtime(directory.path)
        mkdir(directory.file("shoal"), 0o700)
        chmod(directory.file("shoal"), 0o755)
        #expect(reason { () throws(SiteError) in try runtime.prepare() } == .exposed)
        rmdir(directory.file("shoal"))
        mkdir(directory.file("trap"), 0o700)
        symlink(directory.file("trap"), directory.file("shoal"))
        #expect(reason { () throws(SiteError) in try runtime.prepare() } == .permission)
        unlink(directory.file("shoal"))
        put([], directory.file("shoal"))
        #expect(reason { () throws(SiteError) in try runtime.prepare() } == .path)
    }

    @Test(.enabled(if: geteuid() == 0)) func `a directory of another user is refused`() throws {
        let runtime = try runtime(directory.path)
        mkdir(directory.file("shoal"), 0o700)
        chown(directory.file("shoal"), 12_345, 12_345)
        #expect(reason { () throws(SiteError) in try runtime.prepare() } == .permission)
    }
}
