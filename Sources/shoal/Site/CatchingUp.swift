internal import API
internal import Terminal

/// What whoever has started a node is told until it has what the others have: nothing if that takes no time.
///
/// A machine without a clock. A first line comes after two seconds in which ops came in, the next five later, and so on in
/// twice the time.
struct CatchingUp {
    /// What the node said of itself.
    struct Look: Equatable {
        var ops: Int
        /// Ops that wait for others, or for their bodies.
        var waiting: Int
        var connected: Int
        /// Neighbours that have the same.
        var inStep: Int
    }

    static let silence = Duration.seconds(2)
    static let firstSpacing = Duration.seconds(5)
    /// In a network that never rests, a node may always be an op behind.
    static let patience = Duration.seconds(600)

    private let name: String
    private var began: (at: Duration, ops: Int)?
    private var spokeAt: Duration?
    private var spacing = Self.firstSpacing
    private var ops = 0
    /// When the latest of them came: that a neighbour has the same is known up to some comparisons later.
    private var grewAt = Duration.zero
    private(set) var isDone = false

    init(name: String) { self.name = name }

    /// - Parameter now: the time since the node served.
    /// - Returns: what to say.
    mutating func looked(_ look: Look, now: Duration) -> String? {
        guard !isDone, look.connected > 0 else { return nil }
        let begun = began ?? (now, look.ops)
        began = begun
        let isComing = look.ops > ops || look.waiting > 0
        if look.ops > ops { grewAt = now }
        ops = look.ops
        isDone = look.inStep > 0 && look.waiting == 0 || now - begun.at > Self.patience
        let fetched = counted(look.ops - begun.ops, "op")
        if isDone {
            guard spokeAt != nil else { return nil }
            let took = Format.duration(grewAt - begun.at)
            return look.inStep > 0 ? "\(name) has what the others have: \(fetched) in \(took)." : nil
        }
        guard isComing, now - begun.at >= Self.silence, spokeAt.map({ now - $0 >= spacing }) ?? true else {
            return nil
        }
        if spokeAt != nil { spacing *= 2 }
        spokeAt = now
        let waiting = look.waiting > 0 ? ", \(Format.count(look.waiting)) wait for what they build on" : ""
        return "\(name) fetches what the others have: \(fetched) applied\(waiting)."
    }

    /// Asks the node until it is done, or the task is cancelled.
    static func tell(_ name: String, socket: String, to console: Console) async {
        let client = HTTPClient(.unix(path: socket))
        let clock = ContinuousClock()
        let served = clock.now
        var state = CatchingUp(name: name)
        while !state.isDone, !Task.isCancelled, clock.now - served < patience {
            if let status: StatusReport = try? await client.get("/api/status") {
                let look = Look(
                    ops: status.ops, waiting: status.waiting, connected: status.peers.count { $0.connected },
                    inStep: status.peers.count { $0.inStep })
                if let line = state.looked(look, now: clock.now - served) { console.complain(line) }
            }
            try? await Task.sleep(for: .milliseconds(500))
        }
    }
}
