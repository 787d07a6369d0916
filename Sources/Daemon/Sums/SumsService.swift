internal import Consensus
internal import Federation
internal import Identity
internal import Peer
internal import Replication
internal import Storage
internal import Wire

/// Adds up the deltas of blocks that are to be certified, reading their bodies from the database, and keeps what they come
/// to, so that it can be served by its hash.
final class SumsService: Sendable {
    private let host: NodeHost
    private let database: Database
    private let network: NetworkID
    private let log: EventLog
    /// One block at a time, away from the node's thread.
    private let worker = StorageThread(name: "shoal-sums")

    /// Bodies that are read at once: what holds the memory within bounds.
    private static let bodiesAtOnce = 16

    init(host: NodeHost, database: Database, network: NetworkID, log: EventLog) {
        self.host = host
        self.database = database
        self.network = network
        self.log = log
        host.onSum { [weak self] block in await self?.sum(block) }
    }

    func stop() { worker.finish() }

    /// What the deltas of a block come to; nil when a body is missing, or all of it adds up to zero.
    func sum(_ block: LogBlock) async -> BlockSums? {
        do {
            guard let work = try await host.ask({ $0.work(of: block) }), let bytes = try await bytes(of: work),
                let sums = BlockSums(block: block, of: bytes)
            else { return nil }
            let (schema, network) = (database.schema, network)
            try await database.query { (connection) throws(StorageError) in
                try OpStore(connection, schema: schema, network: network).keep(sums, bytes: bytes)
            }
            log.info(
                "sums-added-up",
                [
                    "log": block.key.log.hex, "author": block.key.author.short, "after": "\(block.after)",
                    "through": "\(block.through)", "deltas": "\(work.ops.count)", "bytes": "\(bytes.count)",
                ])
            return sums
        } catch {
            log.warn("sums-not-added-up", ["log": block.key.log.hex, "cause": "\(error)"])
            return nil
        }
    }

    private func bytes(of work: Node.BlockWork) async throws -> Bytes? {
        let (schema, network) = (database.schema, network)
        var sums = work.sums
        for start in stride(from: 0, to: work.ops.count, by: Self.bodiesAtOnce) {
            let ops = Array(work.ops[start..<min(start + Self.bodiesAtOnce, work.ops.count)])
            let bodies = try await database.query { (connection) throws(StorageError) in
                try OpStore(connection, schema: schema, network: network).bodies(of: ops)
            }
            guard ops.allSatisfy({ bodies[$0] != nil }) else { return nil }
            let before = sums
            let added = try await worker.perform {
                Result {
                    var sums = before
                    for op in ops { try sums.add(body: bodies[op]!) }
                    return sums
                }
            }
            sums = try added.get()
        }
        let whole = sums
        return try await worker.perform { whole.encode() }
    }
}
