internal import API
internal import Synchronization
internal import Terminal

/// `shoal ops export`: the signed bytes, for anybody else's eyes.
enum OpsExport {
    private static let file = Argument("FILE", .path.named("FILE"), "where they go; bodies go to FILE.bodies")

    static let command = Command(
        "export", summary: "write all ops as COSE messages",
        discussion: """
            FILE is a CBOR sequence of COSE_Sign1 messages (RFC 8742, RFC 9052), log by log in the order of seq. \
            FILE.bodies is a CBOR sequence of [hash, bytes] with the bodies that are not inline. The external data of \
            each signature are "shoal/op/1" and the network's id. Both files appear when they are whole; what was \
            there is replaced.
            """,
        arguments: [file],
        examples: [
            .init("shoal ops export ops.cbor", "ops.cbor and ops.cbor.bodies"),
            .init("shoal ops export ops.cbor --json", "the same; how much, for a program"),
        ], run: run)

    /// What `--json` prints.
    private struct Report: Encodable {
        let file: String
        let bytes: Int
        let bodiesFile: String
        let bodiesBytes: Int
        let network: String
    }

    private static func run(_ call: Invocation) async throws -> ExitCode {
        let node = try RunningNode(call)
        let path = call[file]
        let network = try await node.get("/api/status").report(StatusReport.self).network
        let (ops, bodies) = try await LiveRegion.show(on: call.console) { region in
            // Ops that arrive in between may have their body in the second file only: no op lacks its body.
            let ops = try await write("/api/ops/export", to: path, node, region, call)
            let bodies = try await write("/api/ops/export-bodies", to: "\(path).bodies", node, region, call)
            return (ops, bodies)
        }
        guard !call[Shared.json] else {
            try call.printJSON(
                Report(
                    file: path, bytes: ops, bodiesFile: "\(path).bodies", bodiesBytes: bodies, network: network.id))
            return .done
        }
        var values = KeyValues()
        values.add("ops", "\(path) (\(Format.bytes(ops)), a CBOR sequence of COSE_Sign1)")
        values.add("bodies", "\(path).bodies (\(Format.bytes(bodies)), a CBOR sequence of [hash, bytes])")
        values.add("network", network.id)
        call.console.print(values)
        return .done
    }

    /// - Returns: how many bytes were written.
    private static func write(
        _ route: EscapedPath, to path: String, _ node: RunningNode, _ region: LiveRegion, _ call: Invocation
    ) async throws -> Int {
        let row = region.row(Paths.name(of: path))
        do {
            let file = try NewFile(path)
            defer { file.discard() }
            let done = Mutex(0)
            try await node.download(route) { part in
                try file.write(part)
                let total = done.withLock { done in
                    done += part.count
                    return done
                }
                row.progress(total, of: nil, .bytes)
            }
            try file.commit()
            let total = done.withLock { $0 }
            row.finish(Format.bytes(total))
            return total
        } catch let fault as FileParts.Fault {
            row.fail("not written")
            throw call.failure(
                path, "it cannot be written: \(fault)", remedy: "Choose another place", exit: .unreachable)
        } catch {
            row.fail("not written")
            throw error
        }
    }
}
