import Synchronization

/// Several rows that are redrawn in place, such as one per site: spinners while waiting, bars with rate and
/// time left. In a pipe the same calls print plain lines at sensible intervals.
///
/// It draws on the errors stream, so that results can be piped on. Any thread may update a row.
public final class LiveRegion: Sendable {
    private struct State {
        var rows: [LiveLine] = []
        /// Lines of the region now on the screen, above the cursor.
        var drawn = 0
        var drawnAt: Duration?
        var isClosed = false
        var animation: Task<Void, Never>?
    }

    /// Updates that come faster are drawn together.
    static let frameTime = Duration.milliseconds(100)

    private let console: Console
    private let state = Mutex(State())

    /// - Parameter animated: whether spinners turn by themselves; without it call ``tick()``.
    public init(_ console: Console, animated: Bool = true) {
        self.console = console
        guard animated, console.errors.size() != nil else { return }
        let animation = Task { [weak self] in
            while !Task.isCancelled {
                try? await Task.sleep(for: Self.frameTime)
                self?.tick()
            }
        }
        state.withLock { $0.animation = animation }
    }

    deinit { close() }

    /// Opens a region for the time of `body`, and closes it however that ends.
    public static func show<Result>(
        on console: Console, _ body: (LiveRegion) async throws -> Result
    ) async rethrows -> Result {
        let region = LiveRegion(console)
        defer { region.close() }
        return try await body(region)
    }

    /// Adds a row at the bottom.
    public func row(_ label: String) -> LiveRow {
        state.withLock { state in
            state.rows.append(LiveLine(label: label, now: console.now()))
            draw(&state, force: false)
            return LiveRow(region: self, index: state.rows.count - 1)
        }
    }

    /// Prints a line that stays, above the rows.
    public func log(_ line: String) {
        state.withLock { state in
            guard console.errors.size() != nil, !state.isClosed else { return console.complain(line) }
            console.errors.write(erasing(&state) + line + "\n")
            draw(&state, force: true)
        }
    }

    /// Draws the rows for the last time; they stay on the screen.
    public func close() {
        state.withLock { state in
            guard !state.isClosed else { return }
            draw(&state, force: true, isLast: true)
            state.isClosed = true
            state.animation?.cancel()
        }
    }

    /// Redraws, if it is time.
    public func tick() {
        state.withLock { draw(&$0, force: false) }
    }

    func update(_ index: Int, _ phase: LiveLine.Phase) {
        state.withLock { state in
            guard !state.isClosed else { return }
            let line = state.rows[index].update(phase, now: console.now())
            if console.errors.size() == nil {
                if let line { console.complain(line) }
            } else {
                var isLast = false
                if case .finished = phase { isLast = true }
                draw(&state, force: isLast)
            }
        }
    }

    /// The codes that take the region off the screen.
    private func erasing(_ state: inout State) -> String {
        defer { state.drawn = 0 }
        return state.drawn > 0 ? "\u{1B}[\(state.drawn)A\r\u{1B}[J" : ""
    }

    private func draw(_ state: inout State, force: Bool, isLast: Bool = false) {
        guard !state.isClosed, !state.rows.isEmpty, let size = console.errors.size() else { return }
        let now = console.now()
        if !force, let last = state.drawnAt, now - last < Self.frameTime { return }
        state.drawnAt = now
        // The last column stays free, since some terminals break the line there; so does the last row.
        let width = size.columns - 1
        let longest = state.rows.reduce(0) { max($0, displayWidth($1.label)) }
        let labelWidth = min(longest, max(width / 3, 8))
        // Lines that have scrolled away cannot be redrawn; the last time they need not be.
        let fitting = isLast ? .max : max(size.rows - 1, 1)
        let hidden = state.rows.count > fitting ? state.rows.count - fitting + 1 : 0
        var lines = state.rows.dropLast(hidden).map { row in
            row.drawn(width: width, labelWidth: labelWidth, now: now, style: console.errorStyle)
        }
        if hidden > 0 { lines.append(truncated("… and \(hidden) more", to: width)) }
        console.errors.write(erasing(&state) + lines.map { $0 + "\n" }.joined())
        state.drawn = lines.count
    }
}

/// A row of a ``LiveRegion``.
public struct LiveRow: Sendable {
    let region: LiveRegion
    let index: Int

    /// Shows a spinner and what is being waited for.
    public func status(_ text: String) {
        region.update(index, .waiting(text))
    }

    /// Shows how far the work is; without a `total` only the amount and the rate.
    public func progress(_ done: Int, of total: Int?, _ unit: ProgressUnit = .count(""), note: String = "") {
        region.update(index, .progress(done: done, total: total, unit: unit, note: note))
    }

    /// The work is done. Later updates are ignored.
    public func finish(_ text: String) {
        region.update(index, .finished(text, good: true))
    }

    /// The work failed. Later updates are ignored.
    public func fail(_ text: String) {
        region.update(index, .finished(text, good: false))
    }
}
