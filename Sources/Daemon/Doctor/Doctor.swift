internal import API
internal import Glibc
internal import Gossip
internal import Identity
internal import Membership
internal import Peer
internal import Replication
internal import Site
internal import Storage
internal import Wire

/// Looks at everything that a site keeps while its node does not run.
///
/// What it repairs by itself: modes of files that others can read, and with `rebuilds` the sums. All else it names with
/// what to do, since a wrong guess could sign something twice.
public struct Doctor {
    private let options: DaemonOptions
    private let directory: DataDirectory
    private var report = DoctorReport()

    /// - Parameter rebuilds: empties every table that follows from the ops, and proves that the ops lead to one state.
    /// - Throws: what keeps it from looking, such as a node that runs.
    public static func examine(_ options: DaemonOptions, rebuilds: Bool = false) async throws -> DoctorReport {
        var doctor = Doctor(options: options, directory: try DataDirectory(existing: options.dataDirectory))
        let lock = try DataLock(doctor.directory)
        defer { withExtendedLifetime(lock) {} }
        doctor.closeFiles()
        let journal = doctor.readJournal()
        let key = try SiteKey.load(options.key)
        let network = try NetworkFile.load(options.network)
        let runtime = try RuntimeDirectory(for: doctor.directory)
        try runtime.prepare()
        let database = try Database(
            dataDirectory: doctor.directory.path, url: options.databaseURL, schema: options.schema,
            log: EventLog(path: nil, verbose: false)
        ) { _ in }
        defer {
            database.stop()
            runtime.remove()
        }
        let store = try OpStore(
            Connection(database.target), schema: options.schema, network: network.genesis.networkID)
        try store.claim(by: key.keyPair.peerID)
        let verified = try await OpService(database: database, network: network.genesis.networkID).verify()
        doctor.tell(verified)
        try doctor.lookForBodies(store)
        try doctor.compare(journal, with: store, network.genesis.networkID, by: key.keyPair.peerID)
        try doctor.calculate(store, key, network, rebuilds: rebuilds)
        return doctor.report
    }

    private mutating func find(
        _ kind: DoctorReport.Finding.Kind, _ part: String, _ what: String, remedy: String = ""
    ) {
        report.findings.append(.init(kind, part, what, remedy: remedy))
    }

    // MARK: Files

    /// Secrets, and what tells of secrets, are this user's alone.
    private mutating func closeFiles() {
        let secret = [options.key, directory.signJournalPath, directory.tokenPath, directory.configPath]
        for path in secret { close(path, 0o077) }
        close(directory.path, 0o022)
    }

    private mutating func close(_ path: String, _ forbidden: UInt32) {
        var info = stat()
        guard lstat(path, &info) == 0, info.st_mode & S_IFMT != S_IFLNK, info.st_mode & forbidden != 0 else { return }
        let (old, new) = (info.st_mode & 0o7777, info.st_mode & 0o7777 & ~forbidden)
        let (before, after) = (String(old, radix: 8), String(new, radix: 8))
        if chmod(path, new) == 0 {
            find(
                .repaired, "modes", "\(path) had mode \(before), now \(after)",
                remedy: path == options.key
                    ? "if others use this machine, think about a new key: theirs may be a copy of it" : "")
        } else {
            find(.fault, "modes", "\(path) has mode \(before)", remedy: "as its owner run: chmod \(after) \(path)")
        }
    }

    // MARK: Sign journal

    private mutating func readJournal() -> [JournalEntry] {
        do throws(SiteError) {
            let journal = try SignJournal(path: directory.signJournalPath)
            if journal.droppedBytes > 0 {
                find(.note, "journal", "its last \(journal.droppedBytes) bytes were torn by a crash and are cut off")
            }
            return try OpKeeper.entries(of: journal)
        } catch {
            find(.fault, "journal", error.cause, remedy: error.remedy)
            return []
        }
    }

    /// Compares what was signed with what is stored.
    private mutating func compare(
        _ journal: [JournalEntry], with store: OpStore, _ network: NetworkID, by site: PeerID
    ) throws {
        var last: [LogKey: UInt64] = [:]
        var unstored = 0
        for entry in journal {
            guard let op = try? Op(stored: entry.envelope, network: network), op.header.author == site else {
                find(
                    .fault, "journal", "it holds an op of another site or network",
                    remedy:
                        "put back the sign-journal of this site, or move it away: the node then asks its peers first")
                continue
            }
            let key = op.header.logKey
            last[key] = max(last[key, default: 0], op.header.seq)
            if try !store.envelopes([OpRange(key: key, from: op.header.seq, through: op.header.seq)]).contains(
                op.envelope)
            {
                unstored += 1
            }
        }
        if unstored > 0 {
            find(
                .note, "journal", "\(unstored) ops that this site signed are not in its database: it was put back",
                remedy: "start the node: it stores them again from the journal")
        }
        for (key, seq) in last.sorted(by: { $0.key < $1.key }) {
            let later = try store.envelopes([OpRange(key: key, from: seq + 1, through: seq + 1)])
            if !later.isEmpty {
                find(
                    .note, "journal", "the database holds ops of log \(key.log.hex) behind the journal's last, \(seq)",
                    remedy: "start the node: it asks its peers how far the log goes before it signs anything")
            }
        }
    }

    // MARK: Database

    private mutating func tell(_ verified: VerifyReport) {
        report.ops = verified.ops
        report.bodies = verified.bodies
        for fault in verified.faults {
            find(
                .fault, "ops", fault,
                remedy: "restore the database from a backup, or move \(directory.postgresPath) away: "
                    + "the node fetches everything from its peers again")
        }
    }

    private mutating func lookForBodies(_ store: OpStore) throws {
        let pinned = try store.pinnedSums()
        if !pinned.isEmpty {
            let use = try store.diskUse()
            find(
                .note, "bodies",
                "certified sums of \(pinned.count) blocks (\(use.sums) bytes) stand for \(use.dropped) bytes of bodies that are not here"
            )
        }
        let missing = try store.missingBodies()
        guard let first = missing.first else { return }
        find(
            .fault, "bodies", "\(missing.count) bodies are missing, the first that of op \(first.short)",
            remedy: "restore the database from a backup, or move \(directory.postgresPath) away: "
                + "the node fetches everything from its peers again")
    }

    /// Folds the ops twice: on top of the stored sums, and from nothing.
    private mutating func calculate(
        _ store: OpStore, _ key: SiteKey, _ network: NetworkFile, rebuilds: Bool
    ) throws {
        /// Nil: it would go on to read bodies, and come to another state.
        func digest(of stored: Recovered) throws -> String? {
            // A running node reads the sums that stand for bodies when it needs them.
            var recovered = stored
            recovered.parts = try store.parts(of: recovered.sums)
            let configuration = NodeConfiguration(
                genesis: network.genesis, contacts: [], listenAddresses: [], freshLog: LogID(secureRandomBytes(8))!)
            let node = try Node(
                configuration: configuration, identity: key.keyPair, recovered: recovered, seed: 0,
                now: Instant(milliseconds: 0), wallSeconds: 0)
            return node.state.mayRecount ? nil : node.summary.stateDigest.hex
        }
        do {
            report.calculatedDigest = try digest(of: try store.recoverFromOps())
        } catch let error as StorageError {
            throw error
        } catch {
            return find(
                .fault, "digest", "the ops do not lead to a state: \(error)", remedy: "see the faults of ops and bodies"
            )
        }
        let stored = Result { try digest(of: try store.recover()) }
        report.storedDigest = try? stored.get()
        let isEqual = if case .success(report.calculatedDigest) = stored { true } else { false }
        if rebuilds {
            try store.forgetCalculated()
            report.wasRebuilt = true
            report.storedDigest = try digest(of: try store.recover())
            if !isEqual { find(.repaired, "digest", "the stored sums were not those of the ops") }
        } else if !isEqual {
            find(
                .fault, "digest", "the stored sums are not those of the ops",
                remedy:
                    "run `shoal doctor --rebuild`; if it comes back, the disk or the memory of this machine is failing")
        }
        if rebuilds, report.storedDigest != report.calculatedDigest {
            find(.fault, "digest", "the rebuilt state differs", remedy: "report this: it must not happen")
        }
    }
}
