internal import API
internal import Glibc
internal import Identity
internal import Site
internal import Terminal
internal import Transport
internal import Wire

/// `shoal cluster serve`: the switchboard of a cluster, with an HTTP interface on a Unix socket.
///
/// | route          | what it does                                   |
/// |----------------|------------------------------------------------|
/// | `GET /links`   | every direction between two nodes, ``LinkReport`` |
/// | `POST /links`  | a list of ``LinkOrder``, carried out in order   |
/// | `POST /reload` | reads `cluster.json` again: nodes were added    |
public struct LinkService: Sendable {
    private let cluster: Cluster
    private let loop: EventLoop
    private let board: Switchboard

    /// Carries the connections of the cluster in `directory` until SIGTERM, SIGINT, or the directory is gone.
    public static func run(_ directory: String) async throws {
        let cluster = try Cluster(existing: directory)
        let loop = try EventLoop()
        let seed = UInt64(bigEndianBytes: secureRandomBytes(8))!
        let service = LinkService(cluster: cluster, loop: loop, board: Switchboard(loop: loop, seed: seed))
        try await service.run()
    }

    private func run() async throws {
        let (board, loop) = (board, loop)
        try open()
        let runtime = try RuntimeDirectory(for: DataDirectory(existing: cluster.directory))
        try runtime.prepare()
        defer { runtime.remove() }
        let (ends, end) = AsyncStream.makeStream(of: Void.self)
        for signal in [SIGTERM, SIGINT] { try loop.onSignal(signal) { end.yield() } }
        watchDirectory { end.yield() }
        var configuration = ServerConfiguration(listen: [.unix(path: runtime.apiSocketPath)])
        configuration.threads = 1
        let server = try HTTPServer(configuration, handler: router())
        loop.start()
        guard let own = ProcessIdentity(of: getpid()) else { return }
        try cluster.update { $0.harness = .init(process: own, socket: runtime.apiSocketPath) }
        for await _ in ends { break }
        await server.stop(within: .seconds(1))
        try await loop.perform { board.close() }
        loop.stop()
        loop.join()
    }

    /// Learns the nodes and opens the doors of `cluster.json`; on the loop, or before it runs.
    private func open() throws {
        let file = try cluster.file
        for node in file.nodes { board.set(node.name, host: node.address, port: node.port) }
        let host = file.namespaces == nil ? "127.0.0.1" : "0.0.0.0"
        for door in file.doors ?? [] {
            try board.open(from: door.from, to: door.to, host: host, port: door.port)
        }
    }

    /// A cluster whose files were removed by hand leaves no process behind.
    private func watchDirectory(_ gone: @escaping @Sendable () -> Void) {
        let path = ClusterFile.path(in: cluster.directory)
        @Sendable func look() {
            if access(path, F_OK) != 0 { return gone() }
            loop.after(milliseconds: 2_000) { look() }
        }
        look()
    }

    private func router() -> Router {
        var router = Router()
        let service = self
        router.get("/links") { _ in .json(try await service.onLoop { $0.report }) }
        router.post("/links") { request in
            let orders: [LinkOrder] = try request.json()
            return .json(
                try await service.onLoop { board in
                    for order in orders { try board.carryOut(order) }
                    return board.report
                })
        }
        router.post("/reload") { _ in
            .json(
                try await service.onLoop { board in
                    try service.open()
                    return board.report
                })
        }
        return router
    }

    private func onLoop<Value: Sendable>(_ work: @escaping @Sendable (Switchboard) throws -> Value) async throws
        -> Value
    {
        let board = board
        do {
            return try await loop.perform { Result { try work(board) } }.get()
        } catch {
            throw Problem.badRequest("\(error)")
        }
    }
}
