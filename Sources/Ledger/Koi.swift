/// An amount in nKoi; 1 Koi = 10^9 nKoi.
public typealias NanoKoi = Int64

/// Amounts as people write them.
public enum Koi {
    public static let nanoKoi: NanoKoi = 1_000_000_000

    /// `12.5`, `0.000000001`, `-3`: decimal Koi without trailing zeros, exact.
    public static func text(_ amount: NanoKoi) -> String {
        let magnitude = amount.magnitude
        let (whole, rest) = magnitude.quotientAndRemainder(dividingBy: UInt64(nanoKoi))
        var digits = String(rest)
        digits = String(repeating: "0", count: 9 - digits.count) + digits
        while digits.last == "0" { digits.removeLast() }
        return (amount < 0 ? "-" : "") + String(whole) + (digits.isEmpty ? "" : "." + digits)
    }

    /// Reads decimal Koi, at most nine digits behind the point; nil for anything else, signs included, and for more
    /// than 2^63 - 1 nKoi.
    public static func parse(_ text: String) -> NanoKoi? {
        let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = parts.first, !first.isEmpty, parts.allSatisfy({ $0.utf8.allSatisfy(isDigit) }) else {
            return nil
        }
        let fraction = parts.count == 2 ? parts[1] : "0"
        guard (1...9).contains(fraction.utf8.count), let whole = Int64(first),
            let rest = Int64(fraction + String(repeating: "0", count: 9 - fraction.utf8.count))
        else { return nil }
        let (scaled, overflows) = whole.multipliedReportingOverflow(by: nanoKoi)
        let (sum, carries) = scaled.addingReportingOverflow(rest)
        return overflows || carries ? nil : sum
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
}
