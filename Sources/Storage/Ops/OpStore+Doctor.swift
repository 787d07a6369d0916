public import Consensus
public import Identity
public import Peer
internal import Replication
public import Wire

/// For a database that is looked at while no node runs on it.
extension OpStore {
    /// Ops whose body is neither in their envelope nor in the table of bodies, in order of application; at most 1,000.
    public func missingBodies() throws(StorageError) -> [OpID] {
        let rows = try connection.query(
            """
            SELECT o.op_id FROM \(schema).operations o LEFT JOIN \(schema).bodies b USING (body_hash)
            WHERE b.body_hash IS NULL AND o.body_length > $1 AND NOT (o.kind = $2 AND EXISTS (
                SELECT FROM \(schema).certified_sums c WHERE c.author = o.author AND c.log = o.log
                AND c.after < o.seq AND o.seq <= c.through AND c.dropped_at IS NOT NULL))
            ORDER BY o.apply_index LIMIT 1000
            """, [.int64(Int64(OpLimits.inlineBodyBytes)), .int16(Int16(OpKind.updateModelWeights.rawValue))])
        var missing: [OpID] = []
        for row in rows {
            if let id = OpID(try row.bytes(0)) { missing.append(id) }
        }
        return missing
    }

    /// What a node starts from, as if nothing had ever been calculated: every op with its body, or the sums that stand for
    /// it, and no accumulators.
    public func recoverFromOps() throws(StorageError) -> Recovered {
        var recovered = try recover()
        recovered.snapshot = nil
        recovered.hasLedger = false
        var ops: [StoredOp] = []
        for stored in recovered.ops {
            let isThere = stored.body != nil || stored.op.header.inlineBody != nil
            let body = isThere ? stored.body : try self.body(stored.op.header.bodyHash)
            ops.append(StoredOp(op: stored.op, body: body, void: stored.void, applyIndex: stored.applyIndex))
        }
        recovered.ops = ops
        recovered.parts = try parts(of: recovered.sums)
        return recovered
    }

    /// Parts of sums that stand for bodies.
    public func parts(of all: [BlockSums]) throws(StorageError) -> [Hash32: Bytes] {
        var parts: [Hash32: Bytes] = [:]
        for hash in all.flatMap(\.parts) { parts[hash] = try part(hash) }
        return parts
    }

    /// Empties every table that only says what the ops say; the next start calculates all of it again.
    public func forgetCalculated() throws(StorageError) {
        let tables = [
            "model_weights", "model_rows", "wallets", "ledger", "pricing", "claims", "bounties", "attestations",
            "auctions", "bids", "patterns",
        ]
        try connection.transaction { (connection) throws(StorageError) in
            for table in tables { try connection.query("DELETE FROM \(schema).\(table)") }
            try connection.query("DELETE FROM \(schema).node_meta WHERE key = 'watermark'")
        }
    }
}
