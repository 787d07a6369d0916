/// The part of each day in which a node trains by itself: `22-6`, `22:30-06:15`, local time.
public struct TrainHours: Sendable, Equatable, CustomStringConvertible {
    private static let day = 24 * 60

    /// Minutes after midnight; the span may go over midnight.
    let from: Int
    let to: Int

    /// Nil for anything but two different times of day.
    public init?(_ text: String) {
        let ends = text.split(separator: "-", omittingEmptySubsequences: false).map(Self.minute)
        guard ends.count == 2, let from = ends[0], let to = ends[1], from % Self.day != to % Self.day else {
            return nil
        }
        (self.from, self.to) = (from % Self.day, to % Self.day)
    }

    private static func minute(_ text: Substring) -> Int? {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), parts.allSatisfy({ (1...2).contains($0.utf8.count) }),
            let hour = UInt8(parts[0]), let minute = parts.count == 2 ? UInt8(parts[1]) : 0, minute < 60
        else { return nil }
        let total = Int(hour) * 60 + Int(minute)
        return total <= day ? total : nil
    }

    public var description: String {
        let text = { (minute: Int) in
            let (hour, rest) = minute.quotientAndRemainder(dividingBy: 60)
            return "\(hour < 10 ? "0" : "")\(hour):\(rest < 10 ? "0" : "")\(rest)"
        }
        return "\(text(from))-\(text(to))"
    }

    func contains(_ minute: Int) -> Bool {
        from < to ? (from..<to).contains(minute) : minute >= from || minute < to
    }

    /// At least 1.
    func minutesUntilOpen(from minute: Int) -> Int { Self.span(minute, from) }
    func minutesUntilClose(from minute: Int) -> Int { Self.span(minute, to) }

    private static func span(_ minute: Int, _ target: Int) -> Int {
        let span = (target - minute + day) % day
        return span == 0 ? day : span
    }
}
