import Wire

/// Encoded frames that wait for credit, one queue a lane.
///
/// A frame goes out when its lane has credit for it and the transport has room. Lower lanes go first,
/// but a lane that let `starvationBytes` pass while it was ready gets one frame through.
struct SendQueues: Sendable {
    private struct Queue: Sendable {
        var frames: [Bytes] = []
        /// Index of the first frame that has not gone; what lies before it is empty.
        var first = 0
        var bytes = 0
        /// What the peer granted in its HELLO, and what of it is free.
        var granted = 0
        var credit = 0
        /// Bytes of other lanes that went while this one was ready.
        var passedBy = 0

        var next: Bytes? { first < frames.count ? frames[first] : nil }
        var isReady: Bool { next.map { $0.count <= credit } ?? false }

        mutating func append(_ frame: Bytes) {
            frames.append(frame)
            bytes += frame.count
        }

        mutating func take() -> Bytes {
            let frame = frames[first]
            frames[first] = []
            first += 1
            if first == frames.count {
                frames.removeAll(keepingCapacity: frames.capacity <= 64)
                first = 0
            } else if first >= 64, first * 2 >= frames.count {
                frames.removeFirst(first)
                first = 0
            }
            bytes -= frame.count
            credit -= frame.count
            passedBy = 0
            return frame
        }
    }

    private var queues = PerLane { _ in Queue() }
    /// Bytes written and not yet taken by the transport; counted only where a limit is set.
    private var inTransport = 0
    private let transportLimit: Int?

    init(transportLimit: Int?) { self.transportLimit = transportLimit }

    /// The peer's HELLO.
    mutating func open(granting credits: PerLane<Int>) {
        for lane in Lane.allCases {
            queues[lane].granted = credits[lane]
            queues[lane].credit = credits[lane]
        }
    }

    /// Bytes that wait on a lane.
    func queued(on lane: Lane) -> Int { queues[lane].bytes }

    /// Credit left on a lane.
    func credit(on lane: Lane) -> Int { queues[lane].credit }

    /// Bytes sent for which no credit has come back, over all lanes.
    var outstanding: Int { Lane.allCases.reduce(0) { $0 + queues[$1].granted - queues[$1].credit } }

    mutating func append(_ frame: Bytes, on lane: Lane) throws(SendRefusal) {
        guard queues[lane].bytes + frame.count <= lane.queueLimit else { throw .queueFull(lane) }
        queues[lane].append(frame)
    }

    /// The peer returned credit.
    ///
    /// It must be worth a frame: at least an eighth of some lane's window at a time.
    mutating func grant(_ amounts: PerLane<Int>) throws(LinkError) {
        for lane in Lane.allCases where amounts[lane] > queues[lane].granted - queues[lane].credit {
            throw .creditOverflow(lane)
        }
        guard Lane.allCases.contains(where: { amounts[$0] >= queues[$0].granted / 8 }) else { throw .creditTooSmall }
        for lane in Lane.allCases { queues[lane].credit += amounts[lane] }
    }

    /// Bytes went to the transport, by whatever way.
    mutating func wrote(_ bytes: Int) { inTransport += bytes }

    /// The transport passed bytes on.
    mutating func transportTook(_ bytes: Int) { inTransport = max(0, inTransport - bytes) }

    /// The next frame to write, if any may go.
    mutating func next() -> (frame: Bytes, lane: Lane)? {
        if let transportLimit, inTransport >= transportLimit { return nil }
        let ready = Lane.allCases.filter { queues[$0].isReady }
        guard let first = ready.first else { return nil }
        let starved = ready.filter { queues[$0].passedBy >= SessionLimits.starvationBytes }
        let lane = starved.max { queues[$0].passedBy < queues[$1].passedBy } ?? first
        let frame = queues[lane].take()
        for other in ready where other != lane { queues[other].passedBy += frame.count }
        return (frame, lane)
    }

    mutating func removeAll() { queues = PerLane { _ in Queue() } }
}
