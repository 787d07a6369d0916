internal import API
internal import Gossip
internal import Peer
internal import Replication
internal import Session
internal import Transport

/// Metrics of the network: how full each bounded thing is, where its bound lies, and what was turned away.
extension Routes {
    static func add(_ facts: Node.NetworkFacts, _ counters: Counters, to page: inout MetricsText) {
        addBounds(facts, to: &page)
        addOverlay(facts, to: &page)
        page.single(
            "shoal_headers_received_total", .counter, "Headers that came in.", Double(counters.headersReceived))
        page.single(
            "shoal_headers_known_total", .counter, "Of these, headers that were here already.",
            Double(counters.headersKnown))
    }

    /// The bounds themselves, so that alerts can be written as a share of them.
    static func addLimits(to page: inout MetricsText) {
        page.family("shoal_limit", .gauge, "Bounds of this version, by what they bound.")
        let transport = TransportLimits()
        let limits: [(String, Int)] = [
            ("connections", NodeLimits.connections), ("guests", NodeLimits.guests),
            ("handshakes", transport.unauthenticated), ("loads_per_peer", NodeLimits.loadsPerPeer),
            ("submissions", NodeLimits.submissions), ("proofs", NodeLimits.pendingProofs),
            ("body_cache_bytes", NodeLimits.recentBodyBytes), ("unsent_bytes", transport.totalUnsent),
            ("unsent_bytes_per_peer", transport.unsent), ("logs_per_peer", GossipLimits.logsPerNeighbour),
            ("announced_missing", GossipLimits.missingAnnounced),
            ("range_answers_per_round", GossipLimits.rangeAnswersPerRound),
            ("neighbours", OverlayLimits.neighboursAtMost), ("known_sites", OverlayLimits.known),
            ("lost_sites", OverlayLimits.lost), ("heartbeat_ms", Int(SessionLimits.heartbeatMs)),
            ("missed_pings", SessionLimits.missedPings),
        ]
        for (name, value) in limits { page.sample("shoal_limit", ["of": name], Double(value)) }
        page.family("shoal_lane_limit_bytes", .gauge, "Bounds of each lane: of its queue, and of what a peer may send.")
        for lane in Lane.allCases {
            page.sample("shoal_lane_limit_bytes", ["lane": "\(lane)", "of": "queue"], Double(lane.queueLimit))
            page.sample("shoal_lane_limit_bytes", ["lane": "\(lane)", "of": "window"], Double(lane.window))
        }
    }

    private static func addBounds(_ facts: Node.NetworkFacts, to page: inout MetricsText) {
        page.single("shoal_links", .gauge, "Connections that the node handles.", Double(facts.connections))
        page.single("shoal_guests", .gauge, "Sites that redeem a ticket now.", Double(facts.guests))
        page.family("shoal_lane_queued_bytes", .gauge, "Bytes that wait for the peers' credit.")
        for lane in Lane.allCases {
            page.sample("shoal_lane_queued_bytes", ["lane": "\(lane)"], Double(facts.queued[lane]))
        }
        page.family("shoal_lane_fullest_queue_bytes", .gauge, "Of these, those of the slowest peer.")
        for lane in Lane.allCases {
            page.sample("shoal_lane_fullest_queue_bytes", ["lane": "\(lane)"], Double(facts.fullestQueue[lane]))
        }
        page.single(
            "shoal_unprocessed_bytes", .gauge, "Bytes received and not processed, of the peer with most.",
            Double(facts.mostUnprocessed))
        page.single("shoal_body_cache_bytes", .gauge, "Bodies kept for who asks next.", Double(facts.bodyCacheBytes))
        page.single(
            "shoal_bodies_outstanding", .gauge, "Bodies that are being fetched.", Double(facts.bodiesOutstanding))
        page.single(
            "shoal_body_second_sources_total", .counter,
            "Bodies asked of another neighbour, since the first did not deliver.",
            Double(facts.secondSources))
        page.single(
            "shoal_credit_waits_total", .counter, "Messages that waited until a neighbour gave credit.",
            Double(facts.creditWaits))
        page.single(
            "shoal_credit_throttled_total", .counter,
            "Messages whose credit went back later, because the neighbour sends faster than it may.",
            Double(facts.creditThrottled))
        page.single("shoal_loads_open", .gauge, "Questions to the store without an answer.", Double(facts.loadsOpen))
        page.single("shoal_submissions_waiting", .gauge, "Ops to be signed.", Double(facts.submissionsWaiting))
        page.single("shoal_fork_proofs_waiting", .gauge, "Proofs to be carried out.", Double(facts.proofsWaiting))
        page.single(
            "shoal_pool_evictions_total", .counter, "Waiting ops that had to go, or found no room.",
            Double(facts.evictions))
    }

    private static func addOverlay(_ facts: Node.NetworkFacts, to page: inout MetricsText) {
        page.single(
            "shoal_overlay_partial", .gauge, "1 while the network is too large to be connected with everybody.",
            facts.isPartial ? 1 : 0)
        page.single("shoal_overlay_neighbours", .gauge, "Peers that are pushed to.", Double(facts.neighbours))
        page.single("shoal_overlay_known", .gauge, "Other sites that could be.", Double(facts.known))
        page.single("shoal_overlay_lost", .gauge, "Sites that could not be reached.", Double(facts.lost))
        page.single("shoal_overlay_lazy_links", .gauge, "Links on which ids are announced.", Double(facts.lazyLinks))
        page.single(
            "shoal_announced_missing", .gauge, "Announced ops that have not come.", Double(facts.announcedMissing))
        let counts: [(String, String, Int)] = [
            ("shoal_overlay_visits_total", "Sites visited.", facts.overlay.visits),
            (
                "shoal_overlay_failed_dials_total", "Dials for neighbours or visits that failed.",
                facts.overlay.failedDials
            ),
            ("shoal_overlay_refused_total", "Requests to be a neighbour without room.", facts.overlay.refused),
            ("shoal_overlay_dropped_total", "Neighbours let go to make room.", facts.overlay.dropped),
            ("shoal_push_duplicates_total", "Messages of ops with nothing new of some author.", facts.push.duplicates),
            ("shoal_push_prunes_total", "PRUNEs sent.", facts.push.prunesSent),
            ("shoal_push_grafts_total", "GRAFTs sent.", facts.push.graftsSent),
            ("shoal_push_announced_total", "Ids announced to peers.", facts.push.announced),
            (
                "shoal_push_announcements_dropped_total", "Announced ids beyond what is remembered.",
                facts.push.announcementsDropped
            ),
            ("shoal_range_comparisons_total", "Large frontiers compared by ranges.", facts.exchange.comparisons),
            ("shoal_range_answers_total", "Messages about ranges answered.", facts.exchange.rangesAnswered),
            ("shoal_range_refused_total", "Messages about ranges beyond a peer's share.", facts.exchange.rangesRefused),
            (
                "shoal_logs_ignored_total", "Logs a peer has that are beyond what is remembered.",
                facts.exchange.logsIgnored
            ),
        ]
        for (name, help, value) in counts { page.single(name, .counter, help, Double(value)) }
    }
}
