import API
import Glibc
import Graph
import Identity
import Membership
import Peer
import Site
import Testing
import Wire

@testable import Daemon

@Suite struct HostileTests {
    @Test func `a site that is told to admit itself says so and lives on`() async throws {
        let played = try await PlayedHost()
        defer { played.end() }
        let peers = PeerService(host: played.host, names: [:], peersFile: nil, log: EventLog(path: nil, verbose: false))
        let problem = await #expect(throws: Problem.self) {
            try await peers.add(PeerAddRequest(peer: played.key.peerID.hex, name: nil, address: nil))
        }
        #expect(problem?.status == 422 && problem?.field == "peer")
        #expect(try await peers.list().isEmpty)
    }

    @Test(arguments: [
        ("plain", "plain"), ("two words", "\"two words\""), ("a\nb", "\"a\\nb\""), ("a\r\nb", "\"a\\u{d}\\nb\""),
        ("\u{1B}[2J", "\"\\u{1b}[2J\""), ("a\u{2028}b\u{85}", "\"a\\u{2028}b\\u{85}\""),
        ("say \"\\\"", "\"say \\\"\\\\\\\"\""),
        ("", "\"\""), ("é=1", "\"é=1\""),
    ])
    func `what a peer says stays on its line of the log`(text: String, quoted: String) {
        #expect(EventLog.quote(text) == quoted)
    }

    @Test(arguments: ["a b", "a#b", "a\nb"])
    func `a name that no file of peers can hold is refused before anything is signed`(name: String) async throws {
        let played = try await PlayedSite()
        defer { played.end() }
        let file = "/tmp/shoal-peers-\(UInt32.random(in: 0...(.max))).peers"
        defer { unlink(file) }
        let peers = PeerService(
            host: played.host, names: [:], peersFile: file, log: EventLog(path: nil, verbose: false))
        let other = KeyPair(seed: Bytes(repeating: 77, count: 32)).peerID
        let problem = await #expect(throws: Problem.self) {
            try await peers.add(PeerAddRequest(peer: other.hex, name: name, address: "127.0.0.1:7447"))
        }
        #expect(problem?.field == "name")
        #expect(try await !played.host.ask { $0.state.members.contains(other) })
        _ = try await peers.add(PeerAddRequest(peer: other.hex, name: nil, address: "127.0.0.1:7447"))
        #expect(try PeerList.load(file).entries.map(\.name) == [other.short])
    }

    @Test func `two spellings of one character are two names`() throws {
        let key = try VocabularyKey(Bytes(repeating: 7, count: 32))
        let spellings = ["caf\u{E9}", "cafe\u{301}"]
        #expect(spellings[0] == spellings[1], "to Swift they are the same string")
        let nodes = try spellings.map { (id: try key.token(.node, named: $0), name: $0) }
        let graph = try SiteGraph(nodes: nodes, relations: [], triples: [], valid: [], test: [])
        for node in nodes { #expect(try graph.context([node.name]) == [graph.vocabulary.index(of: node.id)!]) }
    }

    @Test func `a graph that was read before an import is not kept after it`() throws {
        let graph = try SiteGraph(nodes: [], relations: [], triples: [], valid: [], test: [])
        var cache = GraphCache()
        let age = cache.age
        cache.outdate()
        cache.keep(graph, of: age)
        #expect(cache.graph == nil)
        cache.keep(graph, of: cache.age)
        #expect(cache.graph != nil)
    }

    @Test func `more addresses than a HELLO carries are refused at the start`() throws {
        let eight = Array(repeating: "a.example.org:7447", count: 8)
        #expect(try Daemon.checked(eight) == eight)
        #expect(throws: SiteError.self) { try Daemon.checked(eight + ["b.example.org:7447"]) }
        #expect(throws: SiteError.self) { try Daemon.checked([String(repeating: "a", count: 250) + ":65535"]) }
    }
}
