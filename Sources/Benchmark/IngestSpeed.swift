internal import Identity
internal import Peer
internal import Replication
internal import Storage
internal import Wire

/// Making verified ops durable in PostgreSQL, beside a plain COPY of the same envelopes in the same batches.
public enum IngestSpeed {
    /// As many as a node writes at once.
    private static let opsPerBatch = NodeLimits.opsPerBatch
    /// Of one turn, and turns; the first one warms up and is not counted.
    private static let batches = 8
    private static let turns = 6
    /// What protocol §11 asks for, ops a second.
    public static let asked = 10_000.0

    /// - Parameter directory: not there yet; a PostgreSQL of its own lives in it as long as this takes.
    /// - Throws: ``StorageError``.
    public static func measure(in directory: String) throws -> SpeedRow {
        let server = try PrivateServer(dataDirectory: directory)
        defer { server.stop() }
        let connection = try Connection(server.target)
        try Schema(name: "ingest").migrate(connection)
        try connection.query("CREATE TABLE plain (op_id bytea PRIMARY KEY, envelope bytea NOT NULL)")
        let network = NetworkID(Bytes(repeating: 3, count: 32))!
        let store = try OpStore(connection, schema: "ingest", network: network)
        var made = written(in: network, turns: turns)
        var (plain, whole): ([Double], [Double]) = ([], [])
        let clock = ContinuousClock()
        while !made.isEmpty {
            let turn = made.prefix(batches)
            made.removeFirst(turn.count)
            let count = Double(turn.reduce(0) { $0 + $1.ops.count })
            let copied = try clock.measure { for batch in turn { try copy(batch, connection) } }
            let stored = try clock.measure { for batch in turn { try store.persist(batch) } }
            plain.append(count / (copied / .seconds(1)))
            whole.append(count / (stored / .seconds(1)))
        }
        let ratios = zip(whole, plain).map { $0 / $1 }.dropFirst()
        return SpeedRow(
            name: "verified ops into PostgreSQL, \(opsPerBatch) a transaction", unit: "ops",
            anchor: Turns.median(plain.dropFirst()), shoal: Turns.median(whole.dropFirst()),
            ratio: Turns.median(ratios), asked: nil, askedRate: asked)
    }

    private static func copy(_ batch: StoreBatch, _ connection: Connection) throws(StorageError) {
        try connection.copyIn("plain", columns: ["op_id", "envelope"]) { (writer) throws(StorageError) in
            for stored in batch.ops {
                try writer.row()
                writer.bytes(stored.op.id.bytes)
                writer.bytes(stored.op.envelope)
            }
        }
    }

    /// Ops of several authors with small bodies, each after the one before in its log.
    private static func written(in network: NetworkID, turns: Int) -> [StoreBatch] {
        var random = Random(seed: 1)
        let authors = (0..<8).map { _ in KeyPair(seed: (0..<32).map { _ in UInt8(random.below(256)) }) }
        var heads = Array(repeating: OpID.zero, count: authors.count)
        var index: UInt64 = 0
        return (1...turns * batches).map { number in
            let ops = (0..<opsPerBatch).map { _ in
                let author = Int(index) % authors.count
                let seq = index / UInt64(authors.count) + 1
                let op = Op(
                    signing: .updateModelWeights, body: (0..<120).map { _ in UInt8(random.below(256)) },
                    log: LogID(rawValue: UInt64(author + 1)), seq: seq, prev: heads[author], lamport: seq, deps: [],
                    network: network, with: authors[author])
                heads[author] = op.id
                index += 1
                return StoredOp(op: op, body: nil, void: nil, applyIndex: index)
            }
            return StoreBatch(number: UInt64(number), ops: ops, signed: [])
        }
    }
}
