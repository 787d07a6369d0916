internal import API
internal import Gossip
internal import Identity
internal import Membership
internal import Peer
internal import Replication
internal import Storage
internal import Synchronization
internal import Transport
internal import Wire

extension Routes {
    func addStatus(to router: inout Router) {
        let routes = self
        router.get("/api/status") { _ in try await answering { .json(try await routes.status()) } }
    }

    func addPeers(to router: inout Router) {
        let peers = peers
        router.get("/api/peers") { _ in try await answering { .json(try await peers.list()) } }
        router.post("/api/peers") { request in
            try await answering { .json(try await peers.add(try request.json()), status: 201) }
        }
    }

    func addOps(to router: inout Router) {
        let ops = ops
        router.get("/api/ops") { request in
            try await answering {
                let limit = try Self.choice(request, "limit", 50) { Int($0).flatMap { (1...1_000) ~= $0 ? $0 : nil } }
                let before = try request.query.integer("before", in: 0...Int.max).map { UInt64($0) }
                return .json(
                    try await ops.list(
                        limit: limit, before: before, kind: request.query["kind"], author: request.query["author"]))
            }
        }
        router.get("/api/ops/verify") { _ in try await answering { .json(try await ops.verify()) } }
        router.get("/api/ops/export") { _ in try await answering { ops.export(.envelopes) } }
        router.get("/api/ops/export-bodies") { _ in try await answering { ops.export(.bodies) } }
        router.get("/api/ops/:id") { request in
            try await answering { .json(try await ops.show(request[parameter: "id"])) }
        }
    }

    func status() async throws -> StatusReport {
        let facts = site
        let core = try await host.ask { node in
            (
                peer: node.identity.peerID, network: node.network, frontier: node.summary.frontierDigest,
                state: node.summary.stateDigest, ops: node.summary.frontier.opCount, waiting: node.replica.waitingCount,
                members: node.state.members.count, refused: node.counters.refused, stopped: node.stopped,
                isMember: node.state.members.contains(node.identity.peerID),
                hasLeft: node.state.members.hasLeft(node.identity.peerID),
                successor: node.state.members.successor(of: node.identity.peerID), isAlone: node.peers.isEmpty,
                turnedAway: node.turnedAway
            )
        }
        let counters = try await host.counters
        let (known, isCurrent) = try await lastKnown.facts(
            age: graphs.age, graph: { try await graphs.glance() }, bytes: { try await database.bytes() },
            models: { try await models.list() })
        let disk = try await lastKnown.disk { try await database.diskUse(of: core.network) }
        let trouble: String? =
            if let stopped = core.stopped {
                "the node has stopped applying ops: \(stopped)"
            } else if let next = core.successor {
                try await rotation.report().state == "stolen"
                    ? "this site's key was passed on to \(next.short)…, which is not here: somebody else has it. Have the "
                        + "others run `shoal peers revoke \(core.peer.hex)`, and join anew"
                    : "this site goes on as \(next.short)… when the others have given it the vote"
            } else if core.hasLeft {
                "this site leaves \(facts.network): its node ends when the others can do without it"
            } else if core.isAlone, let (peer, words) = core.turnedAway.first {
                "\(peer.short)… turns this site away: \(words)"
            } else if !core.isMember {
                "this site is not a member yet: ask a member to run `shoal peers add \(core.peer.hex)`"
            } else {
                database.trouble ?? (isCurrent ? nil : "the database does not answer; the node goes on when it does")
            }
        return StatusReport(
            name: facts.name, peer: core.peer.hex, network: .init(id: core.network.hex, name: facts.network),
            version: ShoalVersion.current, uptimeSeconds: facts.uptime, trouble: trouble, listen: facts.listen,
            http: facts.http.withLock { $0 },
            frontierDigest: core.frontier.hex, stateDigest: core.state.hex, ops: Int(core.ops), waiting: core.waiting,
            members: core.members, peers: try await peers.list(), models: known.models,
            graph: known.graph,
            database: .init(
                kind: database.isPrivate ? "private" : "external", bytes: known.bytes, opBytes: disk.envelopes,
                bodyBytes: disk.bodies, sumsBytes: disk.sums, droppedBytes: disk.dropped),
            traffic: .init(bytesSent: counters.rawSent, bytesReceived: counters.rawReceived), refused: core.refused)
    }
}
