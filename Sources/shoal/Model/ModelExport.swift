internal import API
internal import Graph
internal import Learning
internal import Synchronization
internal import Terminal
internal import Wire

/// `shoal model export`: weights for other programs.
enum ModelExport {
    private static let file = Argument(
        "FILE", .path.named("FILE"), "where they go; which token each row is goes to FILE.vocabulary.jsonl")
    private static let weights = Option(
        "weights", .choice(Weights.self), default: .served,
        "what this site answers with, the merged ones, or what it trained alone")
    private static let noNames = Flag("no-names", "tell ids without names, so that the vocabulary can leave the site")

    static let command = Command(
        "export", summary: "write a model's weights as safetensors",
        discussion: """
            FILE is in the safetensors format: the tensors token_emb, pos_emb, layers.N.q_proj, k_proj, v_proj, o_proj, \
            ff_up, ff_down, norm1, norm2 and final_norm as F32, every matrix [in, out], and the shape of the model in \
            the metadata. FILE.vocabulary.jsonl tells the token of each row of token_emb: index, id, kind and name.

            Examples/logits.py computes with it what `shoal model predict` computes.
            """,
        arguments: [file], options: [ModelCommand.agent, weights], flags: [noNames],
        examples: [
            .init(
                "shoal model export --agent clinic clinic.safetensors", "what this site answers with"
            ),
            .init(
                "shoal model export --agent clinic all.safetensors --weights federated", "the merged weights"),
        ], run: run)

    /// What `--json` prints.
    private struct Report: Encodable {
        let file: String
        let bytes: Int
        let vocabularyFile: String
        let tokens: Int
        let weights: Weights
    }

    private static func run(_ call: Invocation) async throws -> ExitCode {
        let node = try RunningNode(call)
        let path = call[file]
        let (bytes, tokens) = try await LiveRegion.show(on: call.console) { region in
            let row = region.row(Paths.name(of: path))
            do {
                return try await write(to: path, node, row, call)
            } catch let fault as FileParts.Fault {
                row.fail("not written")
                throw call.failure(
                    path, "it cannot be written: \(fault)", remedy: "Choose another place", exit: .unreachable)
            } catch {
                row.fail("not written")
                throw error
            }
        }
        let vocabularyPath = vocabularyPath(of: path)
        guard !call[Shared.json] else {
            try call.printJSON(
                Report(
                    file: path, bytes: bytes, vocabularyFile: vocabularyPath, tokens: tokens, weights: call[weights]))
            return .done
        }
        var values = KeyValues()
        values.add("weights", "\(path) (\(Format.bytes(bytes)), \(call[weights].rawValue))")
        values.add(
            "vocabulary", "\(vocabularyPath) (\(counted(tokens, "token"))\(call[noNames] ? "" : ", with names"))")
        call.console.print(values)
        return .done
    }

    static func vocabularyPath(of path: String) -> String { "\(path).vocabulary.jsonl" }

    /// Writes both files; they appear when both are whole and belong together.
    ///
    /// - Returns: bytes of the weights and number of tokens.
    private static func write(
        to path: String, _ node: RunningNode, _ row: LiveRow, _ call: Invocation
    ) async throws -> (bytes: Int, tokens: Int) {
        let agent = call[ModelCommand.agent]
        row.status("asking for the vocabulary")
        let names = call[noNames] ? "false" : "true"
        let vocabulary = try await node.get("/api/models/\(agent)/vocabulary", [("names", names)]).body
        let tokens = try tokens(of: vocabulary)
        let companion = try NewFile(vocabularyPath(of: path))
        defer { companion.discard() }
        try companion.write(vocabulary)
        let weightsFile = try NewFile(path)
        defer { weightsFile.discard() }
        let begin = Mutex<(bytes: [UInt8], total: Int)>(([], 0))
        try await node.download("/api/models/\(agent)/export", [("weights", call[weights].rawValue)]) { part in
            try weightsFile.write(part)
            let total = begin.withLock { begin in
                if begin.total <= SafetensorsHeader.maxHeaderBytes { begin.bytes += part }
                begin.total += part.count
                return begin.total
            }
            row.progress(total, of: nil, .bytes)
        }
        let (bytes, total) = begin.withLock { $0 }
        guard try digest(bytes, fileBytes: total) == VocabularyDigest.digest(of: tokens).hex else {
            throw call.failure(agent, "the graph was changed meanwhile", remedy: "Run it again")
        }
        try companion.commit()
        try weightsFile.commit()
        row.finish(Format.bytes(total))
        return (total, tokens.count)
    }

    /// What the file says of the vocabulary that belongs to it.
    private static func digest(_ begin: [UInt8], fileBytes: Int) throws -> String? {
        let length = try SafetensorsHeader.length(Array(begin.prefix(8)), fileBytes: fileBytes)
        let json = Array(begin[8..<8 + length])
        return try SafetensorsHeader(parsing: json, dataBytes: fileBytes - 8 - length).metadata["vocabulary_blake2b"]
    }

    private static func tokens(of vocabulary: [UInt8]) throws -> [TokenID] {
        try vocabulary.split(separator: UInt8(ascii: "\n")).compactMap { line in
            TokenID(hex: try JSON.decode(VocabularyEntry.self, from: Array(line)).id)
        }
    }
}
