public import Identity
public import Wire

/// Members without whose training this site answers. One connection, used by one thread.
public struct LeftOutStore {
    private let connection: Connection
    private let schema: String

    public init(_ connection: Connection, schema: String) {
        self.connection = connection
        self.schema = Schema.quote(schema)
    }

    /// Ascending.
    public func members() throws(StorageError) -> [PeerID] {
        var found: [PeerID] = []
        for row in try connection.query("SELECT peer_id FROM \(schema).left_out ORDER BY 1") {
            if let peer = PeerID(try row.bytes(0)) { found.append(peer) }
        }
        return found
    }

    public func set(_ members: [PeerID]) throws(StorageError) {
        try connection.transaction { (connection) throws(StorageError) in
            try connection.query(
                "DELETE FROM \(schema).left_out WHERE peer_id <> ALL($1::bytea[])", [.bytesArray(members.map(\.bytes))])
            try connection.query(
                "INSERT INTO \(schema).left_out (peer_id) SELECT unnest($1::bytea[]) ON CONFLICT DO NOTHING",
                [.bytesArray(members.map(\.bytes))])
        }
    }
}
