internal import Wire

/// Plaintext that waits to be sent, in the arrays it was handed over in: a frame for all peers exists once.
struct SendQueue {
    private var chunks: [Bytes] = []
    /// The first chunk that is not sent, and how much of it is.
    private var first = 0
    private var offset = 0
    /// Bytes in the queue.
    private(set) var count = 0

    var isEmpty: Bool { count == 0 }

    mutating func append(_ bytes: Bytes) {
        guard !bytes.isEmpty else { return }
        chunks.append(bytes)
        count += bytes.count
    }

    mutating func removeAll() { self = SendQueue() }

    /// Takes the next record: as many bytes as `scratch` holds, or all. Small chunks are put together in `scratch`,
    /// large ones are passed where they are. The queue must not be empty.
    mutating func takeRecord<Result>(
        scratch: UnsafeMutableRawBufferPointer, _ body: (UnsafeRawBufferPointer) -> Result
    ) -> Result {
        let available = chunks[first].count - offset
        if available >= scratch.count || available == count {
            let size = min(available, scratch.count)
            let result = chunks[first].withUnsafeBytes {
                body(UnsafeRawBufferPointer(rebasing: $0[offset..<offset + size]))
            }
            skip(size)
            return result
        }
        var size = 0
        while size < scratch.count, !isEmpty {
            let part = min(chunks[first].count - offset, scratch.count - size)
            chunks[first].withUnsafeBytes {
                scratch[size..<size + part].copyBytes(from: $0[offset..<offset + part])
            }
            size += part
            skip(part)
        }
        return body(UnsafeRawBufferPointer(rebasing: scratch[..<size]))
    }

    private mutating func skip(_ size: Int) {
        offset += size
        count -= size
        guard offset == chunks[first].count else { return }
        chunks[first] = []
        offset = 0
        first += 1
        if first == chunks.count {
            chunks = []
            first = 0
        } else if first >= 64, first * 2 >= chunks.count {
            chunks.removeFirst(first)
            first = 0
        }
    }
}
