import CPostgres
import Glibc

/// One connection to PostgreSQL, used by one thread at a time. Every call blocks.
///
/// Parameters and results travel in binary. A statement that fails throws; a connection whose
/// server went away throws errors with ``StorageError/isConnectionLost`` and is closed by its owner.
public final class Connection: @unchecked Sendable {
    let handle: OpaquePointer
    public let target: DatabaseTarget
    /// Statement text to its name on the server.
    private var named: [String: String] = [:]
    /// The server said that it ends this connection.
    var isLost = false
    private let noticeBox = NoticeBox()

    /// Statements that are remembered under a name; more are simply not prepared.
    static let maxNamedStatements = 128

    /// Connects; waits at most ten seconds for the server unless the URL says otherwise.
    public init(_ target: DatabaseTarget) throws(StorageError) {
        let keywords = target.settings.map { strdup($0.keyword) } + [nil]
        let values = target.settings.map { strdup($0.value) } + [nil]
        defer { for text in keywords + values { free(text) } }
        let opened = PQconnectdbParams(keywords.map { UnsafePointer($0) }, values.map { UnsafePointer($0) }, 1)
        guard let opened else {
            throw StorageError(.cannotConnect, operation: "reach", object: target.description, cause: "out of memory")
        }
        guard PQstatus(opened) == CONNECTION_OK else {
            let cause = trimmed(String(cString: PQerrorMessage(opened)))
            PQfinish(opened)
            throw StorageError(
                Self.remedyAtPooler(cause) == nil ? .cannotConnect : .notAllowed, operation: "reach",
                object: target.description, cause: cause,
                remedy: Self.remedyAtPooler(cause) ?? "check that the server runs and lets this user in")
        }
        handle = opened
        self.target = target
        PQsetNoticeReceiver(
            handle,
            { context, result in
                guard let context, let result, let text = PQresultErrorField(result, DiagnosticField.message) else {
                    return
                }
                Unmanaged<NoticeBox>.fromOpaque(context).takeUnretainedValue().append(String(cString: text))
            }, Unmanaged.passUnretained(noticeBox).toOpaque())
    }

    deinit { PQfinish(handle) }

    /// 150018 for PostgreSQL 15.18.
    public var serverVersion: Int { Int(PQserverVersion(handle)) }

    /// As whom it is connected, and with which database.
    var names: (role: String, database: String) {
        (PQuser(handle).map { String(cString: $0) } ?? "", PQdb(handle).map { String(cString: $0) } ?? "")
    }

    /// False when the connection can no longer be used. Does not ask the server.
    public var isOpen: Bool { !isLost && PQstatus(handle) == CONNECTION_OK }

    /// Notices without waiting whether the server has closed this connection meanwhile.
    var isAlive: Bool {
        // Twice: a server says why it ends a connection, and only then closes it.
        PQconsumeInput(handle)
        PQconsumeInput(handle)
        return isOpen
    }

    public var isInTransaction: Bool { PQtransactionStatus(handle) != PQTRANS_IDLE }

    /// What the server remarked since the last call: at most the latest 100 notices.
    public func takeNotices() -> [String] { noticeBox.take() }

    /// Lets another thread cancel what this connection is doing.
    public func makeCanceller() -> Canceller? { Canceller(handle) }

    // MARK: Statements

    /// Runs one statement.
    ///
    /// - Parameters:
    ///   - parameters: for `$1`, `$2`, …; at most 65,535.
    ///   - prepared: parse it once and reuse it by name, where the target allows that.
    @discardableResult
    public func query(
        _ statement: String, _ parameters: [Parameter] = [], prepared: Bool = false
    ) throws(StorageError) -> Rows {
        let encoded = try EncodedParameters(parameters)
        let name = prepared ? try name(of: statement, encoded) : nil
        let result = encoded.withPointers { types, values, lengths, formats in
            if let name {
                return PQexecPrepared(handle, name, Int32(parameters.count), values, lengths, formats, 1)
            }
            return PQexecParams(
                handle, statement, Int32(parameters.count), types, values, lengths, formats, 1)
        }
        return try check(result, statement, expecting: [PGRES_TUPLES_OK, PGRES_COMMAND_OK])
    }

    /// The first row of a statement that must return one.
    public func row(
        _ statement: String, _ parameters: [Parameter] = [], prepared: Bool = false
    ) throws(StorageError) -> Row {
        let rows = try query(statement, parameters, prepared: prepared)
        guard let row = rows.first else {
            throw StorageError(
                .unexpectedData, operation: "read", object: "the database", cause: "no row came back",
                statement: statement)
        }
        return row
    }

    /// Runs one or more statements without parameters, separated by semicolons, in the simple protocol.
    public func script(_ text: String) throws(StorageError) {
        _ = try check(
            PQexec(handle, text), text, expecting: [PGRES_TUPLES_OK, PGRES_COMMAND_OK, PGRES_EMPTY_QUERY])
    }

    private func name(of statement: String, _ parameters: EncodedParameters) throws(StorageError) -> String? {
        if let known = named[statement] { return known }
        guard target.usesNamedStatements, named.count < Self.maxNamedStatements else { return nil }
        let name = "s\(named.count)"
        let result = parameters.withPointers { types, _, _, _ in
            PQprepare(handle, name, statement, Int32(parameters.count), types)
        }
        _ = try check(result, statement, expecting: [PGRES_COMMAND_OK])
        named[statement] = name
        return name
    }

    /// Takes over a result, or throws what it reports.
    func check(
        _ result: OpaquePointer?, _ statement: String, expecting: [ExecStatusType]
    ) throws(StorageError) -> Rows {
        guard let result else { throw failure(nil, statement) }
        let rows = Rows(result)
        guard expecting.contains(PQresultStatus(result)) else { throw failure(rows, statement) }
        return rows
    }
}

/// Notices arrive inside other calls of the same thread.
private final class NoticeBox {
    private var notices: [String] = []

    func append(_ text: String) {
        if notices.count == 100 { notices.removeFirst() }
        notices.append(text)
    }

    func take() -> [String] {
        defer { notices = [] }
        return notices
    }
}

/// Cancels the running statement of one connection, from any thread. The statement then throws
/// with reason ``StorageError/Reason/cancelled``, unless it was done already.
public final class Canceller: @unchecked Sendable {
    private let handle: OpaquePointer

    init?(_ connection: OpaquePointer) {
        guard let handle = PQgetCancel(connection) else { return nil }
        self.handle = handle
    }

    deinit { PQfreeCancel(handle) }

    /// Asks the server; returns false when it cannot be reached.
    @discardableResult
    public func cancel() -> Bool {
        var message = [CChar](repeating: 0, count: 256)
        return PQcancel(handle, &message, Int32(message.count)) == 1
    }
}

/// All parameters of one statement in one buffer.
private struct EncodedParameters {
    private var buffer = BinaryWriter()
    private var types: [Oid] = []
    private var ranges: [Range<Int>?] = []
    var count: Int { types.count }

    init(_ parameters: [Parameter]) throws(StorageError) {
        precondition(parameters.count <= 65_535, "too many parameters")
        for parameter in parameters {
            let start = buffer.bytes.count
            try parameter.encode(into: &buffer)
            types.append(parameter.type)
            ranges.append(parameter == .null ? nil : start..<buffer.bytes.count)
        }
        buffer.raw(0 as UInt8)  // so that there is an address, even for one empty text
    }

    func withPointers<R>(
        _ body: ([Oid], [UnsafePointer<CChar>?], [Int32], [Int32]) -> R
    ) -> R {
        buffer.bytes.withUnsafeBytes { bytes in
            let base = bytes.baseAddress?.assumingMemoryBound(to: CChar.self)
            return body(
                types, ranges.map { range in range.flatMap { base?.advanced(by: $0.lowerBound) } },
                ranges.map { Int32($0?.count ?? 0) }, [Int32](repeating: 1, count: types.count))
        }
    }
}
