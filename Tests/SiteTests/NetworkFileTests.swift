import Glibc
import Membership
import Testing
import Wire

@testable import Site

@Suite struct NetworkFileTests {
    let directory = TemporaryDirectory()

    @Test(arguments: [1, 3, 256]) func `a network file reads back`(founders: Int) throws {
        let network = try NetworkFile(genesis: testGenesis(founders: founders), vocabularyKey: testVocabularyKey)
        let path = try network.create(in: directory.path)
        #expect(path == directory.file("clinics.network"))
        #expect(mode(path) == 0o600)
        #expect(try NetworkFile.load(path) == network)
        #expect(try text(path).split(separator: "\n").allSatisfy { $0.utf8.count <= 100 }, "lines that survive mail")
    }

    @Test func `the same network may come twice, another of its name may not`() throws {
        let network = try NetworkFile(genesis: testGenesis(), vocabularyKey: testVocabularyKey)
        try network.create(in: directory.path)
        try network.create(in: directory.path)
        let other = try NetworkFile(genesis: testGenesis(founders: 2), vocabularyKey: testVocabularyKey)
        #expect(reason { () throws(SiteError) in try other.create(in: directory.path) } == .exists)
        #expect(try NetworkFile.load(directory.file("clinics.network")) == network)
    }

    @Test func `a vocabulary key that the genesis does not commit to is refused`() throws {
        let genesis = try testGenesis()
        for key in [Bytes(repeating: 1, count: 32), [], testVocabularyKey + [0]] {
            #expect(
                reason { () throws(SiteError) in _ = try NetworkFile(genesis: genesis, vocabularyKey: key) }
                    == .malformed(line: nil))
        }
    }

    @Test func `a network name that is no file name is refused`() throws {
        let network = try NetworkFile(genesis: testGenesis("../up"), vocabularyKey: testVocabularyKey)
        #expect(reason { () throws(SiteError) in try network.create(in: directory.path) } == .malformed(line: nil))
    }

    @Test func `sealed content of another network is refused`() throws {
        let genesis = try testGenesis()
        let (key, encoded) = (Hex.encode(testVocabularyKey), Hex.encode(genesis.encode()))
        let id = genesis.networkID.hex
        let path = directory.file("a.network")
        let wrong: [[String]] = [
            ["other", id, key, encoded], ["clinics", String(id.reversed()), key, encoded],
            ["clinics", id, Hex.encode(Bytes(repeating: 1, count: 32)), encoded], ["clinics", id, "xy", encoded],
            ["clinics", id, key, String(encoded.dropLast(2))], ["clinics", id, key, encoded + "00"],
            ["clinics", id, key, ""],
        ]
        for values in wrong {
            var sealed = SealedText(.network, comment: "test")
            for (name, value) in zip(["name", "id", "vocabulary-key", "genesis"], values) { sealed.add(name, value) }
            put(sealed.rendered(), path)
            let error = try #require(error { () throws(SiteError) in _ = try NetworkFile.load(path) })
            #expect(error.reason == .malformed(line: nil))
            #expect(!error.description.contains(values[2]), "secrets do not show")
        }
    }

    @Test func `a key file is not a network file`() throws {
        try SiteKey(site: testSite, keyPair: testKeyPair).create(in: directory.path)
        let error = error { () throws(SiteError) in _ = try NetworkFile.load(directory.file("hospital-a.key")) }
        #expect(error?.cause == "it is a shoal site key file, not a network file")
    }

    @Test func `the vocabulary key does not show in dumps`() throws {
        let network = try NetworkFile(genesis: testGenesis(), vocabularyKey: testVocabularyKey)
        var dumped = ""
        dump(network, to: &dumped)
        #expect(!dumped.contains("vocabularyKey") && !"\(network)".contains("10"))
    }
}
