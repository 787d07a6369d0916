internal import Synchronization

/// What happened so far.
final class Diary: Sendable {
    private struct State {
        var start = ContinuousClock.now
        var entries: [ScenarioReport.Entry] = []
        var down: Set<String> = []
    }
    private let state = Mutex(State())
    private let onEntry: @Sendable (ScenarioReport.Entry) -> Void

    init(_ onEntry: @escaping @Sendable (ScenarioReport.Entry) -> Void) { self.onEntry = onEntry }

    func start() { state.withLock { $0.start = .now } }
    /// Seconds since the start.
    var now: Double { (ContinuousClock.now - state.withLock { $0.start }).seconds }
    var entries: [ScenarioReport.Entry] { state.withLock { $0.entries } }

    func setDown(_ node: String, _ isDown: Bool) {
        state.withLock { state in
            if isDown { state.down.insert(node) } else { state.down.remove(node) }
        }
    }
    func isDown(_ node: String) -> Bool { state.withLock { $0.down.contains(node) } }

    func note(_ at: Double, _ what: String, detail: String? = nil, failure: String? = nil) {
        func rounded(_ seconds: Double) -> Double { (seconds * 1_000).rounded() / 1_000 }
        let entry = ScenarioReport.Entry(
            at: rounded(at), what: what, took: rounded(now - at), isWell: failure == nil, detail: failure ?? detail)
        state.withLock { $0.entries.append(entry) }
        onEntry(entry)
    }
}
