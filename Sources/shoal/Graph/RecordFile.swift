internal import Glibc
internal import Graph
internal import Terminal
internal import TreeImport
internal import Wire

/// A JSONL file that a command was given, or the records that a directory was turned into.
final class RecordFile {
    /// More faults than this are counted and not told.
    private static let toldFaults = 5
    private static let flushBytes = 1 << 20

    let format: GraphImportFormat
    /// As it was given.
    let path: String
    /// The file to be sent.
    private(set) var file: String
    private(set) var records = 0
    private(set) var tree: TreeReport?
    private var isTemporary = false

    init(_ path: String, format: GraphImportFormat) {
        self.path = path
        self.format = format
        file = path
    }

    deinit { if isTemporary { unlink(file) } }

    var label: String { path.split(separator: "/").suffix(2).joined(separator: "/") }

    /// Reads the whole file, so that a fault in it is known before anything is changed.
    func check(_ call: Invocation, _ row: LiveRow) throws {
        var check = JSONLCheck(limit: Self.toldFaults)
        do {
            let total = try FileParts.size(of: path)
            var done = 0
            try FileParts.read(path) { part in
                check.feed(part)
                done += part.count
                row.progress(done, of: total, .bytes, note: "checking")
            }
            check.finish()
        } catch {
            row.fail("it cannot be read")
            throw call.failure(path, "\(error)", remedy: "Check that this user may read it", exit: .unreachable)
        }
        guard check.faultCount == 0 else {
            row.fail(counted(check.faultCount, "faulty line"))
            throw TripleFile.Faults(
                path: path, count: check.faultCount,
                lines: check.faults.map { "\(path):\($0.line):\($0.column): \($0.reason)" })
        }
        records = check.recordCount
        row.status("\(counted(records, "record")), waiting to be sent")
    }

    /// Turns the directory into a temporary file of records.
    func read(_ options: TreeOptions, _ call: Invocation, _ row: LiveRow) throws {
        do {
            try makeTemporary()
            let output = open(file, O_WRONLY | O_CLOEXEC)
            guard output >= 0 else { throw FileParts.Fault(code: errno) }
            defer { close(output) }
            var buffer = Bytes()
            tree = try TreeImport.run(options) { report in
                row.progress(
                    report.files, of: nil, .count("files"),
                    note: report.symbols > 0 ? "\(Format.count(report.symbols)) symbols" : "reading")
            } emit: { record in
                buffer += JSONLWriter.line(record)
                self.records += 1
                if buffer.count >= Self.flushBytes { try Self.write(&buffer, to: output) }
            }
            try Self.write(&buffer, to: output)
        } catch let error as TreeError {
            row.fail("it cannot be read")
            let exit: ExitCode = if case .root = error { .unreachable } else { .refused }
            throw call.failure(path, "\(error)", remedy: error.remedy, exit: exit)
        } catch let fault as FileParts.Fault {
            row.fail("no room for its records")
            throw call.failure(
                file, "\(fault)", remedy: "Free disk space, or set TMPDIR to another folder", exit: .unreachable)
        }
        row.status("\(counted(records, "record")), waiting to be sent")
    }

    private func makeTemporary() throws(FileParts.Fault) {
        var name = Array("\(variable("TMPDIR") ?? "/tmp")/shoal-records-XXXXXX".utf8CString)
        let descriptor = mkstemp(&name)
        file = String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        guard descriptor >= 0 else { throw FileParts.Fault(code: errno) }
        close(descriptor)
        isTemporary = true
    }

    private static func write(_ buffer: inout Bytes, to descriptor: Int32) throws(FileParts.Fault) {
        var rest = buffer[...]
        while !rest.isEmpty {
            let written = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if written < 0, errno == EINTR { continue }
            guard written > 0 else { throw FileParts.Fault(code: errno) }
            rest = rest.dropFirst(written)
        }
        buffer.removeAll(keepingCapacity: true)
    }
}
