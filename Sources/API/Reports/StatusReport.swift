/// What `GET /api/status` says: is it well, and why not.
public struct StatusReport: Codable, Sendable, Equatable {
    public var name: String
    /// The node's public key, hexadecimal.
    public var peer: String
    public var network: Network
    public var version: String
    public var uptimeSeconds: Double
    /// Nil when all is well; else one sentence with the remedy.
    public var trouble: String?
    /// Where peers reach this node, if it listens.
    public var listen: String?
    /// `http://HOST:PORT` of the dashboard and the HTTP interface, if it is served over TCP.
    public var http: String?
    public var frontierDigest: String
    public var stateDigest: String
    /// Ops applied and durable.
    public var ops: Int
    /// Ops that wait for their causal past or body.
    public var waiting: Int
    public var members: Int
    public var peers: [PeerReport]
    public var models: [ModelReport]
    public var graph: GraphReport
    public var database: Database
    public var traffic: Traffic
    /// Refused or void ops and ended links, by code.
    public var refused: [String: Int]

    public struct Network: Codable, Sendable, Equatable {
        public var id: String
        public var name: String

        public init(id: String, name: String) {
            self.id = id
            self.name = name
        }
    }

    public struct Database: Codable, Sendable, Equatable {
        /// `private` or `external`.
        public var kind: String
        public var bytes: Int
        /// Of them signed ops, bodies and certified sums; and what bodies would take for which sums stand.
        public var opBytes: Int
        public var bodyBytes: Int
        public var sumsBytes: Int
        public var droppedBytes: Int

        public init(
            kind: String, bytes: Int, opBytes: Int = 0, bodyBytes: Int = 0, sumsBytes: Int = 0, droppedBytes: Int = 0
        ) {
            self.kind = kind
            self.bytes = bytes
            self.opBytes = opBytes
            self.bodyBytes = bodyBytes
            self.sumsBytes = sumsBytes
            self.droppedBytes = droppedBytes
        }
    }

    /// Bytes on the wire, TLS included, since the start of the process.
    public struct Traffic: Codable, Sendable, Equatable {
        public var bytesSent: UInt64
        public var bytesReceived: UInt64

        public init(bytesSent: UInt64, bytesReceived: UInt64) {
            self.bytesSent = bytesSent
            self.bytesReceived = bytesReceived
        }
    }

    public init(
        name: String, peer: String, network: Network, version: String, uptimeSeconds: Double, trouble: String?,
        listen: String?, http: String? = nil, frontierDigest: String, stateDigest: String, ops: Int, waiting: Int,
        members: Int,
        peers: [PeerReport], models: [ModelReport], graph: GraphReport, database: Database, traffic: Traffic,
        refused: [String: Int]
    ) {
        self.name = name
        self.peer = peer
        self.network = network
        self.version = version
        self.uptimeSeconds = uptimeSeconds
        self.trouble = trouble
        self.listen = listen
        self.http = http
        self.frontierDigest = frontierDigest
        self.stateDigest = stateDigest
        self.ops = ops
        self.waiting = waiting
        self.members = members
        self.peers = peers
        self.models = models
        self.graph = graph
        self.database = database
        self.traffic = traffic
        self.refused = refused
    }
}

/// One member, as `GET /api/peers` lists them.
public struct PeerReport: Codable, Sendable, Equatable {
    public var peer: String
    public var name: String
    /// HOST:PORT from the site's `.peers` files; nil if it only dials in.
    public var address: String?
    public var connected: Bool
    public var member: Bool
    /// It has left the network by its own word, or goes on under another key.
    public var left: Bool
    /// That key.
    public var successor: String?
    /// Why it is shut out, if it is.
    public var banned: String?
    /// Round trip in milliseconds, of the last minute.
    public var rttMs: Double?
    /// Ops by this member that are applied here.
    public var ops: Int
    /// Over the present connection, without TLS.
    public var bytesSent: UInt64
    public var bytesReceived: UInt64
    /// It was seen at this node's frontier with this node's state: both have the same model, to the bit.
    public var inStep: Bool

    public init(
        peer: String, name: String, address: String?, connected: Bool, member: Bool, left: Bool = false,
        successor: String? = nil, banned: String?, rttMs: Double?,
        ops: Int, bytesSent: UInt64 = 0, bytesReceived: UInt64 = 0, inStep: Bool = false
    ) {
        self.peer = peer
        self.name = name
        self.address = address
        self.connected = connected
        self.member = member
        self.left = left
        self.successor = successor
        self.banned = banned
        self.rttMs = rttMs
        self.ops = ops
        self.bytesSent = bytesSent
        self.bytesReceived = bytesReceived
        self.inStep = inStep
    }
}

/// `POST /api/peers`: vouches for a new member, and says where to dial it.
public struct PeerAddRequest: StrictDecodable, Encodable, Sendable {
    public enum CodingKeys: String, CodingKey, CaseIterable { case peer, name, address }
    public static let narrowed: [CodingKeys: JSONSchema] = [
        .peer: .peer, .address: .address,
    ]
    public var peer: String
    public var name: String?
    public var address: String?

    public init(peer: String, name: String?, address: String?) {
        self.peer = peer
        self.name = name
        self.address = address
    }
}

/// What the site's graph holds.
public struct GraphReport: Codable, Sendable, Equatable {
    public var nodes: Int
    public var edges: Int
    public var relations: Int
    /// Triples kept aside for validation and test; never walked.
    public var valid: Int
    public var test: Int

    public init(nodes: Int, edges: Int, relations: Int, valid: Int, test: Int) {
        self.nodes = nodes
        self.edges = edges
        self.relations = relations
        self.valid = valid
        self.test = test
    }
}

/// What an import did: `POST /api/graph/import?split=train|valid|test&source=&keep=&normalize=`, the body being TSV.
///
/// With a `source`, what an earlier import of the same name gave and this one lacks is removed, unless `keep` is set.
public struct ImportReport: Codable, Sendable, Equatable {
    public var split: String
    public var triples: Int
    public var newNodes: Int
    public var newRelations: Int
    public var newEdges: Int
    /// Triples that were there already.
    public var known: Int
    /// Triples that the source gave before and has no more, and graph nodes that nothing held after that.
    public var removedEdges: Int
    public var removedNodes: Int

    public init(
        split: String, triples: Int, newNodes: Int, newRelations: Int, newEdges: Int, known: Int,
        removedEdges: Int = 0, removedNodes: Int = 0
    ) {
        self.split = split
        self.triples = triples
        self.newNodes = newNodes
        self.newRelations = newRelations
        self.newEdges = newEdges
        self.known = known
        self.removedEdges = removedEdges
        self.removedNodes = removedNodes
    }
}

/// One op, as `GET /api/ops` lists them.
public struct OpReport: Codable, Sendable, Equatable {
    public var id: String
    public var author: String
    public var log: String
    public var seq: Int
    public var kind: String
    public var lamport: Int
    public var bodyBytes: Int
    public var deps: [String]
    /// Why it has no effect, if it has none.
    public var void: String?
    /// Its place in this node's own order, which differs between nodes: `before=PLACE` asks for the older ones.
    public var place: Int?

    public init(
        id: String, author: String, log: String, seq: Int, kind: String, lamport: Int, bodyBytes: Int, deps: [String],
        void: String?, place: Int? = nil
    ) {
        self.id = id
        self.author = author
        self.log = log
        self.seq = seq
        self.kind = kind
        self.lamport = lamport
        self.bodyBytes = bodyBytes
        self.deps = deps
        self.void = void
        self.place = place
    }
}

/// What `GET /api/ops/verify` found.
public struct VerifyReport: Codable, Sendable, Equatable {
    public var ops: Int
    public var bodies: Int
    /// One sentence for each op that is not what it should be.
    public var faults: [String]

    public init(ops: Int, bodies: Int, faults: [String]) {
        self.ops = ops
        self.bodies = bodies
        self.faults = faults
    }
}
