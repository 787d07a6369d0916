/// Why a byte string cannot name a graph node or relation.
public enum NameFault: Error, Equatable, Sendable, CustomStringConvertible {
    case empty
    /// Byte offset of the first U+0000, which PostgreSQL text cannot hold.
    case containsNUL(at: Int)
    /// Byte offset of the first byte that is not UTF-8.
    case invalidUTF8(at: Int)
    case tooLong(bytes: Int)

    public var description: String {
        switch self {
        case .empty: "is empty"
        case .containsNUL(let at): "has a NUL byte at byte \(at + 1)"
        case .invalidUTF8(let at): "is not UTF-8 at byte \(at + 1)"
        case .tooLong(let bytes): "has \(bytes) bytes, more than \(CanonicalName.maxBytes)"
        }
    }
}

/// The rules for names. A canonical name is the exact UTF-8 bytes: no folding, no trimming, no
/// normalisation, because two sites agree on an id only if they hash the same bytes.
public enum CanonicalName {
    /// Longest name in bytes.
    public static let maxBytes = 1_024

    /// The first thing wrong with `name`, or nil. One pass; no allocation.
    public static func fault(in name: ArraySlice<UInt8>) -> NameFault? {
        if name.isEmpty { return .empty }
        if name.count > maxBytes { return .tooLong(bytes: name.count) }
        if let at = name.firstIndex(of: 0) { return .containsNUL(at: at - name.startIndex) }
        if let at = firstInvalidUTF8(in: name) { return .invalidUTF8(at: at) }
        return nil
    }

    /// Offset of the first byte at which `bytes` stop being UTF-8, or nil.
    static func firstInvalidUTF8(in bytes: ArraySlice<UInt8>) -> Int? {
        do {
            _ = try UTF8Span(validating: bytes.span)
            return nil
        } catch {
            return error.byteOffsets.lowerBound
        }
    }
}
