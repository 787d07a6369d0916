/// How a transaction sees others (PostgreSQL's manual, §13.2).
public enum TransactionMode: Sendable {
    case readCommitted
    /// One snapshot for all its statements, and nothing is written: consistent bulk reads.
    case readOnlySnapshot
    case serializable

    var begin: String {
        switch self {
        case .readCommitted: "BEGIN ISOLATION LEVEL READ COMMITTED"
        case .readOnlySnapshot: "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
        case .serializable: "BEGIN ISOLATION LEVEL SERIALIZABLE"
        }
    }
}

extension Connection {
    /// Runs `body` in one transaction: committed when it returns, rolled back when it throws.
    ///
    /// - Parameters:
    ///   - attempts: how often in all `body` runs when it loses against a concurrent transaction
    ///     (``StorageError/isRetryable``). It must have no effect outside the database then.
    ///   - onRetry: told of each lost attempt.
    /// - Throws: what `body` threw, or why it could not be committed.
    public func transaction<Success>(
        _ mode: TransactionMode = .readCommitted, attempts: Int = 1,
        onRetry: (StorageError) -> Void = { _ in },
        _ body: (Connection) throws(StorageError) -> Success
    ) throws(StorageError) -> Success {
        precondition(!isInTransaction, "transactions do not nest")
        precondition(attempts >= 1, "at least one attempt")
        var attempt = 1
        while true {
            do {
                try script(mode.begin)
                let success = try body(self)
                try script("COMMIT")
                return success
            } catch {
                rollBack()
                guard error.isRetryable && attempt < attempts else { throw error }
                onRetry(error)
                attempt += 1
            }
        }
    }

    /// As ``transaction(_:attempts:onRetry:_:)``, for a body with errors of its own.
    func transaction<Success, Failure: Error>(
        throwing: Failure.Type, wrapping: (StorageError) -> Failure,
        _ body: (Connection) throws(Failure) -> Success
    ) throws(Failure) -> Success {
        precondition(!isInTransaction, "transactions do not nest")
        do { try script(TransactionMode.readCommitted.begin) } catch { throw wrapping(error) }
        let success: Success
        do {
            success = try body(self)
        } catch {
            rollBack()
            throw error
        }
        do {
            try script("COMMIT")
        } catch {
            rollBack()
            throw wrapping(error)
        }
        return success
    }

    /// Ends a failed transaction; on a lost connection the server has done so.
    private func rollBack() {
        if isOpen && isInTransaction { try? script("ROLLBACK") }
    }
}
