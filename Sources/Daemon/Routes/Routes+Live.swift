internal import API
internal import Dashboard
internal import Gossip
internal import Identity
internal import Membership
internal import Peer
internal import Replication
internal import Synchronization
internal import Transport
internal import Wire

/// What watches a node: the dashboard, events, probes and metrics.
extension Routes {
    func addLive(to router: inout Router) {
        let routes = self
        router.get("/", needs: .nothing) { _ in Self.page }
        router.get("/healthz", needs: .nothing) { _ in .text("ok\n") }
        router.get("/readyz", needs: .nothing) { _ in try await answering { try await routes.ready() } }
        router.get("/metrics") { _ in try await answering { try await routes.metrics() } }
        router.get("/openapi.json", needs: .nothing) { _ in try routes.document.response() }
        router.get("/api/events") { request in
            let seen = (request.headers["Last-Event-ID"] ?? request.query["since"]).flatMap { UInt64($0) }
            guard let stream = routes.feed.watch(since: seen) else {
                throw Problem.unavailable("\(EventFeed.watchers) watchers are there already", remedy: "close one")
            }
            return .events { writer in
                for await event in stream { try await writer.send(event) }
            }
        }
    }

    /// Made once all routes are there.
    final class OpenAPIDocument: Sendable {
        private let bytes = Mutex<[UInt8]>([])

        func describe(_ router: Router) throws(Problem) {
            let made = try OpenAPI.document(
                title: "shoal", version: ShoalVersion.current, routes: router.routes, Descriptions.all)
            bytes.withLock { $0 = made }
        }

        func response() throws(Problem) -> Response {
            Response(contentType: "application/json", bytes.withLock { $0 })
        }
    }

    /// The dashboard: one page, nothing from elsewhere. It asks for a token itself where one is needed.
    private static let page: Response = {
        var response = Response.text(
            String(
                decoding: UnsafeBufferPointer(start: shoal_dashboard.bytes, count: shoal_dashboard.count), as: UTF8.self
            ))
        response.headers["Content-Type"] = "text/html; charset=utf-8"
        // Script and style stand in the page; nothing may be loaded, framed or sent elsewhere.
        response.headers["Content-Security-Policy"] =
            "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'; "
            + "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Cache-Control"] = "no-cache"
        return response
    }()

    /// 200 when the node applies ops and its database answers; else 503 and why.
    private func ready() async throws -> Response {
        let stopped = try await host.ask { $0.stopped }
        if let stopped { throw Problem.unavailable("the node has stopped applying ops: \(stopped)") }
        if let trouble = database.trouble { throw Problem.unavailable(trouble) }
        guard try await graphs.glance() != nil else {
            throw Problem.unavailable("the database does not answer", remedy: "the node goes on when it does")
        }
        return .text("ready\n")
    }

    private func metrics() async throws -> Response {
        var page = MetricsText()
        let core = try await host.ask { node in
            (
                counters: node.counters, frontier: node.summary.frontier.opCount, waiting: node.replica.waitingCount,
                waitingBytes: node.replica.waitingBytes, members: node.state.members.count,
                forks: node.replica.forks.count, logs: node.summary.frontier.heads.count, status: node.status,
                isWell: node.stopped == nil, facts: node.facts
            )
        }
        let names = peers.names
        page.single("shoal_up", .gauge, "1 while the node applies ops.", core.isWell ? 1 : 0)
        page.family("shoal_build_info", .gauge, "The version that runs.")
        page.sample("shoal_build_info", ["version": ShoalVersion.current], 1)
        page.single("shoal_uptime_seconds", .gauge, "Since the node serves.", site.uptime)
        Self.add(core.counters, to: &page)
        page.single("shoal_frontier_ops", .gauge, "Ops with effect in all logs.", Double(core.frontier))
        page.single("shoal_logs", .gauge, "Logs known.", Double(core.logs))
        page.single("shoal_forked_logs", .gauge, "Logs with a proven fork.", Double(core.forks))
        page.single("shoal_waiting_ops", .gauge, "Ops that wait for their past or body.", Double(core.waiting))
        page.single("shoal_waiting_bytes", .gauge, "Bytes of waiting ops.", Double(core.waitingBytes))
        page.single("shoal_members", .gauge, "Members of the network.", Double(core.members))
        Self.add(core.facts, core.counters, to: &page)
        Self.addLimits(to: &page)
        Self.add(core.status, names: names, to: &page)
        Self.add(try await host.counters, to: &page)
        let (known, isCurrent) = try await lastKnown.facts(
            age: graphs.age, graph: { try await graphs.glance() }, bytes: { try await database.bytes() },
            models: { try await models.list() })
        page.single("shoal_database_up", .gauge, "1 while the database answers.", isCurrent ? 1 : 0)
        page.single("shoal_database_bytes", .gauge, "Size of the database.", Double(known.bytes))
        page.single("shoal_graph_nodes", .gauge, "Graph nodes of this site.", Double(known.graph.nodes))
        page.single("shoal_graph_edges", .gauge, "Edges of this site.", Double(known.graph.edges))
        Self.add(known.models, to: &page)
        page.single("shoal_event_watchers", .gauge, "Clients of /api/events.", Double(feed.watcherCount))
        Self.add(requests.counts, to: &page)
        Self.addProcess(to: &page)
        var response = Response.text(page.text)
        response.headers["Content-Type"] = MetricsText.contentType
        return response
    }

    private static func add(_ counters: Counters, to page: inout MetricsText) {
        page.single("shoal_ops_applied_total", .counter, "Ops applied.", Double(counters.opsApplied))
        page.single("shoal_ops_void_total", .counter, "Applied ops that have no effect.", Double(counters.opsVoid))
        page.single("shoal_forks_total", .counter, "Forks proven.", Double(counters.forks))
        page.single("shoal_batches_total", .counter, "Transactions that stored ops.", Double(counters.batches))
        page.single("shoal_bodies_fetched_total", .counter, "Bodies fetched.", Double(counters.bodiesFetched))
        page.single(
            "shoal_body_received_bytes_total", .counter, "Bytes of bodies that came in.",
            Double(counters.bodyBytesReceived))
        page.single(
            "shoal_body_useful_bytes_total", .counter, "Of these, bytes that were needed.",
            Double(counters.bodyBytesUseful))
        page.family("shoal_refused_total", .counter, "Ops refused or void and links ended, by code.")
        for (code, count) in counters.refused.sorted(by: { $0.key < $1.key }) {
            page.sample("shoal_refused_total", ["code": code], Double(count))
        }
    }

    private static func add(_ peers: [Node.PeerStatus], names: [PeerID: String], to page: inout MetricsText) {
        func each(_ name: String, _ kind: MetricsText.Kind, _ help: String, _ value: (Node.PeerStatus) -> Double?) {
            page.family(name, kind, help)
            for peer in peers where !peer.hasLeft {
                guard let value = value(peer) else { continue }
                page.sample(name, ["peer": peer.id.short, "name": names[peer.id] ?? peer.name], value)
            }
        }
        each("shoal_peer_connected", .gauge, "1 while there is a connection.") { $0.isConnected ? 1 : 0 }
        each("shoal_peer_in_step", .gauge, "1 while it has the same ops and state.") { $0.isInStep ? 1 : 0 }
        each("shoal_peer_ops", .gauge, "Ops by this member that are applied here.") { Double($0.ops) }
        each("shoal_peer_rtt_seconds", .gauge, "Round trip of the last minute.") { $0.roundTripMs.map { $0 / 1_000 } }
        each("shoal_peer_sent_bytes_total", .counter, "Over the present connection.") { Double($0.bytesSent) }
        each("shoal_peer_received_bytes_total", .counter, "Over the present connection.") { Double($0.bytesReceived) }
    }

    private static func add(_ counters: TransportCounters, to page: inout MetricsText) {
        page.single("shoal_connections", .gauge, "Open connections to peers.", Double(counters.open))
        page.single("shoal_handshaking", .gauge, "Connections in their TLS handshake.", Double(counters.handshaking))
        page.single("shoal_accepted_total", .counter, "TCP connections accepted.", Double(counters.accepted))
        page.single("shoal_dialed_total", .counter, "Dials begun.", Double(counters.dialed))
        page.single("shoal_handshakes_total", .counter, "TLS handshakes completed.", Double(counters.handshakes))
        page.single("shoal_sent_bytes_total", .counter, "TCP payload sent to peers.", Double(counters.rawSent))
        page.single(
            "shoal_received_bytes_total", .counter, "TCP payload received from peers.", Double(counters.rawReceived))
        page.single("shoal_unsent_bytes", .gauge, "Bytes that wait to be sent.", Double(counters.unsent))
        page.family("shoal_transport_failures_total", .counter, "Failed dials, handshakes and connections, by reason.")
        for code in TransportError.Code.allCases where counters[code] > 0 {
            page.sample("shoal_transport_failures_total", ["code": code.rawValue], Double(counters[code]))
        }
    }

    private static func add(_ models: [ModelReport], to page: inout MetricsText) {
        page.family("shoal_model_sites", .gauge, "Sites that announced rows of the model.")
        for model in models { page.sample("shoal_model_sites", ["agent": model.agent], Double(model.sites)) }
        page.family("shoal_model_validation_mrr", .gauge, "MRR on the site's own validation questions.")
        for model in models {
            guard let served = model.served else { continue }
            let values = [("merged", Double?.some(served.mergedMrr)), ("adapted", served.adaptedMrr)]
            for (weights, value) in values {
                guard let value else { continue }
                page.sample("shoal_model_validation_mrr", ["agent": model.agent, "weights": weights], value)
            }
        }
        page.family("shoal_model_loss", .gauge, "Mean training loss of the latest run, nats.")
        for model in models {
            guard let loss = model.training?.loss else { continue }
            page.sample("shoal_model_loss", ["agent": model.agent], loss)
        }
    }

    private static func add(_ counts: RequestCounts.Counts, to page: inout MetricsText) {
        page.family("shoal_http_requests_total", .counter, "Requests answered.")
        for (key, count) in counts.requests.sorted(by: {
            ($0.key.method, $0.key.status) < ($1.key.method, $1.key.status)
        }) {
            page.sample(
                "shoal_http_requests_total", ["method": key.method, "status": "\(key.status)"], Double(count))
        }
        let name = "shoal_http_request_duration_seconds"
        page.family(name, .histogram, "From the request line to the end of the answer.")
        for (bound, count) in zip(RequestCounts.bounds, counts.buckets) {
            page.sample("\(name)_bucket", ["le": "\(bound)"], Double(count))
        }
        page.sample("\(name)_bucket", ["le": "+Inf"], Double(counts.answered))
        page.sample("\(name)_sum", [:], counts.seconds)
        page.sample("\(name)_count", [:], Double(counts.answered))
    }

    private static func addProcess(to page: inout MetricsText) {
        let facts = ProcessFacts()
        page.single("process_cpu_seconds_total", .counter, "Processor time of this process.", facts.cpuSeconds)
        if let bytes = facts.residentBytes {
            page.single("process_resident_memory_bytes", .gauge, "Memory of this process.", bytes)
        }
        if let files = facts.openFiles { page.single("process_open_fds", .gauge, "Open files.", files) }
        if let files = facts.maxFiles { page.single("process_max_fds", .gauge, "Files it may open.", files) }
    }
}
