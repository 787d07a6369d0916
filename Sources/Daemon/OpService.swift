internal import API
internal import Identity
internal import Peer
internal import Replication
internal import Storage
internal import Wire

/// The op log for people: lists, details, verification, export.
final class OpService: Sendable {
    enum Export: Sendable { case envelopes, bodies }

    private let database: Database
    private let network: NetworkID

    init(database: Database, network: NetworkID) {
        self.database = database
        self.network = network
    }

    private func query<Value: Sendable>(
        _ work: @escaping @Sendable (OpStore) throws(StorageError) -> Value
    ) async throws -> Value {
        let schema = database.schema
        let network = network
        return try await database.query { (connection) throws(StorageError) in
            try work(OpStore(connection, schema: schema, network: network))
        }
    }

    func list(limit: Int, before: UInt64?, kind: String?, author: String?) async throws -> [OpReport] {
        let wanted = try kind.map { name throws(Problem) in
            guard let kind = OpKind.allCases.first(where: { $0.name == name }) else {
                throw Problem.badRequest(
                    "there are no ops of kind '\(name)'",
                    remedy: "kinds: \(OpKind.allCases.map(\.name).joined(separator: ", "))", field: "kind")
            }
            return kind
        }
        let prefix = try author.map { try Self.hex($0, "author") }
        return try await query { (store) throws(StorageError) in
            try store.page(limit: limit, before: before, kind: wanted, author: prefix)
        }.map(Self.report)
    }

    func show(_ prefix: String) async throws -> OpReport {
        let digits = try Self.hex(prefix, "id")
        let found = try await query { (store) throws(StorageError) in try store.find(digits) }
        guard let op = found.first else { throw Problem.notFound("no op here has an id that begins with \(prefix)") }
        guard found.count == 1 else {
            throw Problem.conflict("\(found.count) ops begin with \(prefix)", remedy: "give more digits")
        }
        return Self.report(op)
    }

    private static func hex(_ text: String, _ field: String) throws(Problem) -> String {
        let digits = text.lowercased()
        guard (1...64).contains(digits.utf8.count), digits.allSatisfy(\.isHexDigit) else {
            throw .badRequest("'\(text)' is no id", remedy: "an id has up to 64 hexadecimal digits", field: field)
        }
        return digits
    }

    private static func report(_ stored: StoredOp) -> OpReport {
        let header = stored.op.header
        return OpReport(
            id: stored.op.id.hex, author: header.author.hex, log: header.log.hex, seq: Int(header.seq),
            kind: header.kind.name, lamport: Int(header.lamport), bodyBytes: header.bodyLength,
            deps: header.deps.map(\.hex), void: stored.void.map { "\($0.code): \($0.detail)" },
            place: Int(clamping: stored.applyIndex))
    }

    /// Reads every op and body again and checks signature, id, chain and hash.
    func verify() async throws -> VerifyReport {
        var report = VerifyReport(ops: 0, bodies: 0, faults: [])
        var last: Op?
        var chain = ChainCheck()
        let forks = try await query { (store) throws(StorageError) in try store.forks() }
        var indices = Set(forks.map(\.applyIndex))
        let network = network
        while true {
            let place = last.map { (key: $0.header.logKey, seq: $0.header.seq, id: $0.id) }
            let page = try await query { (store) throws(StorageError) in try store.next(after: place, limit: 500) }
            for stored in page {
                report.ops += 1
                let op = stored.op
                if (try? Op(verifying: op.envelope, network: network)) != op {
                    report.faults.append("op \(op.id.short): its signature is not its author's")
                }
                if !chain.continues(with: op) {
                    report.faults.append("op \(op.id.short): it does not continue its log")
                }
                if !indices.insert(stored.applyIndex).inserted {
                    report.faults.append("op \(op.id.short): applied at the place of another")
                }
                last = op
            }
            if page.isEmpty { break }
        }
        if let most = indices.max(), most != UInt64(indices.count) {
            report.faults.append("\(indices.count) ops are applied at places up to \(most): some are missing")
        }
        var hash: Hash32?
        while true {
            let after = hash
            let page = try await query { (store) throws(StorageError) in
                try store.nextBodies(after: after, limit: 20).map { StoredBody(hash: $0.hash, body: $0.body) }
            }
            for stored in page {
                report.bodies += 1
                if BodyHash.hash(of: stored.body) != stored.hash {
                    report.faults.append("body \(stored.hash.short): its hash is another")
                }
            }
            guard let last = page.last else { break }
            hash = last.hash
        }
        return report
    }

    /// Whether ops, log by log in the order of seq, each continue one before. Where a log forks, several stand at
    /// a place.
    private struct ChainCheck {
        private var key: LogKey?
        private var seq: UInt64 = 0
        private var ids: Set<OpID> = [.zero]
        private var before: Set<OpID> = []

        mutating func continues(with op: Op) -> Bool {
            if key != op.header.logKey { (key, seq, ids) = (op.header.logKey, 0, [.zero]) }
            if seq != op.header.seq {
                before = op.header.seq == seq + 1 ? ids : []
                (seq, ids) = (op.header.seq, [])
            }
            ids.insert(op.id)
            return before.contains(op.header.prev)
        }
    }

    private struct StoredBody: Sendable {
        let hash: Hash32
        let body: Bytes
    }

    /// A CBOR sequence (RFC 8742): COSE_Sign1 messages log by log in the order of seq, or
    /// `[body_hash, bytes]` of the bodies that are not inside them.
    func export(_ what: Export) -> Response {
        Response.stream(contentType: "application/cbor-seq") { writer in
            switch what {
            case .envelopes: try await self.writeEnvelopes(to: writer)
            case .bodies: try await self.writeBodies(to: writer)
            }
        }
    }

    private func writeEnvelopes(to writer: StreamWriter) async throws {
        var place: (key: LogKey, seq: UInt64, id: OpID)?
        while true {
            let after = place
            let page = try await query { (store) throws(StorageError) in try store.next(after: after, limit: 500) }
            guard let last = page.last else { return }
            try await writer.write(page.flatMap(\.op.envelope))
            place = (last.op.header.logKey, last.op.header.seq, last.op.id)
        }
    }

    private func writeBodies(to writer: StreamWriter) async throws {
        var hash: Hash32?
        while true {
            let after = hash
            let page = try await query { (store) throws(StorageError) in
                try store.nextBodies(after: after, limit: 20).map { StoredBody(hash: $0.hash, body: $0.body) }
            }
            guard let last = page.last else { return }
            for stored in page {
                var encoder = CBOREncoder(reserving: stored.body.count + 64)
                encoder.array(2)
                encoder.bytes(stored.hash.bytes)
                encoder.bytes(stored.body)
                try await writer.write(encoder.bytes)
            }
            hash = last.hash
        }
    }
}
