import Glibc
import Testing
import Wire

@testable import Site

@Suite struct SiteConfigTests {
    let directory = TemporaryDirectory()

    func parse(_ text: String) throws(SiteError) -> SiteConfig {
        try SiteConfig(parsing: bytes(text), path: "shoal.json")
    }

    @Test func `settings read back`() throws {
        var config = SiteConfig(name: testSite)
        let path = directory.file("shoal.json")
        try config.save(to: path)
        #expect(try SiteConfig.load(path) == config)
        config.key = "/keys/\"odd\"\\name\n\u{1}ü.key"
        config.network = "clinics.network"
        config.peers = ["/peers", "more.peers"]
        config.listen = Endpoint(host: "::", port: 0)
        config.http = Endpoint(host: "127.0.0.1", port: 7_480)
        config.advertise = [Endpoint(host: "a.example.org", port: 1), Endpoint(host: "::1", port: 2)]
        config.databaseURL = "postgresql://u:secret@h/d"
        config.privacy = ["clip=1", "min-edges=2"]
        config.schema = "north"
        config.train = false
        config.trainHours = "22-6"
        config.trainCores = 3
        config.claimRounds = 0
        config.inferenceBudget = "0.5"
        config.retention = 90
        config.sumsEvery = 64
        config.discover = false
        try config.save(to: path)
        #expect(try SiteConfig.load(path) == config)
        #expect(mode(path) == 0o600)
        chmod(path, 0o644)
        let error = error { () throws(SiteError) in _ = try SiteConfig.load(path) }
        #expect(error?.reason == .exposed, "it may hold a password")
    }

    @Test func `relative paths start at the settings`() {
        #expect(SiteConfig.resolve("a.key", in: "/d") == "/d/a.key")
        #expect(SiteConfig.resolve("/k/a.key", in: "/d") == "/k/a.key")
    }

    @Test(arguments: [
        ("databse_url", "database_url"), ("Listen", "listen"), ("peer", "peers"), ("netwrok", "network"),
        ("advertised", "advertise"), ("train_hour", "train_hours"), ("trian", "train"),
    ]) func `an unknown key is refused and the nearest one named`(key: String, nearest: String) {
        let error = error { () throws(SiteError) in _ = try parse("{\"name\": \"a\",\n \"\(key)\": null}") }
        #expect(error?.reason == .malformed(line: 2))
        #expect(error?.cause == "there is no setting \"\(key)\"; did you mean \"\(nearest)\"?")
    }

    @Test func `a key unlike any other gets no guess`() {
        let error = error { () throws(SiteError) in _ = try parse("{\"name\": \"a\", \"colour_scheme\": true}") }
        #expect(error?.cause == "there is no setting \"colour_scheme\"")
        #expect(error?.remedy.hasPrefix("known keys: name, key, network") == true)
    }

    @Test(arguments: [
        ("", 1), ("[]", 1), ("{}", 1), ("{\"name\": \"a b\"}", 1), ("{\"name\": 1}", 1), ("{\"name\": \"a\"} x", 1),
        ("{\"name\": \"a\",}", 1), ("{\"name\": \"a\"\n\"key\": \"b\"}", 2), ("{\"name\": \"a\",\n\"name\": \"a\"}", 2),
        ("{\"name\": \"a\",\n\n\"key\": \"\"}", 3), ("{\"name\": \"a\",\n\"key\": [\"b\"]}", 2),
        ("{\"name\": \"a\",\n\"peers\": \"p\"}", 2), ("{\"name\": \"a\",\n\"peers\": [null]}", 2),
        ("{\"name\": \"a\",\n\"listen\": \"7400\"}", 2), ("{\"name\": \"a\",\n\"http\": true}", 2),
        ("{\"name\": \"a\", \"key\": \"\\u0000\"}", 1), ("{\"name\": \"a\", \"key\": \"\\ud800\"}", 1),
        ("{\"name\": \"a\", \"key\": \"\\x\"}", 1), ("{\"name\": \"a\", \"key\": \"b", 1),
        ("{\"name\": \"a\", \"key\": \"\\", 1),
        ("{name: \"a\"}", 1), ("{\"name\" \"a\"}", 1), ("{\"name\": \"a\",\n\"key\": \"b\nc\"}", 3),
        (String(repeating: "[", count: 100_000), 1), ("{\"name\": \"a\", \"key\": nul}", 1),
        ("\u{FEFF}{\"name\": \"a\"}", 1),
    ]) func `wrong settings are refused with their line`(text: String, line: Int) {
        #expect(reason { () throws(SiteError) in _ = try parse(text) } == .malformed(line: line))
    }

    @Test func `bytes that are not UTF-8 are refused`() {
        let content = bytes("{\"name\": \"a\", \"key\": \"") + [0xC3, 0x28] + bytes("\"}")
        #expect(
            reason { () throws(SiteError) in _ = try SiteConfig(parsing: content, path: "p") } == .malformed(line: 1))
    }

    @Test(arguments: ["0", "-0", "12", "-7.25", "1e3", "1.5E-2"]) func `numbers of JSON are understood`(text: String)
        throws
    {
        #expect(try StrictJSON(parsing: bytes(text)) == .number(Double(text)!))
    }

    @Test(arguments: [
        "-", "01", "1.", ".5", "+1", "1e", "1e+", "0x10", "1_0", "--1", "1.2.3", "NaN", "Infinity", "1e999",
        String(repeating: "9", count: 40),
    ]) func `what only looks like a number is refused`(text: String) {
        #expect(throws: StrictJSON.Fault.self) { try StrictJSON(parsing: bytes(text)) }
    }

    @Test func `escapes of JSON are understood`() throws {
        let config = try parse(#"{"name":"\u0061","key":"\"\\\/\b\f\n\r\t\u00fc\ud83d\ude00"}"#)
        #expect(config.name.text == "a")
        #expect(config.key == "\"\\/\u{8}\u{C}\n\r\tü😀")
    }

    @Test func `random settings never crash the reader`() {
        var random = Random(seed: 5)
        let alphabet = Array("{}[]\":,\\u0d8 \nantrue".utf8) + [0xFF, 0x00]
        let whole = bytes("{\"name\": \"a\", \"peers\": [\"b\\n\", \"\\ud83d\\ude00\"], \"listen\": \"h:1\"}")
        for _ in 0..<5_000 {
            var content = whole
            for _ in 0...random.below(4) {
                content[random.below(content.count)] = alphabet[random.below(alphabet.count)]
            }
            content.removeLast(random.below(8))
            if let config = try? SiteConfig(parsing: content, path: "p") {
                #expect(throws: Never.self) { try SiteConfig(parsing: bytes(config.json), path: "p") }
            }
        }
    }
}
