public import Identity
public import Wire

/// The wallet of one agent of a member. Only its owner signs what it pays.
public struct AccountID: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// Bounds, inclusive.
    public enum Limits {
        public static let agentBytes = 64
    }
    /// The agent whose wallet takes what is paid to the member itself: grants and rewards for measuring.
    public static let site = "site"

    public let owner: PeerID
    /// 1 to 64 bytes without control characters.
    public let agent: String

    public init(owner: PeerID, agent: String) {
        self.owner = owner
        self.agent = agent
    }

    public static func site(of owner: PeerID) -> Self { Self(owner: owner, agent: Self.site) }

    public static func < (a: Self, b: Self) -> Bool {
        a.owner != b.owner ? a.owner < b.owner : a.agent.utf8.lexicographicallyPrecedes(b.agent.utf8)
    }

    public static func == (a: Self, b: Self) -> Bool { a.owner == b.owner && a.agent.utf8.elementsEqual(b.agent.utf8) }

    /// By bytes: Swift takes different encodings of a letter for one.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(owner)
        for byte in agent.utf8 { hasher.combine(byte) }
    }

    public var description: String { "\(agent) of \(owner.short)" }

    /// Whether a name may be an agent's: no U+0000-001F, no U+007F-009F.
    public static func isAgent(_ name: String) -> Bool {
        (1...Limits.agentBytes).contains(name.utf8.count)
            && name.unicodeScalars.allSatisfy { $0.value >= 0x20 && !(0x7F...0x9F).contains($0.value) }
    }
}

/// Ops of one log of a claim's author: what is to be paid for.
public struct OpSpan: Hashable, Sendable {
    public let model: ModelID
    public let log: LogID
    /// 1 <= from <= through.
    public let from: UInt64
    public let through: UInt64
    /// The id of op `through`: names the branch should the log fork.
    public let head: OpID

    public init(model: ModelID, log: LogID, from: UInt64, through: UInt64, head: OpID) {
        self.model = model
        self.log = log
        self.from = from
        self.through = through
        self.head = head
    }

    public func overlaps(_ other: OpSpan) -> Bool {
        log == other.log && from <= other.through && other.from <= through
    }
}
