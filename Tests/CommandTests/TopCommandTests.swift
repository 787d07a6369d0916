import API
import Synchronization
import Terminal
import Testing

@testable import shoal

@Suite struct TopCommandTests {
    private static func status(ops: Int, sent: UInt64) -> StatusReport {
        let river = PeerReport(
            peer: String(repeating: "ab", count: 32), name: "river", address: nil, connected: true, member: true,
            banned: nil, rttMs: 3, ops: 7, bytesSent: sent, bytesReceived: 0, inStep: true)
        return StatusReport(
            name: "north", peer: String(repeating: "cd", count: 32),
            network: .init(id: String(repeating: "e", count: 64), name: "ward"),
            version: "1", uptimeSeconds: 61, trouble: nil, listen: nil,
            frontierDigest: String(repeating: "1", count: 64),
            stateDigest: String(repeating: "2", count: 64), ops: ops, waiting: 0, members: 2, peers: [river],
            models: [],
            graph: GraphReport(nodes: 0, edges: 0, relations: 0, valid: 0, test: 0),
            database: .init(kind: "private", bytes: 1), traffic: .init(bytesSent: 0, bytesReceived: 0), refused: [:])
    }

    @Test func `a page has the site and its peers; from the second on it has rates`() async throws {
        let turn = Mutex<Int>.Shared(0)
        let node = try FakeNode {
            $0.get("/api/status") { _ in
                let now = turn.value.withLock {
                    $0 += 1; return $0
                }
                return .json(Self.status(ops: 10 * now, sent: UInt64(now) * 1_000_000))
            }
        }
        let one = await node.run("top", "--count", "1")
        #expect(one.code == .done && one.output.contains("river") && one.output.contains("in step"))
        #expect(!one.output.contains("/s") && !one.output.contains("\u{1B}"), "a pipe gets text alone")
        let two = await node.run("top", "--count", "2", "--interval", "10ms")
        #expect(two.code == .done && two.output.contains("/s"), "\(two.output)")
        let json = await node.run("top", "--count", "2", "--interval", "1ms", "--json")
        #expect(json.output.split(separator: "\n").count == 2)
    }
}
