import Glibc
import Identity
import Testing
import Wire

@testable import Site

@Suite struct PeerListTests {
    let directory = TemporaryDirectory()
    let a = testKeyPair.peerID
    let b = otherKeyPair.peerID

    func parse(_ text: String) throws(SiteError) -> [PeerEntry] {
        try PeerList(parsing: bytes(text), path: "test.peers").entries
    }

    @Test func `a line is a peer, comments and blank lines are none`() throws {
        let entries = try parse(
            "# all peers\n\n\(a)@a.example.org:7400 alpha # the first\r\n  \(b)@[::1]:1\tbeta  \n\t#\n")
        #expect(
            entries == [
                PeerEntry(peerID: a, endpoint: Endpoint(host: "a.example.org", port: 7_400), name: "alpha"),
                PeerEntry(peerID: b, endpoint: Endpoint(host: "::1", port: 1), name: "beta"),
            ])
        #expect(try parse(entries.map(\.description).joined(separator: "\n")) == entries)
        #expect(try parse("") == [])
    }

    @Test func `a peer that only dials out has no address`() throws {
        let entries = try parse("\(a) alpha\n")
        #expect(entries == [PeerEntry(peerID: a, endpoint: nil, name: "alpha")])
        #expect(try parse(entries[0].description) == entries)
    }

    static let id = testKeyPair.peerID.hex
    @Test(arguments: [
        "x", id, "\(id)@h:1", "\(id)@h:1 a b", "\(id.dropLast())@h:1 a", "\(id)0@h:1 a", "\(id)@h a", "\(id)@:1 a",
        "\(id)@h:0 a", "\(id)@h:65536 a", "\(id)@h:-1 a", "\(id)@h:+1 a", "\(id)@h: a", "\(id)@::1:5 a",
        "\(id)@[::1]a:5 a", "\(id)@[]:5 a", "\(id)@h!:5 a", "\(id)@h@h:5 a", "@h:5 a", "\(id)@h:5 a\u{7F}",
        "\(id)@h:5 \(String(repeating: "n", count: 65))", "\(id)@h:00000001 a",
        "\(id)@\(String(repeating: "h", count: 254)):5 a",
    ]) func `a wrong line is refused with its number`(line: String) {
        let error = error { () throws(SiteError) in
            _ = try parse("# first\n\(String(Self.id.reversed())) ok\n\(line)\n")
        }
        #expect(error?.reason == .malformed(line: 3))
        #expect(error?.object == "test.peers, line 3")
    }

    @Test func `bytes that are not text are refused`() {
        let content = bytes("\(a) alpha\n") + [0xFF, 0x0A]
        let error = error { () throws(SiteError) in _ = try PeerList(parsing: content, path: "p") }
        #expect(error?.reason == .malformed(line: 2))
    }

    @Test func `a peer stands in a file once`() {
        let error = error { () throws(SiteError) in _ = try parse("\(a) alpha\n\n\(a) alpha\n") }
        #expect(error?.reason == .malformed(line: 3))
        #expect(error?.cause == "line 1 names the same peer")
    }

    @Test func `too many peers are refused`() {
        let lines = (0...PeerList.maxEntries).map {
            "\(Hex.encode(UInt64($0).bigEndianBytes + Bytes(repeating: 1, count: 24))) p"
        }
        let error = error { () throws(SiteError) in _ = try parse(lines.joined(separator: "\n")) }
        #expect(error?.reason == .malformed(line: PeerList.maxEntries + 1))
    }

    @Test func `the files of a directory are read as one, in the order of their names`() throws {
        put(bytes("\(b)@h:2 beta\n\(a)@h:1 alpha\n"), directory.file("2.peers"))
        put(bytes("\(a)@h:1 alpha\n"), directory.file("1.peers"))
        put(bytes("nonsense"), directory.file("notes.txt"))
        put(bytes("nonsense"), directory.file(".hidden.peers"))
        #expect(try PeerList.load(directory.path).entries.map(\.name) == ["alpha", "beta"])
        #expect(try PeerList.load(directory.file("2.peers")).entries.map(\.name) == ["beta", "alpha"])
        put(bytes("\(b)@h:3 beta\n"), directory.file("3.peers"))
        let error = error { () throws(SiteError) in _ = try PeerList.load(directory.path) }
        #expect(error?.object == directory.file("3.peers"))
        #expect(reason { () throws(SiteError) in _ = try PeerList.load(directory.file("none")) } == .missing)
    }

    @Test func `adding and removing a peer keep the other lines and comments`() throws {
        let path = directory.file("x.peers")
        let (alpha, beta) = (
            PeerEntry(peerID: a, endpoint: Endpoint(host: "h", port: 1), name: "alpha"),
            PeerEntry(peerID: b, endpoint: nil, name: "beta")
        )
        try PeerFile.add(alpha, to: path)
        #expect(try text(path) == "\(alpha)\n")
        put(bytes("# ours\n\(alpha) # here\n\n# end"), path)
        try PeerFile.add(beta, to: path)
        #expect(try text(path) == "# ours\n\(alpha) # here\n\n# end\n\(beta)\n")
        let moved = PeerEntry(peerID: a, endpoint: Endpoint(host: "h", port: 9), name: "alpha")
        try PeerFile.add(moved, to: path)
        #expect(try text(path) == "# ours\n\(moved)\n\n# end\n\(beta)\n")
        #expect(try PeerFile.remove(a, from: path))
        #expect(try !PeerFile.remove(a, from: path))
        #expect(try text(path) == "# ours\n\n# end\n\(beta)\n")
    }

    @Test(arguments: ["", "a b", "a#b", "#", "a\nb", "a\u{0}"]) func `a name that no line can hold is not written`(
        name: String
    ) {
        let path = directory.file("x.peers")
        #expect(
            reason { () throws(SiteError) in try PeerFile.add(PeerEntry(peerID: a, endpoint: nil, name: name), to: path)
            }
                != nil)
        #expect(directory.names == [])
    }

    @Test func `entries that are added at once are all there`() async throws {
        let path = directory.file("x.peers")
        let entries = (1...40).map { number in
            PeerEntry(
                peerID: KeyPair(seed: Bytes(repeating: UInt8(number), count: 32)).peerID, endpoint: nil,
                name: "p\(number)")
        }
        try await withThrowingTaskGroup { group in
            for entry in entries { group.addTask { try PeerFile.add(entry, to: path) } }
            try await group.waitForAll()
        }
        #expect(Set(try PeerList.load(path).entries) == Set(entries))
    }

    @Test func `what is found goes to the first file that was given, else into the first directory`() throws {
        let (file, folder) = (directory.file("x.peers"), directory.file("peers"))
        #expect(PeerList.fileForFound([]) == nil)
        #expect(PeerList.fileForFound(["/dev/stdin"]) == nil)
        #expect(mkdir(folder, 0o700) == 0)
        #expect(PeerList.fileForFound([folder, file, directory.file("y.peers")]) == file)
        let found = try #require(PeerList.fileForFound([folder]))
        let alpha = PeerEntry(peerID: a, endpoint: Endpoint(host: "h", port: 1), name: "alpha")
        try PeerFile.add(alpha, to: found)
        #expect(try PeerList.load(folder).entries == [alpha])
    }
}
