import API
import Foundation
import Testing

@testable import Harness

extension ClusterTests {
    /// Long lists, as a program asks a real node for them, and as a person does.
    @Suite struct PagingTests {
        /// One list of the API: what it is asked with, and how its items look.
        private struct List {
            let path: EscapedPath
            var query: [(name: String, value: String?)] = []
            let items: (Reply) throws -> [(text: String, place: String?)]
        }

        private static func list<Item: Codable>(
            _ path: EscapedPath, _ query: [(name: String, value: String?)] = [], _ type: [Item].Type,
            _ place: @escaping (Item) -> String?
        ) -> List {
            List(path: path, query: query) { reply in
                let items: [Item] = try reply.json([Item].self)
                return try items.map { (String(decoding: try JSON.encode($0), as: UTF8.self), place($0)) }
            }
        }

        private static var lists: [List] {
            [
                list("/api/ops", [], [OpReport].self) { $0.place.map { "\($0)" } },
                list("/api/koi/history", [], [KoiMovementReport].self) { $0.place },
                list("/api/perspectives", [], [PerspectiveReport].self) { $0.place },
                list("/api/associations", [], [AssociationReport].self) { $0.place },
                List(path: "/api/graph/node", query: [("node", "hub")]) { reply in
                    try reply.json(NodeDetailReport.self).edges.map {
                        ("\($0.head) \($0.relation) \($0.tail)", $0.place)
                    }
                },
            ]
        }

        private func pages(_ list: List, of client: HTTPClient, by limit: Int) async throws -> [String] {
            var found: [String] = []
            var before: String?
            while true {
                let reply = try await client.send(
                    Call(.get, list.path, query: list.query + [("limit", "\(limit)"), ("before", before)]))
                let page = try list.items(reply)
                #expect(page.count <= limit)
                found += page.map(\.text)
                guard let last = page.last else { return found }
                let next: String = try #require(last.place, "every item says where it stands")
                before = next
                try #require(found.count < 10_000, "it goes in circles")
            }
        }

        @Test func `every list that can be long is read page by page, and no page is asked for in vain`() async throws {
            try await TestCluster.with(["a", "b"]) { test in
                let a = try test["a"]
                try await test.teach(["a", "b"])
                try await test.agree()
                try await a.importTriples((0..<1_203).map { "hub\tr\($0 % 5)\tspoke\($0)\n" }.joined())
                let client = try a.client()
                for agent in ["anna", "bob"] {
                    let _: AgentReport = try await client.post("/api/agents", AgentAddRequest(name: agent))
                    for number in 0..<9 {
                        let weight = [0.5, -0.5, 1][number % 3]
                        let seen = PerspectiveRequest(agent: agent, node: "spoke\(number)", weight: weight)
                        let link = AssociationRequest(
                            agent: agent, source: "hub", target: "spoke\(number)", weight: weight)
                        _ = try await client.send(Call(.put, "/api/perspectives", body: try Self.body(seen)))
                        _ = try await client.send(Call(.put, "/api/associations", body: try Self.body(link)))
                    }
                }
                for list in Self.lists {
                    // Votes may come in between.
                    try await eventually("\(list.path.text) is the same by any limit") {
                        let all = try await pages(list, of: client, by: 1_000)
                        #expect(all.count > 1 && Set(all).count == all.count, "\(list.path.text)")
                        return try await pages(list, of: client, by: all.count > 100 ? 100 : 2) == all
                    }
                }
                try await hostile(client)
                try await typed(a)
            }
        }

        private static func body(_ value: some Encodable) throws -> Call.Body {
            .bytes(try JSON.encode(value), contentType: "application/json")
        }

        /// What no list has given is refused with the field that is wrong, and the node goes on.
        private func hostile(_ client: HTTPClient) async throws {
            let places = [
                "", "x", "-1", "9999999999999999999999", "00", "ff", "zz", "%00", "' OR 1=1 --",
                String(repeating: "61", count: 1_500),
                "6e616e00610062003030303030303030303030303030303030303030303030303030303030303030",
            ]
            for list in Self.lists {
                for place in places {
                    let what = Comment("\(list.path.text) before=\(place.prefix(20))")
                    do throws(APIError) {
                        _ = try await client.send(Call(.get, list.path, query: list.query + [("before", place)]))
                        // A number is a place of the ops, however far from any.
                        #expect(list.path.text == "/api/ops" && Int(place) != nil, what)
                    } catch {
                        guard case .refused(let problem) = error else { throw error }
                        #expect(problem.status == 400 || problem.status == 422, what)
                        #expect(
                            problem.field == "before" && problem.remedy != nil || list.path.text == "/api/ops", what)
                    }
                }
            }
            // A place of one list is none of another.
            let ops: [KoiMovementReport] = try await client.get("/api/koi/history")
            let foreign = try #require(ops.first?.place)
            await #expect(throws: APIError.self) {
                let _: [PerspectiveReport] = try await client.get("/api/perspectives", query: [("before", foreign)])
            }
            let status: StatusReport = try await client.get("/api/status")
            #expect(status.trouble == nil)
        }

        /// The commands: a limit, and all.
        private func typed(_ a: ClusterNode) async throws {
            let some: NodeDetailReport = try await shoal(a, "graph", "show", "hub", "--limit", "5")
            #expect(some.edges.count == 5 && some.edgeCount == 1_203)
            let whole: NodeDetailReport = try await shoal(a, "graph", "show", "hub", "--all")
            #expect(whole.edges.count == 1_203 && Set(whole.edges.map(\.tail)).count == 1_203)
            let seen: [PerspectiveReport] = try await shoal(a, "perspective", "list", "--all", "--limit", "3")
            #expect(seen.count == 18)
            let links: [AssociationReport] = try await shoal(a, "associations", "list", "--limit", "3")
            #expect(links.count == 3)
            let moved: [KoiMovementReport] = try await shoal(a, "koi", "history", "--all")
            #expect(!moved.isEmpty)
            let ops: [OpReport] = try await shoal(a, "ops", "list", "--all")
            #expect(try await a.status().ops == ops.count)
        }
    }
}
