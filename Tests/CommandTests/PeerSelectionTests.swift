import API
import Synchronization
import Terminal
import Testing

@testable import shoal

/// Which site a person means.
@Suite struct PeerSelectionTests {
    private static let own = "ab12" + String(repeating: "0", count: 60)
    private static let west = "cd34" + String(repeating: "1", count: 60)
    private static let east = "cd34" + String(repeating: "2", count: 60)
    private static let former = "ef56" + String(repeating: "3", count: 60)

    private func node(_ asked: @escaping @Sendable (String) -> Void) throws -> FakeNode {
        func peer(_ id: String, _ name: String, successor: String? = nil) -> PeerReport {
            PeerReport(
                peer: id, name: name, address: nil, connected: true, member: successor == nil, left: successor != nil,
                successor: successor, banned: nil, rttMs: 0, ops: 3)
        }
        let peers = [
            peer(Self.west, "west"), peer(Self.east, "twin"), peer(Self.former, "west", successor: Self.west),
        ]
        let status = StatusReport(
            name: "twin", peer: Self.own, network: .init(id: "00ff", name: "clinics"), version: "1", uptimeSeconds: 61,
            trouble: nil, listen: nil, frontierDigest: "0f", stateDigest: "1f", ops: 7, waiting: 1, members: 2,
            peers: peers, models: [], graph: .init(nodes: 2, edges: 1, relations: 1, valid: 0, test: 0),
            database: .init(kind: "private", bytes: 1024), traffic: .init(bytesSent: 1, bytesReceived: 2), refused: [:])
        return try FakeNode { router in
            router.get("/api/status") { _ in .json(status) }
            router.get("/api/peers") { _ in .json(peers) }
            router.post("/api/peers/revoke") { request in
                let wanted: AffirmRequest = try request.json()
                asked(wanted.peer)
                return .json(["peer": wanted.peer])
            }
            router.get("/api/ops") { request in
                asked(request.query["author"] ?? "")
                return .json([OpReport]())
            }
        }
    }

    @Test(arguments: [
        (["peers", "revoke", "west"], west), (["peers", "revoke", "CD341"], west),
        (["peers", "revoke", "ef56"], former),
        (["peers", "revoke", former], former), (["ops", "list", "--author", "ab12"], own),
    ])
    func `a name, the first digits or a whole id mean one site; a name the key it has now`(
        _ words: [String], _ meant: String
    ) async throws {
        let asked = Mutex<[String]>([])
        let node = try node { peer in asked.withLock { $0.append(peer) } }
        let outcome = await node.run(words)
        #expect(outcome.code == .done, "\(outcome.errors)")
        #expect(asked.withLock { $0 } == [meant])
    }

    @Test func `what may be several is refused with what to write for each`() async throws {
        let node = try node { _ in Issue.record("nothing may be done") }
        let digits = await node.run("peers", "revoke", "cd34")
        #expect(digits.code == .refused)
        #expect(
            digits.errors
                == "shoal: peers revoke: cd34: it is one of 2 sites: cd3411111111 (west), cd3422222222 (twin). "
                + "Give more digits\n")
        let name = await node.run("peers", "revoke", "twin")
        #expect(name.code == .refused && name.errors.contains("ab1200000000 (twin), cd3422222222 (twin)"))
    }

    @Test(arguments: ["nobody", "cd3", "99999999", "cd34zz"])
    func `what is no site is refused before anything is done`(_ word: String) async throws {
        let node = try node { _ in Issue.record("nothing may be done") }
        let outcome = await node.run("peers", "revoke", word)
        #expect(outcome.code == .refused && outcome.errors.contains("\(word): no site that this one knows"))
    }
}
