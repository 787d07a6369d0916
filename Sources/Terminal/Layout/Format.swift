/// Numbers as people read them.
public enum Format {
    /// `1,234,567`.
    public static func count(_ value: Int) -> String {
        let digits = Array(String(value.magnitude))
        var text = ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index).isMultiple(of: 3) { text.append(",") }
            text.append(digit)
        }
        return value < 0 ? "-\(text)" : text
    }

    /// `999`, `12.3k`, `4.56M`: three significant digits, for rates and narrow columns.
    public static func short(_ value: Double) -> String {
        scaled(value, step: 1000, units: ["", "k", "M", "G", "T", "P"])
    }

    /// `512 B`, `1.50 KiB`, `200 MiB`: powers of 1024.
    public static func bytes(_ value: Int) -> String {
        value.magnitude < 1024
            ? "\(value) B"
            : scaled(Double(value), step: 1024, units: ["B", "KiB", "MiB", "GiB", "TiB", "PiB"].map { " " + $0 })
    }

    /// `1.5 ms`, `350 ms`, `4.2 s`, `3 min 20 s`, `2 h 05 min`, `3 d 4 h`.
    public static func duration(_ value: Duration) -> String {
        let seconds = Double(value.components.seconds) + Double(value.components.attoseconds) / 1e18
        if seconds < 0 { return "-\(duration(.zero - value))" }
        if seconds < 0.01 { return "\(fixed(seconds * 1000, 1)) ms" }
        if seconds < 0.9995 { return "\(fixed(seconds * 1000, 0)) ms" }
        if seconds < 9.95 { return "\(fixed(seconds, 1)) s" }
        if seconds < 59.5 { return "\(fixed(seconds, 0)) s" }
        let whole = Int(min(seconds, 1e15).rounded())
        if whole < 3600 { return "\(whole / 60) min \(twoDigits(whole % 60)) s" }
        let minutes = whole / 60
        if minutes < 24 * 60 { return "\(minutes / 60) h \(twoDigits(minutes % 60)) min" }
        return "\(minutes / (24 * 60)) d \(minutes / 60 % 24) h"
    }

    /// `97.3 %`.
    public static func percent(_ fraction: Double, digits: Int = 1) -> String {
        fraction.isFinite ? "\(fixed(fraction * 100, digits)) %" : "-"
    }

    /// A number with exactly `digits` (0-9) decimals, rounded half away from zero; `-` if it is none.
    public static func fixed(_ value: Double, _ digits: Int) -> String {
        guard value.isFinite, abs(value) < 1e15 else { return value.isFinite ? "\(value)" : "-" }
        let scale = (0..<digits).reduce(1) { scale, _ in scale * 10 }
        let units = Int((abs(value) * Double(scale)).rounded())
        let sign = value < 0 && units > 0 ? "-" : ""
        guard digits > 0 else { return "\(sign)\(units)" }
        let decimals = String(units % scale)
        return "\(sign)\(units / scale).\(String(repeating: "0", count: digits - decimals.count))\(decimals)"
    }

    /// Three significant digits and a unit.
    private static func scaled(_ value: Double, step: Double, units: [String]) -> String {
        guard value.isFinite else { return "-" }
        var amount = value
        var index = 0
        // 999.5 would be printed as 1000: that is the next unit.
        while abs(amount) >= (index == 0 ? step : 999.5), index + 1 < units.count {
            amount /= step
            index += 1
        }
        let isWhole = index == 0 && amount == amount.rounded()
        let digits = isWhole || abs(amount) >= 99.95 ? 0 : abs(amount) >= 9.995 ? 1 : 2
        return fixed(amount, digits) + units[index]
    }

    private static func twoDigits(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
}
