public import Gossip
internal import Identity
internal import Replication
public import Session

extension Node {
    /// What fills up and what was turned away, for metrics: each bound of protocol §9 that lies within the node.
    public struct NetworkFacts: Sendable {
        /// Connections with peers and guests, past their handshake or in it.
        public let connections: Int
        public let guests: Int
        /// Bytes that wait for the peers' credit, over all connections, and the fullest queue of a lane.
        public let queued: PerLane<Int>
        /// Messages that waited for credit, since the start.
        public let creditWaits: Int
        public let creditThrottled: Int
        public let fullestQueue: PerLane<Int>
        /// Bytes that came in and were not processed yet, of the connection with most.
        public let mostUnprocessed: Int
        public let bodyCacheBytes: Int
        public let bodiesOutstanding: Int
        public let secondSources: Int
        public let loadsOpen: Int
        public let waitingBodyBytes: Int
        public let evictions: Int
        public let submissionsWaiting: Int
        public let proofsWaiting: Int
        /// Whether the network is so large that not everybody is connected with everybody.
        public let isPartial: Bool
        public let neighbours: Int
        public let known: Int
        public let lost: Int
        public let lazyLinks: Int
        public let announcedMissing: Int
        public let exchange: ExchangeCounters
        public let push: PushCounters
        public let overlay: OverlayCounters
    }

    public var facts: NetworkFacts {
        let links = connections.values.map(\.link)
        return NetworkFacts(
            connections: connections.count, guests: connections.values.count { $0.guest != nil },
            queued: PerLane { lane in links.reduce(0) { $0 + $1.queued(on: lane) } },
            creditWaits: links.reduce(counters.creditWaits) { $0 + $1.metrics.waited },
            creditThrottled: links.reduce(counters.creditThrottled) { $0 + $1.metrics.throttled },
            fullestQueue: PerLane { lane in links.reduce(0) { max($0, $1.queued(on: lane)) } },
            mostUnprocessed: links.reduce(0) { max($0, $1.unprocessed) }, bodyCacheBytes: recentBodies.bytes,
            bodiesOutstanding: bodies.outstanding, secondSources: bodies.secondSources, loadsOpen: loads.count,
            waitingBodyBytes: replica.waitingBytes,
            evictions: replica.evictions, submissionsWaiting: submissions.count, proofsWaiting: pendingProofs.count,
            isPartial: overlay.isPartial, neighbours: overlay.neighbours.count, known: overlay.knownCount,
            lost: overlay.lostCount, lazyLinks: ops.tree.lazyCount, announcedMissing: ops.tree.missingCount,
            exchange: ops.counters, push: ops.tree.counters, overlay: overlay.counters)
    }
}
