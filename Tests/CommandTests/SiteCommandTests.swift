import Glibc
import Identity
import Membership
import Site
import Terminal
import Testing
import Wire

@testable import shoal

@Suite struct SiteCommandTests {
    private let place = TemporaryDirectory()
    private var keys: [String] { ["--keys", place.file("keys")] }
    private var site: [String] { ["--data-dir", place.file("data")] }

    private struct InitReport: Decodable {
        let name: String
        let peer: String
        let key: String
        let publicKey: String
        let dataDir: String
        let created: Bool
    }

    private func make(_ name: String = "north") async throws -> InitReport {
        let outcome = await run(["init", "--name", name, "--json"] + keys + site)
        #expect(outcome.code == .done, "\(outcome.errors)")
        return try outcome.json()
    }

    @Test func `init makes a secret key, its public half and the settings`() async throws {
        let report = try await make()
        #expect(report.name == "north")
        #expect(place.mode(of: "keys/north.key") == 0o600)
        #expect(try SiteKey.load(report.key).keyPair.peerID.hex == report.peer)
        #expect(try SiteKey.loadPublic(report.publicKey).peerID.hex == report.peer)
        #expect(try SiteConfig.load(report.dataDir + "/shoal.json").key == report.key)
    }

    @Test func `a second init changes nothing`() async throws {
        let first = try await make()
        let settings = try place.read("data/shoal.json")
        let second = try await make()
        #expect(first.created && !second.created)
        #expect(second.peer == first.peer)
        #expect(try place.read("data/shoal.json") == settings)
    }

    @Test func `a key that is there is used for a new data directory`() async throws {
        let peer = try await make().peer
        let outcome = await run(["init", "--name", "north", "--data-dir", place.file("other"), "--json"] + keys)
        #expect(try outcome.json(InitReport.self).peer == peer)
    }

    @Test func `another site's data directory and another key for a site are refused`() async throws {
        _ = try await make()
        let other = await run(["init", "--name", "south"] + keys + site)
        #expect(other.code == .refused)
        #expect(other.errors.contains("it is the data directory of north"))
        let fresh = await run(["init", "--name", "north", "--keys", place.file("elsewhere")] + site)
        #expect(fresh.code == .refused)
        #expect(!Paths.exists(place.file("elsewhere/north.key")))
    }

    @Test func `init makes no second key for a site whose key is gone`() async throws {
        #expect(await run(["init", "--name", "north"] + keys + site).code == .done)
        #expect(unlink(place.file("keys/north.key")) == 0)
        for directory in ["keys", "elsewhere"] {
            let outcome = await run(["init", "--name", "north", "--keys", place.file(directory)] + site)
            #expect(outcome.code == .refused)
            #expect(outcome.errors.contains("the key of this site is gone"), "\(outcome.errors)")
            #expect(!Paths.exists(place.file("\(directory)/north.key")))
        }
    }

    @Test func `init keeps what it is told about the node`() async throws {
        let outcome = await run(
            ["init", "--name", "north", "--listen", ":7447", "--advertise", "north.example:7447"] + keys + site)
        #expect(outcome.code == .done)
        let config = try SiteConfig.load(place.file("data/shoal.json"))
        #expect(config.listen?.description == "0.0.0.0:7447")
        #expect(config.advertise.map(\.description) == ["north.example:7447"])
    }

    @Test func `names that cannot be file names are refused`() async {
        for name in ["../north", "", "a b", ".hidden", String(repeating: "n", count: 65)] {
            let outcome = await run(["init", "--name", name] + keys + site)
            #expect(outcome.code == .refused || outcome.code == .usage, "\(name)")
        }
    }

    @Test func `keys are made and shown, secrets never`() async throws {
        #expect(await run(["keys", "new", "west"] + keys).code == .done)
        let again = await run(["keys", "new", "west"] + keys)
        #expect(again.code == .refused, "a key is never overwritten")
        let seed = try SiteKey.load(place.file("keys/west.key")).keyPair.seed
        for words in [["keys", "show"], ["keys", "show", "west"], ["keys", "show", "west", "--json"]] {
            let shown = await run(words + keys)
            #expect(shown.code == .done)
            #expect(shown.output.contains(try SiteKey.load(place.file("keys/west.key")).keyPair.peerID.hex))
            #expect(!shown.output.contains(Hex.encode(seed)))
        }
        #expect(await run(["keys", "show", "east"] + keys).code == .unreachable)
    }

    @Test func `a node that does not run is exit code 3 with the command that starts it`() async throws {
        _ = try await make()
        for words in [["status"], ["peers"], ["graph", "stats"], ["model", "list"], ["ops", "verify"]] {
            let outcome = await run(words + site)
            #expect(outcome.code == .unreachable)
            #expect(outcome.errors.contains("the node of north is not running"))
            #expect(outcome.errors.contains("shoal run --data-dir \(place.file("data"))"))
            #expect(outcome.output.isEmpty)
        }
    }

    @Test func `the lock file of a killed node does not pass for a node`() async throws {
        _ = try await make()
        _ = try place.write("pid 4194303\nsocket \(place.file("api.sock"))\n", to: "data/lock")
        #expect(await run(["status"] + site).code == .unreachable)
        // A number that is somebody else's by now.
        _ = try place.write("pid 1\nsocket \(place.file("api.sock"))\n", to: "data/lock")
        #expect(await run(["status"] + site).errors.contains("is not running"))
    }

    @Test func `a site that has not joined a network cannot run`() async throws {
        _ = try await make()
        let outcome = await run(["run"] + site)
        #expect(outcome.code == .unreachable)
        #expect(outcome.errors.contains("shoal join"))
    }
}
