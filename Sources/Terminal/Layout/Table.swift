/// Rows under titles, as wide as they need and as the terminal allows.
///
/// On a terminal the widest columns give way first, and what does not fit ends in `…`; in a pipe nothing is cut.
/// Cells are shown as text: control characters in them are spelled out.
public struct Table: Sendable {
    /// One column.
    public struct Column: Sendable {
        let title: String
        let isRight: Bool
        let minimum: Int

        /// Text; it may be cut down to `minimum` columns.
        public static func text(_ title: String, minimum: Int = 8) -> Column {
            Column(title: title, isRight: false, minimum: minimum)
        }

        /// A number: right-aligned and never cut.
        public static func number(_ title: String) -> Column {
            Column(title: title, isRight: true, minimum: .max)
        }
    }

    /// What a row says beside its text.
    public enum Emphasis: Sendable { case normal, strong, faint, good, bad }

    private static let gap = 2

    private let columns: [Column]
    private var rows: [(cells: [String], emphasis: Emphasis)] = []

    public init(_ columns: Column...) { self.init(columns) }

    public init(_ columns: [Column]) {
        precondition(!columns.isEmpty, "a table has columns")
        self.columns = columns
    }

    /// Adds a row with one cell per column.
    public mutating func add(_ cells: String..., emphasis: Emphasis = .normal) {
        add(cells, emphasis: emphasis)
    }

    /// Adds a row with one cell per column.
    public mutating func add(_ cells: [String], emphasis: Emphasis = .normal) {
        precondition(cells.count == columns.count, "a row has \(cells.count) cells for \(columns.count) columns")
        rows.append((cells.map(printable), emphasis))
    }

    /// The lines, the title first. - Parameter width: nil for a pipe.
    public func lines(width: Int?, style: Style = .plain) -> [String] {
        let widths = fitted(width)
        let title = style.bold(line(columns.map(\.title), widths))
        return [title] + rows.map { painted(line($0.cells, widths), $0.emphasis, style) }
    }

    private func painted(_ line: String, _ emphasis: Emphasis, _ style: Style) -> String {
        switch emphasis {
        case .normal: line
        case .strong: style.bold(line)
        case .faint: style.dim(line)
        case .good: style.green(line)
        case .bad: style.red(line)
        }
    }

    private func line(_ cells: [String], _ widths: [Int]) -> String {
        let parts = cells.indices.map { index in
            padded(truncated(cells[index], to: widths[index]), to: widths[index], right: columns[index].isRight)
        }
        var line = parts.joined(separator: String(repeating: " ", count: Self.gap))
        while line.last == " " { line.removeLast() }
        return line
    }

    /// The widths of the columns: as needed, then the widest that may shrink gives way, column by column.
    private func fitted(_ width: Int?) -> [Int] {
        var widths = columns.indices.map { index in
            rows.reduce(displayWidth(columns[index].title)) { max($0, displayWidth($1.cells[index])) }
        }
        guard let width else { return widths }
        var excess = widths.reduce(0, +) + (columns.count - 1) * Self.gap - width
        while excess > 0 {
            let able = columns.indices.filter { widths[$0] > columns[$0].minimum }
            guard let widest = able.max(by: { widths[$0] < widths[$1] }) else { break }
            let next = able.filter { $0 != widest }.map { widths[$0] }.max() ?? 0
            let target = max(columns[widest].minimum, min(next, widths[widest] - 1), widths[widest] - excess)
            excess -= widths[widest] - target
            widths[widest] = target
        }
        return widths
    }
}

/// Names and values under each other, the values aligned.
public struct KeyValues: Sendable {
    private var entries: [(key: String, value: String)] = []

    public init() {}

    /// Adds a line.
    public mutating func add(_ key: String, _ value: String) {
        entries.append((printable(key), printable(value)))
    }

    /// The lines; long values continue under themselves on a terminal. - Parameter width: nil for a pipe.
    public func lines(width: Int?, style: Style = .plain) -> [String] {
        let column = entries.reduce(0) { max($0, displayWidth($1.key)) } + 2
        return entries.flatMap { key, value in
            let text = width.map { wrapped(value, width: max($0 - column, 20)) } ?? [value]
            return text.enumerated().map { index, line in
                (index == 0 ? style.dim(padded(key, to: column)) : String(repeating: " ", count: column)) + line
            }
        }
    }
}
