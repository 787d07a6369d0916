internal import Daemon
internal import Site
internal import Storage
internal import Terminal

/// `shoal postgres`: the private PostgreSQL of a site, and its version.
enum PostgresCommand {
    static let command = Command(
        "postgres", summary: "move a site's own PostgreSQL to a newer version",
        discussion: """
            A site keeps the major version of PostgreSQL that made its database. The packages of the old and of the new \
            version must both be installed, and its node must not run.
            """,
        options: SiteSelection.options, flags: [Shared.json],
        examples: [
            .init("shoal postgres upgrade", "to the newest version that is installed"),
            .init("shoal postgres discard", "when all is well: remove the database from before"),
        ], subcommands: [upgrade, discard])

    private static let programs = Option<String?>(
        "programs", .path.named("DIR"), "the directory of the new server's programs (default: the newest installed)")

    private static let upgrade = Command(
        "upgrade", summary: "write the database anew for a newer PostgreSQL",
        discussion: """
            Reads everything out of the old database, writes it into a new one beside it, compares the two table by \
            table, and only then puts the new one in the place of the old. If it is interrupted, the site has the old \
            database or the new one, never a part of one; run it again. The old one is kept in pg/cluster.old of the \
            data directory until `shoal postgres discard`. Needs room for both.
            """,
        options: [programs],
        examples: [
            .init("shoal postgres upgrade", "to the newest version that is installed"),
            .init("shoal postgres upgrade --programs /usr/lib/postgresql/17/bin", "to that one"),
        ], run: run)

    /// What `upgrade --json` prints.
    private struct Report: Encodable {
        let from: Int
        let to: Int
        let tables: Int
        let rows: Int64
        let old: String
    }

    private static func run(_ call: Invocation) async throws -> ExitCode {
        let directory = try place(call)
        let programs = call[programs].map { Paths.absolute($0) }
        let done = try await call.showing("postgres", "both versions are looked for") { row in
            try PostgresUpgrade.run(directory, programs: programs) { tell($0, row) }
        }
        if call[Shared.json] {
            try call.printJSON(
                Report(from: done.from, to: done.to, tables: done.tables, rows: done.rows, old: done.old))
            return .done
        }
        call.console.print(
            "Moved from PostgreSQL \(done.from) to \(done.to): \(counted(done.tables, "table")) with "
                + "\(counted(Int(clamping: done.rows), "row")), all equal.")
        call.advise("The database from before is in \(done.old). When all is well: shoal postgres discard")
        call.suggest("Next:", "run")
        return .done
    }

    private static func tell(_ step: ClusterUpgrade.Step, _ row: LiveRow) {
        switch step {
        case .reading(let megabytes): row.status("\(megabytes) MiB are read from the old database")
        case .creating(let major): row.status("a database of PostgreSQL \(major) is made")
        case .writing: row.status("it is filled")
        case .comparing(let done, let total): row.progress(done, of: total, .count("tables"), note: "equal")
        case .swapping, .between: row.status("it takes the place of the old one")
        }
    }

    private static let discard = Command(
        "discard", summary: "remove the database from before the last upgrade",
        examples: [.init("shoal postgres discard", "exit code 1 if there is none")]
    ) { call in
        let removed = try PostgresUpgrade.discard(try place(call))
        if call[Shared.json] {
            try call.printJSON(["removed": removed])
        } else {
            call.console.print(removed ? "The database from before the upgrade is removed." : "There is none.")
        }
        return removed ? .done : .no
    }

    private static func place(_ call: Invocation) throws -> DataDirectory {
        let directory = try DataDirectory(existing: SiteSelection(call).path)
        guard try variable("SHOAL_DATABASE_URL") ?? SiteConfig.load(directory.configPath).databaseURL != nil else {
            return directory
        }
        throw call.failure(
            directory.path, "its database is at a server that somebody else runs, not in this data directory",
            remedy: "Whoever runs it moves it; the node waits meanwhile")
    }
}
