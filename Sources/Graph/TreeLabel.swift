internal import Identity
internal import Wire

/// Labels of ltree paths. PostgreSQL 15 takes letters, digits and underscores; a name may be anything.
///
/// ASCII letters and digits stand for themselves, every other byte is `_` and two hexadecimal digits, so that
/// a label can be read back: `never.md` is `never_2emd`. A label longer than ``maxBytes`` is cut and
/// ends in `_h` and 16 digits of the name's hash: it cannot be read back, and still no two names share it.
public enum TreeLabel {
    public static let maxBytes = 60
    /// Most labels of a path.
    public static let maxDepth = 48
    /// Below a path of more bytes the labels are hashes of their own: PostgreSQL's index over paths keeps two paths in
    /// each inner entry and two entries at least on each page, and splits pages without end where they do not fit.
    public static let maxReadableBytes = 600

    private static let digits = Array("0123456789abcdef".utf8)

    /// The label of `name`, which is not empty.
    public static func encode(_ name: some StringProtocol) -> String {
        var label = Bytes()
        for byte in name.utf8 {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "a")...UInt8(ascii: "z"):
                label.append(byte)
            default: label += [UInt8(ascii: "_"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        if label.count > maxBytes {
            let hash: Hash32 = blake2b256(domain: "shoal/ltree-label/1", Bytes(name.utf8))
            label = Bytes(label.prefix(maxBytes - 18)) + Bytes("_h\(hash.hex.prefix(16))".utf8)
        }
        return String(decoding: label, as: UTF8.self)
    }

    /// The name that a label was made of; nil for one that was cut, or is none.
    public static func decode(_ label: String) -> String? {
        var name = Bytes()
        var rest = Bytes(label.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "_") else {
                name.append(byte)
                continue
            }
            guard let decoded = Hex.decode(String(decoding: rest.prefix(2), as: UTF8.self)), decoded.count == 1 else {
                return nil
            }
            name += decoded
            rest = rest.dropFirst(2)
        }
        return String(validating: name, as: UTF8.self)
    }

    /// The label of a node below its parent: of what its name has more than the parent's, or more than what
    /// both begin with.
    ///
    /// `a/b.md` below `a` is `b.md`; `a/b.md#setup` below `a/b.md#intro` is `setup`.
    public static func label(of name: String, below parent: String?) -> String {
        guard let parent else { return encode(name) }
        let bytes = Bytes(name.utf8)
        let shared = zip(bytes, parent.utf8).prefix { $0 == $1 }.count
        var start = shared
        if shared < parent.utf8.count || shared == bytes.count || !isSeparator(bytes[shared], dot: true) {
            while start > 0, !isSeparator(bytes[start - 1], dot: false) { start -= 1 }
        }
        let rest = bytes[start...].drop { isSeparator($0, dot: true) }
        return encode(rest.isEmpty ? name : String(decoding: rest, as: UTF8.self))
    }

    private static func isSeparator(_ byte: UInt8, dot: Bool) -> Bool {
        switch byte {
        case UInt8(ascii: "/"), UInt8(ascii: "#"), UInt8(ascii: ":"): true
        case UInt8(ascii: "."): dot
        default: false
        }
    }
}
