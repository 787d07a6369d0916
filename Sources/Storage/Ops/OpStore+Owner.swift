public import Identity
public import Wire

extension OpStore {
    /// Notes at the first start whose database this is, and refuses it to another network or site ever after.
    ///
    /// - Parameter former: the key that the site had before, if it has another now.
    /// - Throws: ``StorageError/Reason/inUse`` for a database of another network or site.
    public func claim(by site: PeerID, succeeding former: PeerID? = nil) throws(StorageError) {
        let wanted = ["network": network.hex, "site": site.hex]
        let found = try connection.transaction { (connection) throws(StorageError) in
            for (key, value) in wanted.sorted(by: { $0.key < $1.key }) {
                try connection.query(
                    "INSERT INTO \(schema).node_meta (key, value) VALUES ($1, $2) ON CONFLICT DO NOTHING",
                    [.text(key), .text(value)])
            }
            var found: [String: String] = [:]
            if let former {
                try connection.query(
                    "UPDATE \(schema).node_meta SET value = $1 WHERE key = 'site' AND value = $2",
                    [.text(site.hex), .text(former.hex)])
            }
            for row in try connection.query(
                "SELECT key, value FROM \(schema).node_meta WHERE key IN ('network', 'site')")
            {
                found[try row.text(0)] = try row.text(1)
            }
            return found
        }
        guard found["network"] == wanted["network"] else {
            throw Self.belongs("to another network, \(found["network", default: ""].prefix(12))", "--network")
        }
        guard found["site"] == wanted["site"] else {
            throw Self.belongs("to another site, \(found["site", default: ""].prefix(12))", "--key")
        }
    }

    private static func belongs(_ cause: String, _ option: String) -> StorageError {
        StorageError(
            .inUse, operation: "use", object: "the database", cause: "it belongs \(cause)",
            remedy: "give \(option) the file that it was made with, or choose another --data-dir")
    }
}
