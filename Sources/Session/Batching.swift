public import Identity
public import Wire

extension Message {
    /// Ranges in order, in as many PULLs as they need; they must not overlap.
    public static func pulls(_ ranges: [PullRange]) -> [Message] {
        let sorted = ranges.sorted { ($0.author, $0.log, $0.from) < ($1.author, $1.log, $1.from) }
        return sorted.pages(of: SessionLimits.rangesPerFrame).map { .pull($0) }
    }

    /// Ids in as many IHAVEs as they need.
    public static func ihaves(_ ids: [OpID]) -> [Message] {
        ids.pages(of: SessionLimits.idsPerFrame).map { .ihave($0) }
    }

    /// Envelopes in as many OPS as they need, in order, each of at most `frameBytes`, which keeps one
    /// long answer from holding up what comes after it.
    public static func ops(batching envelopes: [Bytes], frameBytes: Int = 64 * 1_024) -> [Message] {
        var messages = [Message]()
        var batch = [Bytes]()
        var bytes = 0
        for envelope in envelopes {
            let size = envelope.count + 3
            if !batch.isEmpty, bytes + size > frameBytes || batch.count == SessionLimits.envelopesPerFrame {
                messages.append(.ops(batch))
                batch = []
                bytes = 0
            }
            batch.append(envelope)
            bytes += size
        }
        if !batch.isEmpty { messages.append(.ops(batch)) }
        return messages
    }
}

extension Array {
    /// The elements in order, in arrays of at most `size`.
    fileprivate func pages(of size: Int) -> [[Element]] {
        stride(from: 0, to: count, by: size).map { Array(self[$0..<Swift.min($0 + size, count)]) }
    }
}
