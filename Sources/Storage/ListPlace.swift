import Wire

/// Where a page of a list ends: what the list is ordered by, of one item. The next page begins behind it.
///
/// It names values and no row number, so what is added or removed between two pages neither repeats nor hides another
/// item. To whoever carries it, it is hexadecimal digits without meaning: UTF-8, the parts divided by a zero byte, which
/// no name has.
public struct ListPlace: Sendable, Equatable {
    /// Parts of names that lists are ordered by, in characters: what follows is decided by ids.
    static let nameCharacters = 24
    /// Digits of the longest one: a relation in full, three beginnings of names, ids.
    public static let maxDigits = 3_072

    public let text: String
    let parts: [String]

    init(_ parts: [String]) {
        self.parts = parts
        text = Hex.encode(Bytes(parts.joined(separator: "\0").utf8))
    }

    /// - Returns: nil for what no list has given.
    public init?(_ text: String) {
        guard (2...Self.maxDigits).contains(text.utf8.count), let bytes = Hex.decode(text),
            let joined = String(validating: bytes, as: UTF8.self)
        else { return nil }
        self.text = text
        parts = joined.split(separator: "\0", omittingEmptySubsequences: false).map(String.init)
    }

    /// The part at `index` as a finite number.
    func number(_ index: Int) -> Double? { Double(parts[index]).flatMap { $0.isFinite ? $0 : nil } }

    /// The part at `index` as 32 hexadecimal digits.
    func uuid(_ index: Int) -> UInt128? {
        parts[index].utf8.count == 32 ? UInt128(parts[index], radix: 16) : nil
    }
}

/// An item of a list, and where a page ends that ends with it.
public struct Placed<Item: Sendable>: Sendable {
    public let item: Item
    public let place: ListPlace
}

extension UInt128 {
    /// 32 hexadecimal digits.
    var digits: String {
        let text = String(self, radix: 16)
        return String(repeating: "0", count: 32 - text.count) + text
    }
}
