public import Wire

/// The hash of an op's body: a tree one level deep, so that each chunk verifies by itself.
///
/// ```
/// body       = chunk_0 || chunk_1 || … || chunk_n-1       all of 131,072 bytes but the last, which has 1 to 131,072
/// chunk hash = blake2b256(domain: "shoal/chunk/1", chunk)
/// body_hash  = blake2b256(domain: "shoal/body/1", u64 length of body || chunk hash_0 || … || chunk hash_n-1)
/// ```
/// Integers are big-endian; `blake2b256(domain:)` puts the domain first, after its length as u32.
/// An empty body has no chunk. The length is hashed, so no list of hashes means two bodies.
public enum BodyHash {
    /// Bytes of every chunk but the last.
    public static let chunkBytes = 128 * 1_024
    /// The longest body there is (protocol §3).
    public static let maxBodyBytes = 8 * 1_024 * 1_024

    /// Number of chunks of a body of `length` bytes.
    public static func chunkCount(length: Int) -> Int {
        precondition(length >= 0, "a length is not negative")
        return (length + chunkBytes - 1) / chunkBytes
    }

    /// Where chunk `index` lies in a body of `length` bytes.
    public static func range(ofChunk index: Int, length: Int) -> Range<Int> {
        precondition((0..<chunkCount(length: length)).contains(index), "the body has no chunk \(index)")
        return index * chunkBytes..<min((index + 1) * chunkBytes, length)
    }

    public static func chunkHash(_ chunk: ArraySlice<UInt8>) -> Hash32 {
        var hasher = Hasher32(domain: "shoal/chunk/1")
        hasher.update(chunk)
        return hasher.finish()
    }

    /// The hashes of all chunks, in order.
    public static func chunkHashes(of body: Bytes) -> [Hash32] {
        (0..<chunkCount(length: body.count)).map { chunkHash(body[range(ofChunk: $0, length: body.count)]) }
    }

    /// The body hash that follows from its length and the hashes of its chunks.
    public static func root(length: Int, chunkHashes: [Hash32]) -> Hash32 {
        var hasher = Hasher32(domain: "shoal/body/1")
        hasher.update(UInt64(length).bigEndianBytes)
        for hash in chunkHashes { hasher.update(hash.bytes) }
        return hasher.finish()
    }

    /// The body hash; reads each byte once (about 0.7 GB/s).
    public static func hash(of body: Bytes) -> Hash32 {
        root(length: body.count, chunkHashes: chunkHashes(of: body))
    }
}
