import Identity
import Membership
import Site
import Terminal
import Testing
import Wire

@testable import shoal

@Suite struct NetworkCommandTests {
    private let place = TemporaryDirectory()
    private var keys: [String] { ["--keys", place.file("keys")] }
    private var site: [String] { ["--data-dir", place.file("data")] }
    private var peersPath: String { place.file("peers/clinics.peers") }

    private struct JoinReport: Decodable {
        let network: String
        let founder: Bool
        let listed: Bool
        let listen: String?
        let advertise: [String]
        let changed: Bool
    }

    /// A site, and a network of it and another one.
    private func found(_ endpoint: String = "@north.example:7447") async {
        _ = await run(["init", "--name", "north"] + keys + site)
        _ = await run(["keys", "new", "south"] + keys)
        let outcome = await run(
            ["network", "new", "clinics", "--peers", place.file("peers")] + keys + [
                "--member", place.file("keys/north.pub") + endpoint, "--member", place.file("keys/south.pub"),
            ])
        #expect(outcome.code == .done, "\(outcome.errors)")
    }

    private func join(_ words: String...) async -> Outcome {
        await run(["join", peersPath] + keys + site + words)
    }

    @Test func `a new network has its founders and a secret that is never shown`() async throws {
        await found()
        #expect(place.mode(of: "keys/clinics.network") == 0o600)
        let network = try NetworkFile.load(place.file("keys/clinics.network"))
        #expect(network.genesis.founders.count == 2)
        let peers = try PeerList.load(peersPath)
        #expect(peers.entries.map(\.name) == ["north", "south"])
        #expect(peers.entries.map { $0.endpoint?.description } == ["north.example:7447", nil])
        for words in [["network", "show", "clinics"], ["network", "show", "clinics", "--json"]] {
            let shown = await run(words + keys)
            #expect(shown.code == .done)
            #expect(shown.output.contains(network.genesis.networkID.hex))
            #expect(shown.output.contains("south"))
            #expect(!shown.output.contains(Hex.encode(network.vocabularyKey)))
        }
    }

    @Test func `a network of that name is never overwritten`() async throws {
        await found()
        let before = try place.read("keys/clinics.network")
        let outcome = await run(["network", "new", "clinics", "--member", place.file("keys/south.pub")] + keys)
        #expect(outcome.code == .refused)
        #expect(try place.read("keys/clinics.network") == before)
    }

    @Test func `founders that are none are refused before anything is written`() async {
        for member in [
            "nobody.pub", "abc", String(repeating: "z", count: 64), "\(String(repeating: "a", count: 64))@x",
        ] {
            let outcome = await run(["network", "new", "clinics", "--member", member] + keys)
            #expect(outcome.code != .done, "\(member)")
            #expect(!Paths.exists(place.file("keys/clinics.network")))
        }
    }

    @Test func `joining keeps the files, listens where others dial, and is idempotent`() async throws {
        await found()
        let first = try await join("--json").json(JoinReport.self)
        #expect(first.changed && first.founder && first.listed)
        #expect(first.listen == "0.0.0.0:7447")
        #expect(first.advertise == ["north.example:7447"])
        let settings = try place.read("data/shoal.json")
        let second = try await join("--json").json(JoinReport.self)
        #expect(!second.changed)
        #expect(try place.read("data/shoal.json") == settings)
        let config = try SiteConfig.load(place.file("data/shoal.json"))
        #expect(config.network == place.file("keys/clinics.network"))
        #expect(config.peers == [peersPath])
    }

    @Test func `on one machine a site listens on the loopback address that others dial`() async throws {
        await found("@127.0.0.1:7001")
        let report = try await join("--json").json(JoinReport.self)
        #expect(report.listen == "127.0.0.1:7001")
        #expect(report.advertise.isEmpty)
    }

    @Test func `a malformed peers file is refused with its line`() async throws {
        await found()
        _ = try place.write(try place.read("peers/clinics.peers") + "nonsense\n", to: "peers/clinics.peers")
        let outcome = await join()
        #expect(outcome.code == .refused)
        #expect(outcome.errors.contains("clinics.peers, line 3"))
    }

    @Test func `a missing network file is named`() async throws {
        await found()
        let other = try place.write(try place.read("peers/clinics.peers"), to: "peers/labs.peers")
        let outcome = await run(["join", other] + keys + site)
        #expect(outcome.code == .unreachable)
        #expect(outcome.errors.contains("labs.network"))
    }

    @Test func `a site cannot move to another network`() async throws {
        await found()
        #expect(await join().code == .done)
        _ = await run(
            ["network", "new", "labs", "--member", place.file("keys/north.pub"), "--peers", place.file("peers")] + keys)
        let outcome = await run(["join", place.file("peers/labs.peers")] + keys + site)
        #expect(outcome.code == .refused)
        #expect(outcome.errors.contains("another network, clinics"))
    }

    @Test func `one who is no founder is told what a member must do`() async throws {
        _ = await run(["init", "--name", "north"] + keys + site)
        _ = await run(["keys", "new", "south"] + keys)
        _ = await run(
            ["network", "new", "clinics", "--member", place.file("keys/south.pub"), "--peers", place.file("peers")]
                + keys)
        let outcome = await join()
        #expect(outcome.code == .done)
        let peer = try SiteKey.load(place.file("keys/north.key")).keyPair.peerID
        #expect(outcome.output.contains("shoal peers add \(peer.hex) --name north"))
    }
}
