import API
import Site
import Synchronization
import Terminal
import Testing
import Wire

@testable import shoal

@Suite struct NodeCommandTests {
    private static func status(trouble: String? = nil) -> StatusReport {
        let peer = PeerReport(
            peer: String(repeating: "cd", count: 32), name: "south", address: nil, connected: true, member: true,
            banned: nil, rttMs: 0, ops: 3)
        return StatusReport(
            name: "north", peer: String(repeating: "ab", count: 32), network: .init(id: "00ff", name: "clinics"),
            version: "1", uptimeSeconds: 61, trouble: trouble, listen: nil, frontierDigest: "0f", stateDigest: "1f",
            ops: 7, waiting: 1, members: 2, peers: [peer], models: [],
            graph: .init(nodes: 2, edges: 1, relations: 1, valid: 0, test: 0),
            database: .init(kind: "private", bytes: 1024), traffic: .init(bytesSent: 1, bytesReceived: 2), refused: [:])
    }

    @Test func `status is exit code 0 when all is well, 1 in trouble`() async throws {
        let well = try FakeNode { $0.get("/api/status") { _ in .json(Self.status()) } }
        let good = await well.run("status")
        #expect(good.code == .done)
        #expect(good.output.contains("north is well, connected to 1 of 1 other site"))
        #expect(good.output.contains("7 ops (1 waiting)"))
        let ill = try FakeNode { $0.get("/api/status") { _ in .json(Self.status(trouble: "the disk is full")) } }
        let bad = await ill.run("status")
        #expect(bad.code == .no)
        #expect(bad.output.contains("the disk is full"))
        #expect(await ill.run("status", "--json").code == .no)
    }

    @Test func `JSON is what the node said, to the byte`() async throws {
        let text = #"{"edges":1,"future_field":"kept","nodes":2,"relations":1,"test":0,"valid":0}"#
        let node = try FakeNode { router in
            router.get("/api/graph/stats") { _ in Response(contentType: "application/json", Array(text.utf8)) }
        }
        #expect(await node.run("graph", "stats", "--json").output == text + "\n")
    }

    @Test func `a refusal names the command, the cause and the remedy`() async throws {
        let node = try FakeNode { router in
            router.get("/api/models/:agent/info") { _ in
                throw Problem.notFound("no model of agent 'x' is known here", remedy: "create one")
            }
            router.get("/api/models") { _ in throw Problem.unavailable("the node is stopping") }
        }
        let refused = await node.run("model", "info", "--agent", "x")
        #expect(refused.code == .refused)
        #expect(refused.errors == "shoal: model info: no model of agent 'x' is known here. Create one\n")
        #expect(await node.run("model", "list").code == .unreachable)
    }

    @Test func `what others wrote cannot steer the terminal`() async throws {
        let node = try FakeNode { router in
            router.get("/api/status") { _ in .json(Self.status(trouble: "\u{1B}[2Jnone\nshoal: all is well")) }
        }
        let outcome = await node.run("status")
        #expect(!outcome.output.contains("\u{1B}"))
        #expect(!outcome.output.contains("\nshoal: all is well"))
    }

    @Test func `verify is exit code 1 when a fault is found`() async throws {
        let faults = Mutex<[String]>.Shared([])
        let node = try FakeNode { router in
            router.get("/api/ops/verify") { _ in
                .json(VerifyReport(ops: 3, bodies: 1, faults: faults.value.withLock { $0 }))
            }
        }
        #expect(await node.run("ops", "verify").code == .done)
        faults.value.withLock { $0 = ["op 00ff: its signature is not its author's"] }
        let outcome = await node.run("ops", "verify")
        #expect(outcome.code == .no)
        #expect(outcome.output.contains("op 00ff: its signature"))
        #expect(await node.run("ops", "verify", "--json").code == .no)
    }

    @Test func `an export appears whole or not at all`() async throws {
        let node = try FakeNode { router in
            router.get("/api/status") { _ in .json(Self.status()) }
            router.get("/api/ops/export") { _ in Response(contentType: "application/cbor-seq", [1, 2, 3]) }
            router.get("/api/ops/export-bodies") { request in
                .stream(contentType: "application/cbor-seq") { writer in
                    try await writer.write([9])
                    throw Problem.internalError()
                }
            }
        }
        _ = try node.directory.write("old", to: "ops.cbor.bodies")
        let outcome = await node.run("ops", "export", node.directory.file("ops.cbor"))
        #expect(outcome.code != .done)
        #expect(try Files.read(node.directory.file("ops.cbor")) == [1, 2, 3])
        #expect(try node.directory.read("ops.cbor.bodies") == "old")
        #expect(!Paths.names(in: node.directory.path).contains { $0.hasSuffix(".part") })
        let nowhere = await node.run("ops", "export", node.directory.file("none/ops.cbor"))
        #expect(nowhere.code == .unreachable)
    }

    @Test func `a member is let in with its name and address`() async throws {
        let id = String(repeating: "ab", count: 32)
        let node = try FakeNode { router in
            router.post("/api/peers") { request in
                let asked: PeerAddRequest = try request.json()
                #expect(asked.peer == id && asked.name == "west" && asked.address == "west.example:7447")
                return .json(
                    PeerReport(
                        peer: id, name: "west", address: asked.address, connected: false, member: true, banned: nil,
                        rttMs: nil, ops: 0), status: 201)
            }
        }
        let outcome = await node.run("peers", "add", id, "--name", "west", "--address", "west.example:7447")
        #expect(outcome.code == .done, "\(outcome.errors)")
        #expect(outcome.output.hasPrefix("west belongs"))
    }
}
