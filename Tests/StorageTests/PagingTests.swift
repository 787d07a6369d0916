import Testing
import Wire

@testable import Storage

/// A list is the same whether it is read at once or page by page.
@Suite struct PagingTests {
    private let graph: GraphFixture
    private var store: GraphStore { graph.store }

    init() throws {
        graph = try GraphFixture()
        // Names that are alike for longer than an order by names looks.
        let long = String(repeating: "x", count: 100)
        var lines = ""
        for number in 0..<9 {
            lines += "hub\tr\(number % 3)\t\(long)\(number)\n\(long)\(number)\t\(long)\thub\n"
        }
        try graph.add(lines + "hub\tr0\thub\n")
    }

    /// All items, page by page.
    private func whole<Item>(
        by limit: Int, _ page: (ListPlace?) throws -> [Placed<Item>]
    ) throws -> [Item] {
        var items: [Item] = []
        var place: ListPlace?
        while true {
            let page = try page(place)
            #expect(page.count <= limit)
            items += page.map(\.item)
            guard let last = page.last else { return items }
            // As it travels.
            let carried: ListPlace = try #require(ListPlace(last.place.text))
            place = carried
            try #require(items.count < 1_000, "it goes in circles")
        }
    }

    @Test(arguments: [1, 2, 7, 100])
    func `every edge of a graph node is on one page`(limit: Int) throws {
        let hub = try graph.id("hub")
        let all = try store.edges(of: hub)
        #expect(all.count == 19)
        let paged = try whole(by: limit) { try #require(try store.edges(of: hub, after: $0, limit: limit)) }
        #expect(paged == all)
        let shown = try whole(by: limit) { try store.detail(of: "hub", after: $0, limit: limit).edges }
        #expect(shown == all)
    }

    @Test(arguments: [1, 3, 100])
    func `every view of an agent is on one page, equal weights too`(limit: Int) throws {
        let names = try graph.nodes()
        for agent in ["anna", "bob"] {
            _ = try store.addAgent(agent)
            for (index, name) in names.enumerated() {
                for context in [nil, "hub"] {
                    _ = try store.setPerspective(
                        of: agent, on: name, weight: [0.1, -0.1, 0, 1][index % 4], context: context, reasoning: nil)
                }
                for relation in ["likes", "r\u{20AC}"] {
                    _ = try store.setAssociation(
                        of: agent, from: name, relation: relation, to: "hub", weight: [0.3, -0.3][index % 2],
                        reasoning: nil)
                }
            }
        }
        let perspectives = try store.perspectives(limit: 1_000)
        #expect(perspectives.count == 4 * names.count)
        #expect(perspectives.map { abs($0.weight) } == perspectives.map { abs($0.weight) }.sorted(by: >))
        #expect(
            try whole(by: limit) { try store.perspectives(of: nil, on: nil, after: $0, limit: limit) } == perspectives)
        let bobs = try store.perspectives(of: "bob", on: "hub", limit: 1_000)
        #expect(bobs.count == 2)
        #expect(try whole(by: limit) { try store.perspectives(of: "bob", on: "hub", after: $0, limit: limit) } == bobs)
        let associations = try store.associations(limit: 1_000)
        #expect(associations.count == 4 * names.count)
        #expect(
            try whole(by: limit) { try store.associations(of: nil, touching: nil, after: $0, limit: limit) }
                == associations)
    }

    @Test func `what is added and removed between two pages neither repeats nor hides another`() throws {
        _ = try store.addAgent("anna")
        let names = try graph.nodes()
        for (index, name) in names.enumerated() {
            _ = try store.setPerspective(
                of: "anna", on: name, weight: 1 - Double(index) / 100, context: nil, reasoning: nil)
        }
        let all = try store.perspectives()
        let first = try store.perspectives(of: nil, on: nil, after: nil, limit: 4)
        #expect(first.map(\.item) == Array(all[..<4]))
        // The place itself goes, one comes before it, one behind it goes.
        _ = try store.removePerspectives(of: "anna", on: all[3].node.name, context: nil)
        _ = try store.removePerspectives(of: "anna", on: all[6].node.name, context: nil)
        _ = try store.setPerspective(of: "anna", on: "hub", weight: 1, context: "hub", reasoning: nil)
        let rest = try store.perspectives(of: nil, on: nil, after: first[3].place, limit: 100)
        #expect(rest.map(\.item) == all[4...].filter { $0 != all[6] })
    }

    @Test func `a place that no list has given is refused`() throws {
        for text in ["", "0", "zz", "a", "ff", String(repeating: "00", count: ListPlace.maxDigits)] {
            #expect(ListPlace(text) == nil, "\(text.prefix(8))")
        }
        let hub = try graph.id("hub")
        let foreign = [
            ListPlace(["x"]), ListPlace(["nan", "a", "b", hub.rawValue.digits, hub.rawValue.digits]),
            ListPlace(["1e999", "a", "b", hub.rawValue.digits, hub.rawValue.digits]),
            ListPlace(["1", "a", "b", "'; DROP TABLE nodes; --", hub.rawValue.digits]),
            ListPlace(["2", "a", "b", "c", "d", "e", "f"]), ListPlace(Array(repeating: "", count: 7)),
        ]
        for place in foreign {
            #expect(requestError { try store.perspectives(of: nil, on: nil, after: place, limit: 5) } == .place)
            #expect(requestError { try store.associations(of: nil, touching: nil, after: place, limit: 5) } == .place)
            #expect(requestError { try store.detail(of: "hub", after: place) } == .place)
        }
        let history = LedgerHistory(store.connection, schema: "shoal")
        for place in foreign { #expect(try history.movements(of: nil, after: place, limit: 5) == nil) }
    }
}
