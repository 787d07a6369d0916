import FoundationEssentials
import Glibc
import Graph
import Testing
import Wire

@testable import TreeImport

/// A directory that vanishes with its test.
final class Folder {
    let path: String

    init() {
        var template = Array("/tmp/shoal-tree-test-XXXXXX".utf8CString)
        precondition(mkdtemp(&template) != nil, "no temporary directory")
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    @discardableResult
    func add(_ name: String, _ text: String = "") -> Folder { add(name, Bytes(text.utf8)) }

    @discardableResult
    func add(_ name: String, _ bytes: Bytes) -> Folder {
        var folder = ""
        for part in name.split(separator: "/").dropLast() {
            folder += "/\(part)"
            mkdir(path + folder, 0o755)
        }
        guard let file = fopen("\(path)/\(name)", "w") else { preconditionFailure("cannot write \(name)") }
        fwrite(bytes, 1, bytes.count, file)
        fclose(file)
        return self
    }

    /// All records of the tree, and the report.
    func read(_ change: (inout TreeOptions) -> Void = { _ in }) throws -> (records: [GraphRecord], report: TreeReport) {
        var options = TreeOptions(root: path, prefix: "t")
        change(&options)
        var records: [GraphRecord] = []
        let report = try TreeImport.run(options) { records.append($0) }
        return (records, report)
    }
}

extension [GraphRecord] {
    var nodes: [NodeRecord] {
        compactMap { record in
            if case .node(let node) = record { node } else { nil }
        }
    }

    var edges: [EdgeRecord] {
        compactMap { record in
            if case .edge(let edge) = record { edge } else { nil }
        }
    }

    func node(_ name: String) -> NodeRecord? { nodes.first { $0.name == name } }

    /// `head -> tail` of every link.
    var links: [String] { edges.map { "\($0.head) -> \($0.tail)" } }
}

extension TreeReport {
    func count(_ reason: SkipReason) -> Int { skipped.first { $0.reason == reason }?.count ?? 0 }
}
