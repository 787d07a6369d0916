public import Identity
public import Wire

/// The rows that a site trains, body of an announce-rows op: `[1, model, tokens]`, the tokens as one
/// byte string of 16 bytes each.
///
/// Deltas name a row by its index in the concatenation of their log's announcements. The announced
/// tokens also tell everybody how many sites own a row, by which its deltas are divided (design §6).
public struct RowAnnouncement: Equatable, Sendable {
    /// Most tokens in one announcement (1 MiB); a larger vocabulary is announced in several ops.
    public static let maxTokens = 1 << 16

    public let model: ModelID
    /// Strictly increasing.
    public let tokens: [TokenID]

    /// - Throws: ``FederationError/outOfRange(name:value:allowed:)`` for none or too many tokens,
    ///   ``FederationError/notIncreasing(index:)`` for an unsorted list or a duplicate.
    public init(model: ModelID, tokens: [TokenID]) throws(FederationError) {
        guard (1...RowAnnouncement.maxTokens).contains(tokens.count) else {
            throw .outOfRange(
                name: "announcement", value: "of \(tokens.count) rows", allowed: "1 to \(RowAnnouncement.maxTokens)")
        }
        for index in tokens.indices.dropFirst() where tokens[index - 1] >= tokens[index] {
            throw .notIncreasing(index: index)
        }
        self.model = model
        self.tokens = tokens
    }

    /// Reads the body of an announce-rows op.
    ///
    /// - Throws: ``FederationError`` unless `body` is canonical and within the bounds.
    public init(body: Bytes) throws(FederationError) {
        var decoder = try openBody(.announcement, body, items: 3)
        let (model, packed) = try reading(.announcement) { () throws(CBORError) in
            let fields = (try decoder.id(OpTag.self), try decoder.bytes(max: 16 * RowAnnouncement.maxTokens))
            guard fields.1.count.isMultiple(of: 16) else {
                throw .outOfRange(at: decoder.position, what: "\(fields.1.count) bytes are no list of tokens")
            }
            try decoder.end()
            return fields
        }
        try self.init(model: model, tokens: RowAnnouncement.unpack(packed))
    }

    /// The canonical body.
    public var body: Bytes {
        var encoder = CBOREncoder(reserving: 16 * tokens.count + 48)
        encoder.array(3)
        encoder.uint(ModelSpec.foldVersion)
        encoder.bytes(model.bytes)
        encoder.bytes(RowAnnouncement.pack(tokens))
        return encoder.bytes
    }

    /// Tokens as 16 big-endian bytes each.
    static func pack(_ tokens: some Collection<TokenID>) -> Bytes {
        var bytes = Bytes()
        bytes.reserveCapacity(16 * tokens.count)
        for token in tokens { withUnsafeBytes(of: token.rawValue.bigEndian) { bytes.append(contentsOf: $0) } }
        return bytes
    }

    /// The inverse of ``pack(_:)``; a rest of less than 16 bytes is left out.
    static func unpack(_ bytes: Bytes) -> [TokenID] {
        bytes.withUnsafeBytes { raw in
            (0..<raw.count / 16).map { at in
                TokenID(rawValue: UInt128(bigEndian: raw.loadUnaligned(fromByteOffset: 16 * at, as: UInt128.self)))
            }
        }
    }
}
