internal import API
internal import Graph
internal import Wire

/// The companion of a safetensors file: which token each row is. JSON Lines.
enum VocabularyFile {
    /// 2^20 tokens with names of 200 bytes.
    static let maxBytes = 1 << 28

    /// The lines of a site's vocabulary.
    static func lines(_ graph: SiteGraph, withNames: Bool) throws -> Bytes {
        let vocabulary = graph.vocabulary
        var bytes = Bytes()
        for (index, token) in vocabulary.tokens.enumerated() {
            let kind =
                index < vocabulary.nodeCount
                ? "node" : index < vocabulary.nodeCount + vocabulary.relationCount ? "relation" : "inverse"
            bytes += try JSON.encode(
                VocabularyEntry(
                    index: index, id: token.hex, kind: kind, name: withNames ? graph.name(of: token) : nil))
            bytes.append(UInt8(ascii: "\n"))
        }
        return bytes
    }

    /// The tokens of a file, in the order of their rows.
    ///
    /// - Throws: a problem that names the line, for anything but rows 0, 1, 2, … of different tokens.
    static func tokens(in bytes: Bytes) throws(Problem) -> [TokenID] {
        var tokens: [TokenID] = []
        var seen: Set<TokenID> = []
        for (number, line) in bytes.split(separator: UInt8(ascii: "\n")).enumerated() {
            func refused(_ cause: String) -> Problem {
                Problem(
                    status: 422, detail: "line \(number + 1) of the vocabulary file: \(cause)",
                    remedy: "nothing was imported; export the file again", code: "malformed_vocabulary",
                    field: "\(number + 1)")
            }
            let entry: VocabularyEntry
            do {
                entry = try JSON.decode(VocabularyEntry.self, from: Bytes(line))
            } catch {
                throw refused(error.detail)
            }
            guard entry.index == tokens.count else {
                throw refused("its index is \(entry.index) where \(tokens.count) follows")
            }
            guard let token = TokenID(hex: entry.id) else { throw refused("its id is not 32 hexadecimal digits") }
            guard seen.insert(token).inserted else { throw refused("the token \(token) occurs twice") }
            tokens.append(token)
        }
        return tokens
    }
}
