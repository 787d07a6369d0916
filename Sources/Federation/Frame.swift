internal import CZstd
package import Wire

/// The one compressed form of a delta: a single zstd frame (RFC 8878) that declares its content size
/// in the shortest form, without checksum, dictionary or reserved bits, and nothing after it.
///
/// A body's hash is signed, so a checksum would only repeat it. Different compressors may write
/// different blocks for the same content: what is canonical is the content.
package enum Frame {
    private static let magic: Bytes = [0x28, 0xB5, 0x2F, 0xFD]

    /// How hard zstd looks. Nearly all of a delta is five levels, so that literals cost about their entropy and only
    /// the choice among many short matches saves more. Deltas of umls-fed3, 62,510 bytes, order-0 entropy 11.6 to 12.6
    /// kB, on one core: level 3 16.1 kB in 0.2 ms, level 9 14.9 in 1.9, level 13 14.3 in 6, level 15 13.5 in 11, level
    /// 19 13.2 in 27; these settings 13.6 in 5.
    private static let thorough: [(ZSTD_cParameter, Int32)] = [
        (ZSTD_c_compressionLevel, 15), (ZSTD_c_strategy, Int32(ZSTD_btultra.rawValue)), (ZSTD_c_minMatch, 3),
        (ZSTD_c_searchLog, 2), (ZSTD_c_targetLength, 16),
    ]
    /// More would take longer than it saves: 80 ms a MiB.
    private static let thoroughBytes = 8 << 20
    private static let fast: [(ZSTD_cParameter, Int32)] = [(ZSTD_c_compressionLevel, 3)]

    package static func compress(_ raw: Bytes) -> Bytes {
        let bound = ZSTD_compressBound(raw.count)
        guard let context = ZSTD_createCCtx() else { preconditionFailure("no memory for zstd") }
        defer { ZSTD_freeCCtx(context) }
        for (parameter, value) in raw.count <= thoroughBytes ? thorough : fast {
            let result = ZSTD_CCtx_setParameter(context, parameter, value)
            precondition(ZSTD_isError(result) == 0, "zstd knows its parameters")
        }
        return Bytes(unsafeUninitializedCapacity: bound) { buffer, filled in
            let written = ZSTD_compress2(context, buffer.baseAddress, bound, raw, raw.count)
            precondition(ZSTD_isError(written) == 0, "zstd cannot compress into its own bound")
            filled = written
        }
    }

    /// - Parameters:
    ///   - limit: most bytes that `body` may have.
    ///   - rawLimit: most bytes that it may expand to; larger claims are refused before allocation.
    static func decompress(_ body: Bytes, limit: Int, rawLimit: Int) throws(FederationError) -> Bytes {
        guard !body.isEmpty else { throw .frame(.empty) }
        guard body.count <= limit else { throw .frame(.tooLong(bytes: body.count, limit: limit)) }
        let size = try contentSize(body)
        guard size <= UInt64(rawLimit) else { throw .frame(.bomb(declared: size, limit: rawLimit)) }
        let length = ZSTD_findFrameCompressedSize(body, body.count)
        guard ZSTD_isError(length) == 0 else { throw .frame(.corrupt) }
        guard length == body.count else { throw .frame(.trailing) }
        let capacity = Int(size)
        let raw = Bytes(unsafeUninitializedCapacity: capacity) { buffer, filled in
            let written = ZSTD_decompress(buffer.baseAddress, capacity, body, body.count)
            filled = ZSTD_isError(written) == 0 ? written : 0
        }
        guard raw.count == capacity else { throw .frame(.corrupt) }
        return raw
    }

    /// The size that the frame header declares (RFC 8878 §3.1.1.1).
    ///
    /// ```
    /// magic 4 | descriptor 1: size flag 2b, single segment 1b, unused, reserved, checksum, dictionary 2b
    ///         | window 0-1 (absent in a single segment) | content size 0-8, little-endian
    /// ```
    private static func contentSize(_ body: Bytes) throws(FederationError) -> UInt64 {
        guard body.count > 5, body.starts(with: magic), body[4] & 0b0001_1111 == 0 else {
            throw .frame(.foreignHeader)
        }
        let isSingleSegment = body[4] & 0b0010_0000 != 0
        let flag = Int(body[4] >> 6)
        let width = flag == 0 ? (isSingleSegment ? 1 : 0) : 1 << flag
        let start = isSingleSegment ? 5 : 6
        guard width > 0, body.count >= start + width else { throw .frame(.noContentSize) }
        var size: UInt64 = 0
        for at in (start..<start + width).reversed() { size = size << 8 | UInt64(body[at]) }
        if flag == 1 { size += 256 }
        let smallest: UInt64 = [0, 256, 65_536 + 256, 1 << 32][flag]
        guard size >= smallest else { throw .frame(.noContentSize) }
        return size
    }
}
