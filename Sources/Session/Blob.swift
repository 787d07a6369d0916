public import Identity
public import Wire

/// Asks for chunks of a body by its hash.
public struct BlobWant: Sendable, Hashable {
    public enum Chunks: Sendable, Hashable {
        case all
        /// Ascending, at least one. Chunk 0 brings the chunk hashes that the others are checked by.
        case some([Int])
    }

    /// Chunks of the longest body.
    public static let maxChunks = BodyHash.chunkCount(length: BodyHash.maxBodyBytes)

    public var hash: Hash32
    public var chunks: Chunks

    public init(hash: Hash32, chunks: Chunks) {
        self.hash = hash
        self.chunks = chunks
    }

    /// The wanted chunks that a body of `count` chunks has, ascending.
    public func indexes(of count: Int) -> [Int] {
        switch chunks {
        case .all: Array(0..<count)
        case .some(let list): list.filter { $0 < count }
        }
    }

    func encode(into encoder: inout CBOREncoder) {
        encoder.array(2)
        encoder.bytes(hash.bytes)
        switch chunks {
        case .all: encoder.null()
        case .some(let list):
            encoder.array(list.count)
            for index in list { encoder.uint(UInt64(index)) }
        }
    }

    init(_ decoder: inout CBORDecoder) throws(CBORError) {
        try decoder.array(exactly: 2)
        hash = try decoder.id()
        if try decoder.null() {
            chunks = .all
            return
        }
        var list = [Int]()
        for _ in 0..<(try decoder.array(1...Self.maxChunks)) {
            let start = decoder.position
            let index = try decoder.count(max: Self.maxChunks - 1)
            if let last = list.last, index <= last { throw .outOfRange(at: start, what: "chunks do not ascend") }
            list.append(index)
        }
        chunks = .some(list)
    }
}

/// One chunk of a body.
///
/// Chunk 0 carries the hashes of all chunks, which verify against the body hash; every other chunk is
/// then checked by itself, from whomever it comes. All chunks but the last have 128 KiB.
public struct Blob: Sendable, Equatable {
    /// The hash of the whole body.
    public let hash: Hash32
    public let chunk: Int
    /// Number of chunks of the body, at least 1.
    public let chunks: Int
    /// In chunk 0, and only there: one for each chunk.
    public let chunkHashes: [Hash32]?
    public let bytes: Bytes

    /// A chunk of a body that lies elsewhere; `chunkHashes` counts for chunk 0 only.
    public init(hash: Hash32, chunk: Int, chunks: Int, chunkHashes: [Hash32], bytes: Bytes) {
        self.hash = hash
        self.chunk = chunk
        self.chunks = chunks
        self.chunkHashes = chunk == 0 ? chunkHashes : nil
        self.bytes = bytes
    }

    /// A chunk of a body at hand; chunk 0 costs a hash of the whole.
    public init(chunk: Int, of body: Bytes, hash: Hash32) {
        self.init(
            hash: hash, chunk: chunk, chunks: BodyHash.chunkCount(length: body.count),
            chunkHashes: chunk == 0 ? BodyHash.chunkHashes(of: body) : [],
            bytes: Bytes(body[BodyHash.range(ofChunk: chunk, length: body.count)]))
    }

    func encode(into encoder: inout CBOREncoder) {
        encoder.array(5)
        encoder.bytes(hash.bytes)
        encoder.uint(UInt64(chunk))
        encoder.uint(UInt64(chunks))
        if let chunkHashes { encoder.ids(chunkHashes) } else { encoder.null() }
        encoder.bytes(bytes)
    }

    init(_ decoder: inout CBORDecoder) throws(CBORError) {
        try decoder.array(exactly: 5)
        hash = try decoder.id()
        let start = decoder.position
        chunk = try decoder.count(max: BlobWant.maxChunks - 1)
        chunks = try decoder.count(max: BlobWant.maxChunks)
        guard chunk < chunks else { throw .outOfRange(at: start, what: "chunk \(chunk) of \(chunks)") }
        let hashesStart = decoder.position
        if try decoder.null() {
            chunkHashes = nil
        } else {
            chunkHashes = try decoder.ids(chunks...chunks)
        }
        guard (chunkHashes != nil) == (chunk == 0) else {
            throw .outOfRange(at: hashesStart, what: "chunk hashes belong to chunk 0 alone")
        }
        let bytesStart = decoder.position
        bytes = try decoder.bytes(max: BodyHash.chunkBytes)
        guard bytes.count == BodyHash.chunkBytes || (chunk == chunks - 1 && !bytes.isEmpty) else {
            throw .outOfRange(at: bytesStart, what: "\(bytes.count) bytes in chunk \(chunk) of \(chunks)")
        }
    }
}
