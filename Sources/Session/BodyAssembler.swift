public import Identity
public import Wire

/// Puts one body together from chunks, whoever they come from.
///
/// One source at a time is asked. Every chunk is checked before it is kept, so a source that fails
/// costs what it did not deliver, and a liar is found at its first chunk. Memory: the length that the
/// signed op header announced, at most 8 MiB, and only from the first verified chunk on.
public struct BodyAssembler: Sendable {
    public enum Outcome: Sendable, Equatable {
        /// A chunk that is here already, or that cannot be checked yet.
        case ignored
        /// A new chunk; this many are missing.
        case kept(missing: Int)
        /// The whole body; it has the hash that was asked for.
        case complete(Bytes)
    }

    public let hash: Hash32
    public let length: Int
    /// Whom the chunks were asked of last.
    public private(set) var source: PeerID?
    private var chunkHashes: [Hash32] = []
    private var body = Bytes()
    private var isHere: [Bool]

    /// - Parameter length: as the op header announces it; nil unless 1 byte to 8 MiB.
    public init?(hash: Hash32, length: Int) {
        guard (1...BodyHash.maxBodyBytes).contains(length) else { return nil }
        self.hash = hash
        self.length = length
        isHere = Array(repeating: false, count: BodyHash.chunkCount(length: length))
    }

    /// The chunks that are not here, ascending.
    public var missing: [Int] { isHere.indices.filter { !isHere[$0] } }

    public var isComplete: Bool { !isHere.contains(false) }

    /// What to send to `source`, which takes the place of any source before it.
    ///
    /// - Precondition: something is missing.
    public mutating func request(from source: PeerID) -> Message {
        precondition(!isComplete, "the body is complete")
        self.source = source
        let missing = missing
        return .blobWant(BlobWant(hash: hash, chunks: missing.count == isHere.count ? .all : .some(missing)))
    }

    /// `peer` is gone, or answered BLOB_NONE. True when it was the source: ask another.
    public mutating func lost(_ peer: PeerID) -> Bool {
        guard source == peer else { return false }
        source = nil
        return true
    }

    /// Checks and keeps a chunk of this body. Late chunks of an earlier source are as good as any.
    ///
    /// - Throws: `chunkMismatch`, which is the fault of whoever sent the chunk.
    public mutating func accept(_ blob: Blob) throws(LinkError) -> Outcome {
        precondition(blob.hash == hash, "the chunk belongs to another body")
        guard !isComplete else { return .ignored }
        let mismatch = LinkError.chunkMismatch(body: hash, chunk: blob.chunk)
        guard blob.chunks == isHere.count, (0..<isHere.count).contains(blob.chunk) else { throw mismatch }
        if chunkHashes.isEmpty {
            // Only a source that was asked before and forgotten sends these; nobody can judge them yet.
            guard let hashes = blob.chunkHashes else { return .ignored }
            guard hashes.count == isHere.count, BodyHash.root(length: length, chunkHashes: hashes) == hash else {
                throw mismatch
            }
            chunkHashes = hashes
        }
        guard !isHere[blob.chunk] else { return .ignored }
        let range = BodyHash.range(ofChunk: blob.chunk, length: length)
        guard blob.bytes.count == range.count, BodyHash.chunkHash(blob.bytes[...]) == chunkHashes[blob.chunk] else {
            throw mismatch
        }
        if body.isEmpty { body = Bytes(repeating: 0, count: length) }
        body.withUnsafeMutableBytes { $0[range].copyBytes(from: blob.bytes) }
        isHere[blob.chunk] = true
        guard isComplete else { return .kept(missing: missing.count) }
        source = nil
        defer { body = [] }
        return .complete(body)
    }
}
