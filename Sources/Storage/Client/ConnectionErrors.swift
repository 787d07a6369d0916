import CPostgres

/// `postgres_ext.h` defines these as C characters, which Swift does not import as numbers.
enum DiagnosticField {
    static let sqlState = Int32(UInt8(ascii: "C"))
    static let message = Int32(UInt8(ascii: "M"))
    static let detail = Int32(UInt8(ascii: "D"))
    static let hint = Int32(UInt8(ascii: "H"))
}

extension Connection {
    /// What a result, or the connection itself, reports as failed.
    func failure(_ rows: Rows?, _ statement: String) -> StorageError {
        func field(_ code: Int32) -> String? {
            guard let rows, let text = PQresultErrorField(rows.handle.result, code) else { return nil }
            return trimmed(String(cString: text))
        }
        let sqlState = field(DiagnosticField.sqlState)
        let own = trimmed(String(cString: PQerrorMessage(handle)))
        var cause = field(DiagnosticField.message) ?? (own.isEmpty ? "the server sent an unexpected answer" : own)
        if let detail = field(DiagnosticField.detail) { cause += " (\(detail))" }
        let reason = sqlState.map(Self.reason(sqlState:)) ?? .statement
        // libpq notices a closed socket while reading; after a failed write it may not have read yet.
        if sqlState == nil { PQconsumeInput(handle) }
        if reason == .connectionLost { isLost = true }
        if let remedy = Self.remedyAtPooler(cause) {
            return StorageError(
                .notAllowed, operation: "work with", object: target.description, cause: cause, remedy: remedy,
                sqlState: sqlState, statement: statement)
        }
        let isLost = !isOpen
        return StorageError(
            isLost ? .connectionLost : reason, operation: "work with", object: target.description, cause: cause,
            remedy: Self.remedy(isLost ? .connectionLost : reason) ?? field(DiagnosticField.hint) ?? "",
            sqlState: sqlState, statement: statement)
    }

    /// PostgreSQL's error codes (its manual, appendix A) as reasons to act on.
    static func reason(sqlState: String) -> StorageError.Reason {
        switch (sqlState.prefix(2), sqlState) {
        case ("08", _), (_, "57P01"), (_, "57P02"), (_, "57P03"), (_, "57P05"): .connectionLost
        case (_, "40001"), (_, "40P01"), (_, "55P03"): .conflict
        case ("23", _): .constraint
        case (_, "53100"), (_, "58P03"): .diskFull
        case (_, "57014"): .cancelled
        case ("28", _), (_, "3D000"), (_, "53300"): .cannotConnect
        case (_, "42501"), (_, "25006"): .notAllowed
        case ("XX", _): .unexpectedData
        default: .statement
        }
    }

    /// What PgBouncer says of its own settings, which no waiting mends.
    static func remedyAtPooler(_ cause: String) -> String? {
        if cause.contains("statement pooling mode") { return "set pool_mode = transaction in PgBouncer, or session" }
        if cause.contains("unsupported startup parameter") {
            return "take `options` out of the URL, or set ignore_startup_parameters in PgBouncer"
        }
        return nil
    }

    private static func remedy(_ reason: StorageError.Reason) -> String? {
        switch reason {
        case .connectionLost: "the node connects again when the server is back"
        case .diskFull: "free some space on the disk of the database"
        case .notAllowed: "grant the database user the right, or use a server that is not read-only"
        case .unexpectedData: "the database reports damaged data: run shoal doctor, or restore a backup"
        case .serverMissing, .serverVersion, .directory, .inUse, .serverFailed, .cannotConnect, .conflict,
            .constraint, .invalidText, .schemaNewer, .cancelled, .statement:
            nil
        }
    }
}
