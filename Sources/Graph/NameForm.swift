@_spi(_Unicode) import Swift
internal import Wire

/// The normal form of names (`--normalize`): one id for spellings that differ in case, spaces or composition.
///
/// 1. NFC (Unicode Standard Annex 15);
/// 2. case folding, each scalar by its upper and then its lower case mapping, twice: `ẞ`, `ß` and `SS` become `ss`;
/// 3. NFC again;
/// 4. each run of white space becomes one space, at both ends none.
///
/// The same bytes on every machine: no locale takes part, and of the Unicode tables only characters that were
/// assigned by version ``unicodeVersion`` do, whose normal forms Unicode's stability policy freezes. A name with
/// a newer or unassigned character stays as it is, as does one whose form would be empty or too long.
public enum NameForm {
    /// The major version of Unicode up to which characters take part.
    public static let unicodeVersion = 15

    /// The normal form of a canonical name; idempotent.
    public static func normalized(_ name: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        let form: Bytes
        if name.allSatisfy({ $0 < 0x80 }) {
            form = Bytes(collapsed(name.map { lower($0) }.map { Unicode.Scalar($0) }).utf8)
        } else {
            guard let text = String(validating: name, as: UTF8.self), text.unicodeScalars.allSatisfy(isFrozen) else {
                return name
            }
            let folded = composed(folding(folding(composed(text))))
            form = Bytes(collapsed(folded.unicodeScalars).utf8)
        }
        return CanonicalName.fault(in: form[...]) == nil ? form[...] : name
    }

    public static func normalized(_ name: String) -> String {
        String(decoding: normalized(Bytes(name.utf8)[...]), as: UTF8.self)
    }

    private static func isFrozen(_ scalar: Unicode.Scalar) -> Bool {
        scalar.properties.age.map { $0.major <= unicodeVersion } ?? false
    }

    private static func folding(_ text: String) -> String {
        text.unicodeScalars.reduce(into: "") { folded, scalar in
            for upper in scalar.properties.uppercaseMapping.unicodeScalars {
                folded += upper.properties.lowercaseMapping
            }
        }
    }

    private static func composed(_ text: String) -> String {
        var view = String.UnicodeScalarView()
        for scalar in text._nfc { view.append(scalar) }
        return String(view)
    }

    private static func collapsed(_ scalars: some Sequence<Unicode.Scalar>) -> String {
        var view = String.UnicodeScalarView()
        var isBehindSpace = false
        for scalar in scalars {
            if isSpace(scalar) {
                isBehindSpace = true
                continue
            }
            if isBehindSpace, !view.isEmpty { view.append(" ") }
            isBehindSpace = false
            view.append(scalar)
        }
        return String(view)
    }

    private static func lower(_ byte: UInt8) -> UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")) ~= byte ? byte + 32 : byte
    }

    /// The property White_Space, spelt out: it has changed between versions.
    private static func isSpace(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x09...0x0D, 0x20, 0x85, 0xA0, 0x1680, 0x2000...0x200A, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000: true
        default: false
        }
    }
}
