public import Graph
import Wire

extension GraphStore {
    /// Replaces the site's aliases, which every import from now on follows. What was imported before keeps its
    /// ids until its file is imported again.
    public func setAliases(_ table: AliasTable) throws(GraphRequestError) {
        try storing { () throws(StorageError) in
            try connection.transaction { (connection) throws(StorageError) in
                // Not TRUNCATE, whose lock would wait for every import under way.
                try connection.script("DELETE FROM \(schema).aliases")
                try connection.copyIn("\(schema).aliases", columns: ["name", "canonical"]) {
                    (writer) throws(StorageError) in
                    for entry in table.entries {
                        try writer.row()
                        writer.bytes(entry.name)
                        writer.bytes(entry.canonical)
                    }
                }
            }
        }
    }

    /// The site's aliases, by name.
    public func aliases() throws(StorageError) -> AliasTable {
        var table = AliasTable()
        try connection.copyOut("SELECT name, canonical FROM \(schema).aliases ORDER BY name COLLATE \"C\"", columns: 2)
        {
            (row) throws(StorageError) in
            table.append(name: try row.bytes(), canonical: try row.bytes())
        }
        return table
    }
}
