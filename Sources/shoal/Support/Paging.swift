internal import API
internal import Terminal

/// Lists that can be longer than their limit: one page of `--limit` items, or with `--all` page after page.
enum Paging {
    static let all = Flag("all", "all of them, whatever --limit says")
    /// What a node gives at once, at most, of every list.
    private static let pageSize = 1_000

    /// - Parameters:
    ///   - limit: of the first page, and the last one without `--all`.
    ///   - items: reads a page.
    ///   - place: of an item; what follows is asked for by that of the last one.
    static func list<Item>(
        _ call: Invocation, _ path: EscapedPath, _ query: [(name: String, value: String?)], limit: Int,
        items: (Reply) throws -> [Item], place: (Item) -> String?
    ) async throws -> [Item] {
        let node = try RunningNode(call)
        guard call[all] else { return try items(try await node.get(path, query + [("limit", "\(limit)")])) }
        return try await LiveRegion.show(on: call.console) { region in
            var found: [Item] = []
            var before: String?
            var row: LiveRow?
            while true {
                let reply = try await node.get(path, query + [("limit", "\(pageSize)"), ("before", before)])
                let page = try items(reply)
                found += page
                guard page.count == pageSize, let last = page.last, let next = place(last), next != before else {
                    row?.finish("all read")
                    return found
                }
                before = next
                if row == nil { row = region.row(call.command) }
                row?.progress(found.count, of: nil, .count("read"))
            }
        }
    }
}
