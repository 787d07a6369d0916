/// One row of a live region: what it knows, and how that looks on a terminal and in a pipe.
struct LiveLine: Sendable {
    enum Phase: Sendable, Equatable {
        case waiting(String)
        case progress(done: Int, total: Int?, unit: ProgressUnit, note: String)
        case finished(String, good: Bool)
    }

    /// In a pipe, a row speaks again after this long …
    static let quiet = Duration.seconds(10)
    /// … or after a tenth of its way, if that took this long.
    static let shortQuiet = Duration.seconds(1)
    static let barWidths = 10...40
    /// A bar gives way when less than this is left for the figures.
    static let minTextWidth = 24

    let label: String
    let began: Duration
    private(set) var phase = Phase.waiting("")
    private var ended: Duration?
    private var meter = RateMeter()
    private var spokeAt: Duration?
    private var spokeTenth = 0

    init(label: String, now: Duration) {
        self.label = printable(label)
        began = now
    }

    /// Takes a new state; in a pipe, the line to print for it, if it is worth one.
    mutating func update(_ next: Phase, now: Duration) -> String? {
        if case .finished = phase { return nil }
        let isNew = next != phase
        phase = next
        switch next {
        case .waiting(let text):
            return isNew && !text.isEmpty ? speak("\(label): \(printable(text))", now) : nil
        case .progress(let done, let total, let unit, let note):
            meter.add(done, at: now)
            let tenth = total.map { $0 > 0 ? done * 10 / $0 : 0 } ?? 0
            let passed = spokeAt.map { now - $0 } ?? Self.quiet
            guard passed >= Self.quiet || (tenth > spokeTenth && passed >= Self.shortQuiet) else { return nil }
            spokeTenth = tenth
            return speak("\(label): \(facts(done, total, unit, note).joined(separator: ", "))", now)
        case .finished(let text, let good):
            ended = now
            let took = Format.duration(now - began)
            return speak("\(label): \(good ? "" : "failed: ")\(printable(text)) (\(took))", now)
        }
    }

    private mutating func speak(_ line: String, _ now: Duration) -> String {
        spokeAt = now
        return line
    }

    private func facts(_ done: Int, _ total: Int?, _ unit: ProgressUnit, _ note: String) -> [String] {
        var facts: [String] = []
        if let total, total > 0 { facts.append("\(min(done * 100 / total, 100)) %") }
        facts.append(unit.amount(done, of: total))
        if let rate = meter.perSecond { facts.append(unit.rate(rate)) }
        if let total, done < total, let left = meter.left(of: total) { facts.append("\(Format.duration(left)) left") }
        if !note.isEmpty { facts.append(printable(note)) }
        return facts
    }

    /// The row on a terminal, at most `width` columns.
    func drawn(width: Int, labelWidth: Int, now: Duration, style: Style) -> String {
        let lead = padded(truncated(label, to: labelWidth), to: labelWidth)
        let room = width - labelWidth - 4
        guard room > 0 else { return truncated("\(mark(now, .plain)) \(label)", to: width) }
        switch phase {
        case .waiting(let text):
            return "\(mark(now, style)) \(lead)  \(truncated(printable(text), to: room))"
        case .finished(let text, _):
            let took = Format.duration((ended ?? now) - began)
            return "\(mark(now, style)) \(lead)  \(truncated("\(printable(text)) (\(took))", to: room))"
        case .progress(let done, let total, let unit, let note):
            let text = facts(done, total, unit, note).joined(separator: "  ")
            let barWidth = min(max(width / 4, Self.barWidths.lowerBound), Self.barWidths.upperBound)
            guard let total, total > 0, room - barWidth - 2 >= Self.minTextWidth else {
                return "\(mark(now, style)) \(lead)  \(truncated(text, to: room))"
            }
            let facts = truncated(text, to: room - barWidth - 2)
            return "\(mark(now, style)) \(lead)  \(bar(done, total, barWidth, style))  \(facts)"
        }
    }

    private func bar(_ done: Int, _ total: Int, _ width: Int, _ style: Style) -> String {
        let filled = Int((Double(width) * min(max(Double(done) / Double(total), 0), 1)).rounded(.down))
        return style.cyan(String(repeating: "━", count: filled))
            + style.dim(String(repeating: "─", count: width - filled))
    }

    private static let spinner = Array("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏").map { String($0) }

    private func mark(_ now: Duration, _ style: Style) -> String {
        switch phase {
        case .finished(_, let good): good ? style.green("✓") : style.red("✗")
        case .waiting, .progress: style.cyan(Self.spinner[Int(now.seconds * 10) % Self.spinner.count])
        }
    }
}
