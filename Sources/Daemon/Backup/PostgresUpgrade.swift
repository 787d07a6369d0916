public import Site
public import Storage

/// Moves the private PostgreSQL of a site to a newer version, while its node does not run.
public enum PostgresUpgrade {
    /// - Parameters:
    ///   - programs: the directory of the new server's programs; nil: the highest newer version that this machine has.
    ///   - told: before each step.
    public static func run(
        _ directory: DataDirectory, programs: String?, told: (ClusterUpgrade.Step) -> Void
    ) throws -> ClusterUpgrade.Outcome {
        let lock = try DataLock(directory)
        defer { withExtendedLifetime(lock) {} }
        return try ClusterUpgrade.run(dataDirectory: directory.path, programs: programs, told: told)
    }

    /// Removes the database from before the last upgrade.
    ///
    /// - Returns: whether there was one.
    public static func discard(_ directory: DataDirectory) throws -> Bool {
        let lock = try DataLock(directory)
        defer { withExtendedLifetime(lock) {} }
        return try ClusterUpgrade.discard(dataDirectory: directory.path)
    }
}
