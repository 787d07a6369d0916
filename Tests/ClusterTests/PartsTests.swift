import API
import Foundation
import Terminal
import Testing

@testable import Harness

/// Parts of the harness that need no node.
@Suite struct PartsTests {
    @Test func `a topology says who dials whom`() {
        func dials(_ topology: Topology) -> [[Int]] { (0..<4).map { topology.neighbours(of: $0, count: 4) } }
        #expect(dials(.full) == [[1, 2, 3], [0, 2, 3], [0, 1, 3], [0, 1, 2]])
        #expect(dials(.line) == [[1], [0, 2], [1, 3], [2]])
        #expect(dials(.star) == [[1, 2, 3], [0], [0], [0]])
    }

    @Test func `ports are different and no outgoing connection can take them`() throws {
        let ports = try FreePorts.choose(64)
        #expect(Set(ports).count == 64)
        let range = try String(contentsOfFile: "/proc/sys/net/ipv4/ip_local_port_range", encoding: .utf8)
        let first = try #require(range.split(whereSeparator: \.isWhitespace).first.flatMap { Int($0) })
        if first > 12_000 { #expect(ports.allSatisfy { Int($0) < first }) }
    }

    @Test func `a port that was chosen is not chosen again, by another process neither`() async throws {
        let ports = try FreePorts.choose(500)
        #expect(Set(try FreePorts.choose(500)).isDisjoint(with: ports))
        let chosen = Int(ports[0])
        await #expect(processExitsWith: .success) { [chosen = chosen as Int] in
            #expect(throws: Failure.self) { try FreePorts.choose(1, from: chosen..<chosen + 1) }
        }
        #expect(throws: Failure.self) { try FreePorts.choose(1, from: chosen..<chosen + 1) }
    }

    @Test func `a process is known by its start as well as by its id`() throws {
        let own = try #require(ProcessIdentity(of: getpid()))
        #expect(own.isAlive)
        let bytes = try JSON.encode(own)
        #expect(try JSON.decode(ProcessIdentity.self, from: bytes) == own)
        let text = String(decoding: bytes, as: UTF8.self).replacing("\(own.startTicks)", with: "\(own.startTicks + 1)")
        let other = try JSON.decode(ProcessIdentity.self, from: Array(text.utf8))
        #expect(!other.isAlive, "the same number, another process")
    }

    @Test func `a process has ended when the last of its threads has, for until then its locks hold`() async throws {
        try await Place.with { place in
            let lock = place + "/lock"
            // The first thread ends at once, the second has the lock for a while.
            let program = """
                import ctypes, fcntl, sys, threading, time
                file = open(sys.argv[1], "w")
                fcntl.flock(file, fcntl.LOCK_EX)
                threading.Thread(target=time.sleep, args=(1,)).start()
                print(file=file, flush=True)
                ctypes.CDLL(None).syscall(int(sys.argv[2]), 0)
                """
            #if arch(x86_64)
                let exit = "60"
            #else
                let exit = "93"
            #endif
            let process = try #require(
                try Launch.detached("/usr/bin/python3", ["-c", program, lock, exit], log: place + "/log").identity)
            try await eventually("it has the lock") { (try? Data(contentsOf: URL(filePath: lock)).count) == 1 }
            #expect(try await process.ended(within: .seconds(30)))
            let file = open(lock, O_RDWR)
            defer { close(file) }
            #expect(flock(file, LOCK_EX | LOCK_NB) == 0, "nobody has it any more")
        }
    }

    @Test func `the bundled data are three hospitals with different facts`() throws {
        let dataset = try Dataset.bundled()
        #expect(dataset.sites.map(\.name) == ["north", "river", "harbour"])
        let facts = dataset.sites.map { Set($0.facts(.train)) }
        #expect(facts.map(\.count).reduce(0, +) == 5_221)
        #expect(facts[0].isDisjoint(with: facts[1]) && facts[1].isDisjoint(with: facts[2]))
        let relations = dataset.sites.map { Set($0.facts(.train).map(\.relation)) }
        #expect(relations[0].intersection(relations[1]).count > 40, "the same relations")
    }

    @Test func `the table of a demo's cluster fits a terminal of 80 columns`() {
        let digest = String(repeating: "0123456789abcdef", count: 4)
        let nodes = ["north", "river", "harbour"].map { name in
            ClusterStatus.Node(
                name: name, state: "up", pid: 1_234_567, listen: "127.0.0.1:65535", dataDir: "/d",
                connected: ["a", "b"], ops: 1_234, frontierDigest: digest, stateDigest: digest, trouble: nil)
        }
        let table = ClusterStatus(directory: "/c", network: "n", nodes: nodes).table
        let lines = table.lines(width: 80)
        #expect(lines.allSatisfy { $0.count <= 80 }, "\(lines)")
        #expect(lines.dropFirst().allSatisfy { $0.contains("1234567  127.0.0.1:65535  ") }, "\(lines)")
    }

    @Test func `means count queries, and a figure that does not exist is null`() throws {
        func site(_ name: String, _ score: DemoScore) -> DemoReport.Site {
            DemoReport.Site(
                name: name, isolated: score, federated: score, served: score, pooled: nil, ops: 1, opsSigned: 1,
                opBytesSigned: 0, bytesSent: 1, bytesReceived: 1, frontierDigest: "f", stateDigest: "s", triples: 0)
        }
        let sites = [
            site("a", DemoScore(mrr: 0.5, hits1: 0, hits10: 1, queries: 30)), site("b", .none),
            site("c", DemoScore(mrr: 1, hits1: 1, hits10: 1, queries: 10)),
        ]
        let report = DemoReport(dataset: "d", sites: sites, examples: [], wallSeconds: 1, federatedSeconds: 1)
        #expect(report.federatedMrr == 0.625)
        #expect(report.pooledMrr == nil)
        #expect(report.digestsEqual)
        let json = String(decoding: try JSON.encode(report), as: UTF8.self)
        #expect(json.contains("\"pooled_mrr\":null"))
        #expect(json.contains("{\"hits1\":null,\"hits10\":null,\"mrr\":null,\"queries\":0}"))
        #expect(json.contains("\"balance_nkoi\":0") && json.contains("\"patterns_accepted\":0"))
    }

    @Test func `folders are read in the order of their numbers`() async throws {
        try await Place.with { place in
            for name in ["10", "9", "b", "a"] {
                try FileManager.default.createDirectory(atPath: "\(place)/\(name)", withIntermediateDirectories: false)
                try Data("x\ty\tz\n".utf8).write(to: URL(filePath: "\(place)/\(name)/train.txt"))
            }
            let dataset = try Dataset.folder(place)
            #expect(dataset.sites.map(\.name) == ["9", "10", "a", "b"])
            #expect(try dataset.prefix(2).sites.map(\.name) == ["9", "10"])
            #expect(throws: (any Error).self) { try dataset.prefix(5) }
        }
    }
}
