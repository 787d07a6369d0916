/// How one direction between two nodes behaves: what `from` sends arrives at `to` like this.
public struct LinkConditions: Codable, Sendable, Equatable {
    /// Every byte is that much under way, milliseconds.
    public var latencyMs = 0
    /// Added to it, drawn anew for each part that is read: 0 to this, milliseconds. Bytes never overtake each other.
    public var jitterMs = 0
    /// Bytes a second; nil is as fast as the machine.
    public var bytesPerSecond: Int?
    /// At most so many bytes arrive at once; nil is as many as there are.
    public var sliceBytes: Int?
    /// Nothing gets through. What was sent before and meanwhile arrives after the cut is healed, if the connection
    /// lives so long: TCP would send it again, too.
    public var isCut = false

    public init() {}

    /// A link that does nothing to what it carries.
    public static let plain = LinkConditions()

    /// Bytes that may be under way before no more are taken from the sender: it then notices, as with a full buffer.
    var capacity: Int {
        guard let bytesPerSecond else { return 1 << 20 }
        return max(16 << 10, bytesPerSecond / 4)
    }

    /// Bytes taken at a time: on a slow link little, so that they arrive evenly.
    var readBytes: Int {
        guard let bytesPerSecond else { return 64 << 10 }
        return min(max(bytesPerSecond / 50, 512), 64 << 10)
    }
}

/// What is asked of the links from some nodes to others.
public struct LinkOrder: Codable, Sendable, Equatable {
    /// Names of nodes; none means all.
    public var from: [String]
    public var to: [String]
    /// Cuts or heals.
    public var cut: Bool?
    public var latencyMs: Int?
    public var jitterMs: Int?
    /// 0 is as fast as the machine.
    public var bytesPerSecond: Int?
    /// 0 is as many as there are.
    public var sliceBytes: Int?
    /// Holds everything back for that long, once.
    public var stallMs: Int?
    /// Ends the connections that use these links at once, as a broken router does (RST).
    public var reset: Bool?

    public init(from: [String] = [], to: [String] = []) {
        self.from = from
        self.to = to
    }

    /// Carries it out on what a link is now.
    func apply(to conditions: inout LinkConditions) {
        if let cut { conditions.isCut = cut }
        if let latencyMs { conditions.latencyMs = latencyMs }
        if let jitterMs { conditions.jitterMs = jitterMs }
        if let bytesPerSecond { conditions.bytesPerSecond = bytesPerSecond == 0 ? nil : bytesPerSecond }
        if let sliceBytes { conditions.sliceBytes = sliceBytes == 0 ? nil : sliceBytes }
    }

    /// Whether it is about what `from` sends to `to`.
    func concerns(from: String, to: String) -> Bool {
        (self.from.isEmpty || self.from.contains(from)) && (self.to.isEmpty || self.to.contains(to))
    }
}

/// One direction between two nodes, as `GET /links` tells of it.
public struct LinkReport: Codable, Sendable, Equatable {
    public var from: String
    public var to: String
    public var conditions: LinkConditions
    /// Connections that use it now, whoever opened them.
    public var connections: Int
    /// Bytes that arrived since the harness runs.
    public var bytes: UInt64
}
