import Wire

/// Writes zstd frames by hand (RFC 8878), stored or run-length blocks only: frames that no compressor
/// of this project writes, good ones and bad ones.
struct StoredFrame {
    var magic: Bytes = [0x28, 0xB5, 0x2F, 0xFD]
    /// Bits of the frame header descriptor beside the size flag and the single segment.
    var extraFlags: UInt8 = 0
    var isSingleSegment = true
    /// 0, 1, 2 or 3: the content size takes 1 (0), 2, 4 or 8 bytes; nil picks the shortest.
    var sizeFlag: Int?
    /// What the header claims; nil claims the truth.
    var claim: UInt64?
    var blocks: [(content: Bytes, run: Int)] = []

    init() {}
    /// A frame that stores `content` as it is.
    init(_ content: Bytes) {
        for start in stride(from: 0, to: content.count, by: 100_000) {
            blocks.append((Bytes(content[start..<min(start + 100_000, content.count)]), 1))
        }
    }
    /// A frame that repeats one byte.
    init(repeating byte: UInt8, count: Int) {
        for start in stride(from: 0, to: count, by: 128 << 10) {
            blocks.append(([byte], min(128 << 10, count - start)))
        }
    }

    var size: Int { blocks.reduce(0) { $0 + $1.content.count * $1.run } }

    var bytes: Bytes {
        let size = claim ?? UInt64(size)
        let flag = sizeFlag ?? (size < 256 ? 0 : size < 65_792 ? 1 : size < 1 << 32 ? 2 : 3)
        var bytes = magic + [UInt8(flag << 6) | (isSingleSegment ? 0x20 : 0) | extraFlags]
        if !isSingleSegment { bytes.append(13 << 3) }  // a window of 8 MiB
        let width = flag == 0 ? (isSingleSegment ? 1 : 0) : 1 << flag
        let field = flag == 1 ? size &- 256 : size
        for at in 0..<width { bytes.append(UInt8(truncatingIfNeeded: field >> UInt64(8 * at))) }
        for (number, block) in blocks.enumerated() {
            let isLast = number == blocks.count - 1
            let isRun = block.run > 1
            let header = (isRun ? block.run : block.content.count) << 3 | (isRun ? 2 : 0) | (isLast ? 1 : 0)
            bytes += [UInt8(header & 255), UInt8(header >> 8 & 255), UInt8(header >> 16)]
            bytes += block.content
        }
        return bytes
    }
}
