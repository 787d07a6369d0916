internal import Wire

/// Everything that happens, as one number: two runs that differ anywhere differ here.
///
/// FNV-1a over 64-bit words; not against attackers. The text is made only when somebody reads it.
struct Trace {
    private(set) var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    private(set) var events = 0
    private let print: ((String) -> Void)?

    init(print: ((String) -> Void)?) { self.print = print }

    /// Something happened: its words go into the hash, its text to the reader.
    mutating func record(_ words: UInt64..., bytes: Bytes = [], text: () -> String) {
        events += 1
        for word in words { mix(word) }
        mix(bytes)
        if let print { print(text()) }
    }

    private mutating func mix(_ word: UInt64) { hash = (hash ^ word) &* 0x0000_0100_0000_01B3 }

    private mutating func mix(_ bytes: Bytes) {
        guard !bytes.isEmpty else { return }
        mix(UInt64(bytes.count))
        var hash = hash
        bytes.withUnsafeBytes { raw in
            var at = 0
            while at + 8 <= raw.count {
                let word = UInt64(littleEndian: raw.loadUnaligned(fromByteOffset: at, as: UInt64.self))
                hash = (hash ^ word) &* 0x0000_0100_0000_01B3
                hash ^= hash >> 29
                at += 8
            }
            while at < raw.count {
                hash = (hash ^ UInt64(raw[at])) &* 0x0000_0100_0000_01B3
                at += 1
            }
        }
        self.hash = hash
    }
}
