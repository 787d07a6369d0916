import Glibc

/// Turns the end of a server program and what it printed into one sentence.
enum ServerFailure {
    ///
    /// - Parameter hasServed: whether it was ready before, so that nobody but the node should have stopped it.
    static func explain(
        _ ending: SupervisedProcess.Ending, operation: String, object: String, log: String, hasServed: Bool = false
    ) -> StorageError {
        let said = lastComplaint(in: log)
        let ended =
            switch ending {
            case .exited(code: 0) where hasServed: "somebody stopped PostgreSQL"
            case .exited(let code): "PostgreSQL ended with exit code \(code)"
            case .signalled(let signal): "PostgreSQL was ended by signal \(signal)"
            case .notStarted(let step, let code): "\(stepName(step)): \(Files.message(code))"
            case .supervisorLost: "the process that supervises PostgreSQL was killed"
            }
        // A signal or an orderly stop comes from outside; what sessions complained about before is not the cause.
        let cause =
            switch ending {
            case .signalled: ended
            case .exited(let code): code == 0 && hasServed ? ended : said ?? ended
            case .notStarted, .supervisorLost: said ?? ended
            }
        let (reason, remedy) = advise(ending, cause)
        return StorageError(reason, operation: operation, object: object, cause: cause, remedy: remedy)
    }

    /// The last line of a log that says what went wrong, without time and severity.
    static func lastComplaint(in log: String) -> String? {
        let lines = log.split(separator: "\n")
        if let line = lines.last(where: { line in diskComplaints.contains { line.contains($0) } }) {
            return String(line.firstRange(of: ":  ").map { line[$0.upperBound...] } ?? line)
        }
        for mark in ["PANIC:  ", "FATAL:  ", "fatal: ", "error: ", "ERROR:  ", "could not "] {
            guard let line = lines.last(where: { $0.contains(mark) }), let range = line.firstRange(of: mark) else {
                continue
            }
            return String(mark == "could not " ? line[range.lowerBound...] : line[range.upperBound...])
        }
        return nil
    }

    private static let diskComplaints = ["No space left on device", "Disk quota exceeded", "Read-only file system"]

    private static func stepName(_ step: String) -> String {
        switch step {
        case "user": "it cannot change to its unprivileged user"
        case "directory": "it cannot enter its directory"
        case "log": "it cannot write its log"
        case "program": "the program cannot be run"
        default: "its supervisor cannot start (\(step))"
        }
    }

    private static func advise(
        _ ending: SupervisedProcess.Ending, _ cause: String
    ) -> (StorageError.Reason, String) {
        if cause.contains("No space left on device") || cause.contains("Disk quota exceeded") {
            return (.diskFull, "free some space there, or choose another --data-dir")
        }
        if cause.contains("Read-only file system") || cause.contains("Permission denied") {
            return (.directory, "choose a --data-dir that PostgreSQL's user may write")
        }
        if cause.contains("incompatible with server") {
            return (.serverVersion, "install the PostgreSQL that made it, or choose another --data-dir")
        }
        return (.serverFailed, "see postgres.log there")
    }
}
