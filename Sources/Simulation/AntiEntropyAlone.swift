internal import Gossip
internal import Identity
internal import Replication
internal import Wire

/// How long comparing frontiers takes to bring one op to everybody when nothing is pushed: the production machine, every
/// ten seconds with one neighbour, over a network without delays.
public struct AntiEntropyAlone {
    private var nodes: [OpExchange]
    private let peers: [PeerID]
    private var places: [PeerID: Int] = [:]
    private var has: [Bool]
    private let without: Summary
    private let with: Summary
    private let key: LogKey

    /// Neighbours: everybody, or in networks beyond `everybody` six on average, as an overlay has.
    ///
    /// - Returns: rounds of ten seconds until the last of `nodes` has the op, a part of one counted whole.
    public static func rounds(nodes: Int, seed: UInt64) -> Int {
        var network = AntiEntropyAlone(nodes, seed)
        return network.run()
    }

    private init(_ count: Int, _ seed: UInt64) {
        var random = Random(seed: seed)
        let peers = (0..<count).map { PeerID(Bytes(repeating: 0, count: 24) + UInt64($0 + 1).bigEndianBytes)! }
        self.peers = peers
        key = LogKey(author: peers[0], log: LogID(rawValue: 1))
        without = Summary(frontier: Frontier(), stateDigest: .zero)
        var frontier = Frontier()
        frontier[key] = Frontier.Head(seq: 1, id: OpID(peers[0].bytes)!)
        with = Summary(frontier: frontier, stateDigest: .zero)
        has = Array(repeating: false, count: count)
        nodes = []
        for (place, peer) in peers.enumerated() {
            places[peer] = place
            // Rounds of different nodes have nothing in common.
            let start = Instant(milliseconds: UInt64(random.below(GossipLimits.antiEntropyMs)))
            nodes.append(OpExchange(summary: without, random: random.split(), now: start))
        }
        for place in 1..<count {
            let others =
                count <= OverlayLimits.everybody
                ? Array(0..<place) : Set((0..<OverlayLimits.neighbours / 2).map { _ in random.below(place) }).sorted()
            for other in others {
                _ = nodes[place].connected(peers[other], frontier: without.frontierDigest, state: .zero)
                _ = nodes[other].connected(peers[place], frontier: without.frontierDigest, state: .zero)
            }
        }
    }

    private mutating func run() -> Int {
        let start = UInt64(GossipLimits.antiEntropyMs)
        has[0] = true
        _ = nodes[0].advanced(to: with, new: [], headersThrough: { _ in 1 }, now: Instant(milliseconds: start))
        while has.contains(false) {
            let next = nodes.indices.min { nodes[$0].nextDeadline < nodes[$1].nextDeadline }!
            now = nodes[next].nextDeadline
            carryOut(nodes[next].tick(now: now, headersThrough: known(next)), of: next)
        }
        return Int((now.milliseconds - start + start - 1) / start)
    }

    private var now = Instant(milliseconds: 0)

    private func known(_ node: Int) -> (LogKey) -> UInt64 {
        let seq: UInt64 = has[node] ? 1 : 0
        return { _ in seq }
    }

    private mutating func carryOut(_ effects: [OpExchange.Effect], of node: Int) {
        let summary = has[node] ? with : without
        for effect in effects {
            switch effect {
            case .sendSummary(let peer):
                let other = places[peer]!
                let answer = nodes[other].receivedSummary(
                    from: peers[node], frontier: summary.frontierDigest, state: .zero)
                carryOut(answer, of: other)
            case .sendFrontier(let peer):
                let other = places[peer]!
                let entries = summary.frontier.sorted.map { OpExchange.Place(key: $0.key, seq: $0.head.seq) }
                let answer = nodes[other].receivedFrontier(
                    from: peers[node], digest: summary.frontierDigest, state: .zero, entries: entries, last: true,
                    headersThrough: known(other), now: now)
                carryOut(answer, of: other)
            case .sendPull(let peer, let ranges):
                let other = places[peer]!
                guard !nodes[other].servable(ranges).isEmpty, !has[node] else { continue }
                has[node] = true
                let place = [(key: key, seq: UInt64(1))]
                carryOut(
                    nodes[node].receivedOps(from: peer, place, headersThrough: { _ in 1 }, now: now), of: node)
                carryOut(nodes[node].advanced(to: with, new: [], headersThrough: { _ in 1 }, now: now), of: node)
            // Nothing is pushed, and one log is no large frontier.
            case .sendOps, .sendRanges, .tree, .diverged: continue
            }
        }
    }
}
