internal import API
internal import Synchronization

/// Writes down every op that any node shows, while it runs: what a node shows is durable there, and must never be lost.
final class Witness: Sendable {
    /// Author and log of an op, by its id.
    private let seen = Mutex<[String: String]>([:])
    private let cluster: Cluster
    private static let page = 200

    init(_ cluster: Cluster) { self.cluster = cluster }

    /// Different ops seen so far.
    var count: Int { seen.withLock { $0.count } }

    /// Looks again and again, until it is cancelled.
    func watch() async {
        while !Task.isCancelled {
            for node in (try? cluster.nodes) ?? [] where node.isAlive && !node.isPaused { await look(at: node) }
            try? await Task.sleep(for: .seconds(1))
        }
    }

    /// Reads back to the first page without news. A node that does not answer is looked at the next time.
    private func look(at node: ClusterNode) async {
        var before: Int?
        while let page = try? await Self.page(of: node, before: before, patience: .seconds(3)), let last = page.last {
            let isNews = seen.withLock { seen in
                let old = seen.count
                for op in page { seen[op.id] = op.author }
                return seen.count > old
            }
            guard isNews, page.count == Self.page else { return }
            before = last.place
        }
    }

    /// Every op of a node, by id, with its author.
    func all(at node: ClusterNode) async throws -> [String: String] {
        var all: [String: String] = [:]
        var before: Int?
        while true {
            let page = try await Self.page(of: node, before: before, patience: .seconds(30))
            for op in page { all[op.id] = op.author }
            guard page.count == Self.page, let last = page.last else { return all }
            before = last.place
        }
    }

    /// What was seen and is not in `held`, as ids.
    func missing(from held: [String: String]) -> [String] {
        seen.withLock { seen in seen.keys.filter { held[$0] == nil }.sorted() }
    }

    private static func page(of node: ClusterNode, before: Int?, patience: Duration) async throws -> [OpReport] {
        var call = Call(.get, "/api/ops", query: [("limit", "\(page)"), ("before", before.map { "\($0)" })])
        call.timeout = patience
        return try await node.client().json(call)
    }
}
