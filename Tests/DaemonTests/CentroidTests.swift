import API
import Graph
import Search
import Storage
import Testing
import Wire

@testable import Daemon

@Suite struct CentroidTests {
    /// Thirty pages in a ring of links, and a model that has trained on them.
    private func site() async throws -> PlayedSite {
        let site = try await PlayedSite()
        let pages = (0..<30).map { (name: "p\($0)", content: "Page \($0)\nabout number\($0) and common things") }
        let links = (0..<30).map { (source: "p\($0)", target: "p\(($0 + 1) % 30)", text: "next\($0)") }
        try await site.add(pages: pages, links: links)
        _ = try await site.models.create(ModelCreateRequest(agent: "docs", dim: 16, heads: 2))
        #expect(try await site.train(TrainRequest(agent: "docs", rounds: 4, steps: 20, batch: 16)).state == "done")
        return site
    }

    /// Searches from one page, and takes what is wanted wherever it stands.
    private func choose(_ site: PlayedSite, from page: String, _ wanted: String, times: Int) async throws {
        for _ in 0..<times {
            let report = try await site.searches.search(
                SearchRequest(query: "common things", agent: "docs", context: [page], limit: 30, formula: .text))
            let hit = try #require(report.hits.first { $0.name == wanted })
            _ = try await site.searches.select(FeedbackRequest(inference: hit.inference))
        }
    }

    @Test func `what is chosen from a place again and again comes first there, and nowhere else`() async throws {
        let site = try await site()
        defer { site.end() }
        let request = SearchRequest(query: "common", agent: "docs", context: ["p3"], limit: 30, why: true)
        let before = try await site.searches.search(request)
        #expect(before.hits.allSatisfy { $0.pattern == nil && $0.why?["pattern"] == nil })
        try await choose(site, from: "p3", "p20", times: 6)
        #expect(try await site.count("trajectories") == 6)
        let none = try await site.searches.search(request)
        #expect(none.hits.allSatisfy { $0.pattern == nil }, "nothing is found before it is looked for")

        let report = try await site.searches.centroids.mine(CentroidMineRequest())
        #expect(report == CentroidMineReport(trajectories: 6, readable: 6, centroids: 1, applied: 1))
        let listed = try #require(try await site.searches.centroids.list(agent: "docs").first)
        #expect(listed.size == 6 && listed.applied && abs(listed.confidence - 6.0 / 7) < 1e-9)
        #expect(listed.words.contains("p3") && listed.words.hasSuffix("p20") == false)
        #expect(listed.words.contains("to near p20"))

        let after = try await site.searches.search(request)
        let hit = try #require(after.hits.first { $0.name == "p20" })
        #expect(hit.pattern == listed.id && hit.why?["pattern"] ?? 0 > 1)
        for other in after.hits where other.name != "p20" {
            #expect(other.why?["pattern"] ?? 0 < hit.why?["pattern"] ?? 0)
        }
        var elsewhere = request
        elsewhere.context = ["p15"]
        #expect(try await site.searches.search(elsewhere).hits.allSatisfy { $0.pattern == nil })
        var nowhere = request
        nowhere.context = []
        #expect(try await site.searches.search(nowhere).hits.allSatisfy { $0.pattern == nil })
    }

    @Test func `an untrained model, a choice without a place and a forgotten page teach nothing`() async throws {
        let site = try await site()
        defer { site.end() }
        let lost = try await site.searches.search(SearchRequest(query: "common", agent: "docs"))
        _ = try await site.searches.select(FeedbackRequest(inference: lost.hits[0].inference))
        #expect(try await site.count("trajectories") == 0)
        try await choose(site, from: "p3", "p20", times: 5)
        _ = try await site.models.create(ModelCreateRequest(agent: "fresh", dim: 16, heads: 2))
        let fresh = try await site.searches.centroids.mine(CentroidMineRequest(agent: "fresh"))
        #expect(fresh.centroids == 0, "its rows say nothing yet")
        #expect(try await site.searches.centroids.mine(CentroidMineRequest(agent: "docs")).applied == 1)
        _ = try await site.graphs.forget("p20")
        #expect(try await site.count("trajectories") == 0)
        #expect(try await site.count("centroids") == 0)
    }
}
