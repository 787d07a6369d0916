/// `GET /api/events`, event `op`: an op took effect at this node and is durable.
public struct OpEvent: Codable, Sendable, Equatable {
    public var id: String
    public var author: String
    public var seq: Int
    public var kind: String
    public var bodyBytes: Int
    /// The code of why it has no effect, if it has none.
    public var void: String?
    /// The neighbour that brought it; nil for the node's own.
    public var from: String?

    public init(
        id: String, author: String, seq: Int, kind: String, bodyBytes: Int, void: String?, from: String?
    ) {
        self.id = id
        self.author = author
        self.seq = seq
        self.kind = kind
        self.bodyBytes = bodyBytes
        self.void = void
        self.from = from
    }
}

/// Event `peer`: a neighbour came, went or was shut out.
public struct PeerEvent: Codable, Sendable, Equatable {
    public var peer: String
    /// `connected`, `disconnected` or `banned`.
    public var state: String
    public var reason: String?

    public init(peer: String, state: String, reason: String? = nil) {
        self.peer = peer
        self.state = state
        self.reason = reason
    }
}

/// Event `refused`: an op was not taken in.
public struct RefusedEvent: Codable, Sendable, Equatable {
    public var op: String?
    public var code: String
    public var from: String?

    public init(op: String?, code: String, from: String?) {
        self.op = op
        self.code = code
        self.from = from
    }
}

/// Event `alarm`: somebody should look. `fork`, `diverged` or `stopped`.
public struct AlarmEvent: Codable, Sendable, Equatable {
    public var code: String
    public var peer: String?
    public var detail: String

    public init(code: String, peer: String?, detail: String) {
        self.code = code
        self.peer = peer
        self.detail = detail
    }
}
