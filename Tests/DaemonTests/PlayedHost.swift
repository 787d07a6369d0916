import Glibc
import Identity
import Membership
import Peer
import Replication
import Site
import Storage
import Transport
import Wire

@testable import Daemon

/// A node on a loop of its own, without sockets and without a database: nothing becomes durable.
final class PlayedHost {
    let host: NodeHost
    let key = KeyPair(seed: Bytes(repeating: 1, count: 32))
    private let loop: EventLoop
    private let keeper: OpKeeper
    private let directory: String

    init() async throws {
        var template = Array("/tmp/shoal-daemon-tests-XXXXXX".utf8CString)
        directory = String(cString: mkdtemp(&template)!)
        let loop = try EventLoop()
        self.loop = loop
        keeper = OpKeeper(journal: try SignJournal(path: "\(directory)/journal"), checkSpace: {}) {
            () throws(StorageError) in
            throw StorageError(.notAllowed, operation: "reach", object: "a database", cause: "there is none")
        }
        let genesis = try Genesis(
            name: "played", createdSeconds: 1, salt: Bytes(repeating: 1, count: 16),
            vocabularyKey: Bytes(repeating: 2, count: 32), founders: [key.peerID])
        let configuration = NodeConfiguration(
            genesis: genesis, contacts: [], listenAddresses: [], freshLog: LogID(rawValue: 1))
        let (keeper, key) = (keeper, key)
        loop.start()
        host = try await loop.perform {
            Result {
                let node = try Node(
                    configuration: configuration, identity: key, recovered: Recovered(), seed: 1,
                    now: Instant(milliseconds: loop.now), wallSeconds: 0)
                return NodeHost(
                    loop: loop, transport: try TLSTransport(loop: loop), keeper: keeper, node: node,
                    log: EventLog(path: nil, verbose: false), onStopped: { _ in })
            }
        }.get()
    }

    func end() {
        loop.stop()
        loop.join()
        keeper.finish()
        unlink("\(directory)/journal")
        rmdir(directory)
    }
}
