import Glibc
import Identity
import Testing
import Wire

@testable import Site

@Suite struct SiteKeyTests {
    let directory = TemporaryDirectory()
    let key = SiteKey(site: testSite, keyPair: testKeyPair)
    var path: String { SiteKey.path(of: testSite, in: directory.path) }

    @Test func `a key reads back, secret and public`() throws {
        try key.create(in: directory.path)
        #expect(try SiteKey.load(path) == key)
        #expect(mode(path) == 0o600)
        let published = try SiteKey.loadPublic(SiteKey.publicPath(of: testSite, in: directory.path))
        #expect(published == (testKeyPair.peerID, testSite))
        #expect(try text(SiteKey.publicPath(of: testSite, in: directory.path)) == "\(testKeyPair.peerID) hospital-a\n")
        #expect(directory.names == ["hospital-a.key", "hospital-a.pub"])
    }

    @Test func `a locked key opens with its passphrase alone, and back`() throws {
        try key.create(in: directory.path)
        let plain = try Files.read(path)
        try key.rewrite(path, passphrase: bytes("correct horse"))
        #expect(mode(path) == 0o600)
        #expect(try SiteKey.isLocked(path))
        let locked = try Files.read(path)
        let hex = Hex.encode(testKeyPair.seed)
        #expect(!String(decoding: locked, as: UTF8.self).contains(hex.prefix(16)))
        #expect(try SiteKey.load(path) { bytes("correct horse") } == key)
        for wrong in [nil, bytes("correct Horse"), bytes("correct horse ")] as [Bytes?] {
            #expect(reason { () throws(SiteError) in _ = try SiteKey.load(path) { wrong } } == .permission)
        }
        try SiteKey.copy(path, to: directory.file("copy"), passphrase: { bytes("correct horse") })
        #expect(try Files.read(directory.file("copy/hospital-a.key")) == locked, "a copy is as locked")
        try key.rewrite(path, passphrase: nil)
        #expect(try Files.read(path) == plain)
    }

    @Test func `what a locked key asks of the machine has bounds`() throws {
        try key.create(in: directory.path)
        try key.rewrite(path, passphrase: bytes("x"))
        let fields = try SealedText.fields(of: .key, in: try Files.read(path), path: path)
        for (name, value) in [("memory", "99999999999"), ("passes", "0"), ("salt", "00"), ("locked", "00")] {
            var text = SealedText(.key, comment: "c")
            for field in fields { text.add(field.name, field.name == name ? value : field.value) }
            put(text.rendered(), path)
            #expect(
                reason { () throws(SiteError) in _ = try SiteKey.load(path) { bytes("x") } } == .malformed(line: nil),
                "\(name)")
        }
    }

    @Test func `a passphrase comes from the environment, a file or a credential`() throws {
        func find(_ variables: [String: String]) throws(SiteError) -> Bytes? {
            try Passphrase.find { variables[$0] }
        }
        let file = directory.file("pass")
        put(bytes("from file\n"), file)
        chmod(file, 0o600)
        #expect(try find([:]) == nil)
        #expect(try find(["CREDENTIALS_DIRECTORY": directory.path]) == nil)
        #expect(try find(["SHOAL_PASSPHRASE": "a b", "SHOAL_PASSPHRASE_FILE": file]) == bytes("a b"))
        #expect(try find(["SHOAL_PASSPHRASE_FILE": file]) == bytes("from file"))
        put(bytes("credential"), directory.file("shoal-passphrase"))
        chmod(directory.file("shoal-passphrase"), 0o400)
        #expect(try find(["CREDENTIALS_DIRECTORY": directory.path]) == bytes("credential"))
        chmod(file, 0o644)
        #expect(
            reason { () throws(SiteError) in _ = try find(["SHOAL_PASSPHRASE_FILE": file]) } == .exposed)
        #expect(
            reason { () throws(SiteError) in _ = try find(["SHOAL_PASSPHRASE": ""]) } == .malformed(line: nil))
    }

    @Test func `the directory for keys is made for its owner alone`() throws {
        try key.create(in: directory.file("new/keys"))
        #expect(mode(directory.file("new/keys")) == 0o700)
    }

    @Test func `a key is never overwritten`() throws {
        try key.create(in: directory.path)
        let other = SiteKey(site: testSite, keyPair: otherKeyPair)
        #expect(reason { () throws(SiteError) in try other.create(in: directory.path) } == .exists)
        #expect(reason { () throws(SiteError) in try key.create(in: directory.path) } == .exists)
        unlink(path)
        #expect(reason { () throws(SiteError) in try other.create(in: directory.path) } == .exists, "a foreign .pub")
        #expect(directory.names == ["hospital-a.pub"])
        try key.create(in: directory.path)
        #expect(try SiteKey.load(path) == key)
    }

    @Test func `a key beside the public key of another is refused`() throws {
        try key.create(in: directory.path)
        put(bytes("\(otherKeyPair.peerID) hospital-a\n"), SiteKey.publicPath(of: testSite, in: directory.path))
        #expect(reason { () throws(SiteError) in _ = try SiteKey.load(path) } == .damaged)
    }

    @Test func `every flipped bit and every cut of a key file is noticed`() throws {
        try key.create(in: directory.path)
        let whole = try Files.read(path)
        for at in whole.indices {
            for bit in 0..<8 {
                var changed = whole
                changed[at] ^= 1 << UInt8(bit)
                put(changed, path)
                let error = error { () throws(SiteError) in _ = try SiteKey.load(path) }
                if try whitespaceAside(changed) == whitespaceAside(whole) { continue }
                #expect(error != nil, "bit \(bit) of byte \(at)")
            }
            put(Bytes(whole[..<at]), path)
            let cut = reason { () throws(SiteError) in _ = try SiteKey.load(path) }
            #expect(cut != nil || at == whole.count - 1, "cut at byte \(at)")
        }
    }

    /// Blank lines and CR do not count.
    private func whitespaceAside(_ bytes: Bytes) throws -> [Bytes] {
        bytes.split(separator: 0x0A).map { Bytes($0.last == 0x0D ? $0.dropLast() : $0) }.filter { !$0.isEmpty }
    }

    @Test func `a key file survives a mailer's line ends`() throws {
        try key.create(in: directory.path)
        let windows = try text(path).split(separator: "\n").joined(separator: "\r\n\r\n") + "\r\n"
        put(bytes(windows), path)
        #expect(try SiteKey.load(path) == key)
    }

    static let foreign: [(String, SiteError.Reason)] = [
        ("", .malformed(line: nil)),
        ("-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNz\n", .malformed(line: nil)),
        ("shoal-network 1\nname x\ncheck 0\n", .malformed(line: nil)),
        ("shoal-key 2\nsite a\ncheck 0\n", .newer),
        ("shoal-key 1\n", .damaged),
        ("shoal-key 1\nsite a\npeer b\nseed c\ncheck 00000000000000000000000000000000\n", .damaged),
        ("\u{0}\u{1}\u{2}", .malformed(line: nil)),
    ]

    @Test(arguments: foreign) func `a foreign file is told from a damaged one`(
        content: String, expected: SiteError.Reason
    ) {
        put(bytes(content), path)
        #expect(reason { () throws(SiteError) in _ = try SiteKey.load(path) } == expected)
    }

    @Test func `a sealed file with wrong fields is refused without showing them`() throws {
        let wrong: [[(String, String)]] = [
            [("site", "a"), ("seed", "5ec2e7")],
            [("site", "../a"), ("peer", testKeyPair.peerID.hex), ("seed", Hex.encode(Bytes(1...32)))],
            [("site", "a"), ("peer", otherKeyPair.peerID.hex), ("seed", Hex.encode(Bytes(1...32)))],
            [("site", "a"), ("peer", testKeyPair.peerID.hex), ("seed", "5ec2e7")],
            [("site", "a"), ("peer", testKeyPair.peerID.hex), ("seed", "zz")],
        ]
        for fields in wrong {
            var sealed = SealedText(.key, comment: "test")
            for (name, value) in fields { sealed.add(name, value) }
            put(sealed.rendered(), path)
            let error = try #require(error { () throws(SiteError) in _ = try SiteKey.load(path) })
            #expect(error.reason == .malformed(line: nil))
            for (name, value) in fields where name == "seed" { #expect(!error.description.contains(value)) }
        }
    }

    @Test func `an exposed key is refused`() throws {
        try key.create(in: directory.path)
        chmod(path, 0o644)
        let error = error { () throws(SiteError) in _ = try SiteKey.load(path) }
        #expect(error?.reason == .exposed)
        #expect(error?.remedy == "run: chmod 600 \(path)")
    }

    @Test(arguments: ["", "\n", "abc x\n", "\(testKeyPair.peerID)\n", "\(testKeyPair.peerID) a b\n", "x\ny\n"])
    func `a public key file is one line`(content: String) {
        put(bytes(content), directory.file("a.pub"))
        #expect(
            reason { () throws(SiteError) in _ = try SiteKey.loadPublic(directory.file("a.pub")) }
                == .malformed(line: 1))
    }

    @Test(arguments: ["", ".", "..", ".a", "-a", "a/b", "a b", "ä", "a\u{0}", String(repeating: "a", count: 65)])
    func `a site name is safe as part of a path`(name: String) {
        #expect(SiteName(name) == nil)
        #expect(reason { () throws(SiteError) in _ = try SiteName(checking: name) } == .malformed(line: nil))
    }
}
