import Glibc
import Testing
import Wire

@testable import Site

@Suite struct FilesTests {
    let directory = TemporaryDirectory()

    @Test func `a written file reads back and leaves nothing beside it`() throws {
        let path = directory.file("a")
        try Files.write(bytes("one"), to: path)
        #expect(try text(path) == "one")
        try Files.write(bytes(""), to: path, mode: 0o600)
        #expect(try text(path) == "")
        #expect(mode(path) == 0o600)
        #expect(directory.names == ["a"])
    }

    @Test func `the mode is exact whatever the umask is`() throws {
        let path = directory.file("a")
        try Files.write([], to: path, mode: 0o666)
        #expect(mode(path) == 0o666)
        try Files.create([], at: directory.file("b"), mode: 0o600)
        #expect(mode(directory.file("b")) == 0o600)
    }

    @Test func `creating never replaces a file`() throws {
        let path = directory.file("a")
        try Files.create(bytes("first"), at: path)
        #expect(reason { () throws(SiteError) in try Files.create(bytes("second"), at: path) } == .exists)
        #expect(try text(path) == "first")
        symlink("/nowhere", directory.file("link"))
        #expect(reason { () throws(SiteError) in try Files.create([], at: directory.file("link")) } == .exists)
        #expect(directory.names == ["a", "link"])
    }

    @Test func `a secret that others can read is refused with the remedy`() throws {
        let path = directory.file("it's secret")
        for wrong in [0o640, 0o604, 0o620, 0o601, 0o777] as [mode_t] {
            put(bytes("s"), path, mode: wrong)
            let error = error { () throws(SiteError) in _ = try Files.readSecret(path) }
            #expect(error?.reason == .exposed)
            #expect(error?.remedy == "run: chmod 600 '\(directory.path)/it'\\''s secret'")
        }
        put(bytes("s"), path, mode: 0o400)
        #expect(try Files.readSecret(path) == bytes("s"))
    }

    @Test(.enabled(if: geteuid() == 0)) func `a secret of another user is refused`() {
        let path = directory.file("secret")
        put(bytes("s"), path)
        chown(path, 12_345, 12_345)
        let error = error { () throws(SiteError) in _ = try Files.readSecret(path) }
        #expect(error?.reason == .permission)
        #expect(error?.remedy == "run: chown 0 \(path)")
    }

    @Test func `what is not a file of the right size is refused`() throws {
        #expect(reason { () throws(SiteError) in _ = try Files.read(directory.path) } == .path)
        #expect(reason { () throws(SiteError) in _ = try Files.read(directory.file("none")) } == .missing)
        let path = directory.file("ten")
        put(Bytes(repeating: 1, count: 10), path)
        #expect(try Files.read(path, limit: 10).count == 10)
        #expect(reason { () throws(SiteError) in _ = try Files.read(path, limit: 9) } == .malformed(line: nil))
        #expect(reason { () throws(SiteError) in _ = try Files.read(path + "/below") } == .path)
        mkfifo(directory.file("pipe"), 0o600)
        #expect(reason { () throws(SiteError) in _ = try Files.read(directory.file("pipe")) } == .path, "never waits")
    }

    @Test func `writing where there is no directory names the file that was wanted`() {
        put([], directory.file("file"))
        for path in [directory.file("none/a"), directory.file("file/a")] {
            let error = error { () throws(SiteError) in try Files.write([1], to: path) }
            #expect(error?.object == path)
        }
    }

    @Test func `directories are made with what is missing above them`() throws {
        let path = directory.file("a/b/c")
        try Files.makeDirectory(path + "//", mode: 0o700)
        #expect(mode(path) == 0o700)
        #expect(mode(directory.file("a")) & 0o500 == 0o500)
        try Files.makeDirectory(path, mode: 0o755)
        #expect(mode(path) == 0o700, "one that exists keeps its mode")
        put([], directory.file("file"))
        #expect(
            reason { () throws(SiteError) in try Files.makeDirectory(directory.file("file"), mode: 0o700) } == .path)
        #expect(
            reason { () throws(SiteError) in try Files.makeDirectory(directory.file("file/x"), mode: 0o700) } == .path)
    }

    @Test(.enabled(if: SmallFileSystem.isPossible)) func `a full disk leaves the old file whole`() throws {
        let disk = try #require(SmallFileSystem())
        let path = disk.path + "/a"
        try Files.write(bytes("old"), to: path)
        let large = Bytes(repeating: 1, count: 1 << 20)
        #expect(reason { () throws(SiteError) in try Files.write(large, to: path) } == .diskFull)
        #expect(try text(path) == "old")
        #expect(reason { () throws(SiteError) in try Files.create(large, at: path + "b") } == .diskFull)
        #expect(try Files.names(in: disk.path) == ["a"])
        try Files.write(Bytes(repeating: 1, count: 40_000), to: path)
    }

    @Test(.enabled(if: SmallFileSystem.isPossible)) func `a read-only disk is named as such`() throws {
        let disk = try #require(SmallFileSystem())
        try #require(disk.makeReadOnly())
        #expect(reason { () throws(SiteError) in try Files.write([1], to: disk.path + "/a") } == .readOnly)
        #expect(reason { () throws(SiteError) in _ = try DataDirectory(existing: disk.path) } == .readOnly)
    }

    @Test func `paths are quoted for a shell where they need it`() {
        #expect(Files.quoted("/a/b-c_d.e") == "/a/b-c_d.e")
        #expect(Files.quoted("/a b") == "'/a b'")
        #expect(Files.quoted("$(rm)") == "'$(rm)'")
        #expect(Files.quoted("") == "''")
    }
}
