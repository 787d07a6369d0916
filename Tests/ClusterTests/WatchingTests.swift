import API
import Foundation
import Testing

@testable import Harness

extension ClusterTests {
    /// What watches a real node: the dashboard, metrics, probes, events and the audit log.
    @Suite struct WatchingTests {
        private func text(_ client: HTTPClient, _ path: EscapedPath) async throws -> (
            status: Int, type: String, text: String
        ) {
            let answer = try await client.send(Call(.get, path))
            return (answer.status, answer.headers["Content-Type"] ?? "", String(decoding: answer.body, as: UTF8.self))
        }

        @Test func `a node is watched over HTTP, and tells who asked`() async throws {
            try await TestCluster.with(["a", "b"]) { test in
                let (a, b) = (try test["a"], try test["b"])
                let url = try #require(try await a.status().http)
                let client = HTTPClient(.url(url))

                let page = try await client.send(Call(.get, "/"))
                #expect(page.headers["Content-Type"] == "text/html; charset=utf-8")
                #expect(page.headers["Content-Security-Policy"]?.hasPrefix("default-src 'none'") == true)
                #expect(page.body.count <= 300 << 10)
                let html = String(decoding: page.body, as: UTF8.self)
                #expect(!html.contains("src=\"http") && !html.contains("href=\"http"), "nothing from elsewhere")

                #expect(try await text(client, "/healthz").text == "ok\n")
                #expect(try await text(client, "/readyz").text == "ready\n")
                let metrics = try await text(client, "/metrics")
                #expect(metrics.type == MetricsText.contentType)
                try check(metrics.text)

                try checkDocument(try await client.send(Call(.get, "/openapi.json")).body)

                try await test.teach(["a", "b"])
                try await test.agree()
                let inStep = { try await a.status().peers.allSatisfy(\.inStep) }
                try await eventually("a has compared its state with b") { try await inStep() }
                let told = try await events(of: url) { ops in
                    ops.contains { $0.kind == "announce-rows" && $0.from == b.peer }
                        && ops.contains { $0.kind == "create-model" && $0.from == nil }
                }
                #expect(Set(told.map(\.id)).count == told.count, "no op twice")

                let audit = try String(contentsOfFile: "\(a.dataDirectory)/audit", encoding: .utf8)
                let line = try #require(audit.split(separator: "\n").first { $0.contains("path=/api/models ") })
                #expect(line.contains("caller=socket") && line.contains("method=POST") && line.contains("status=201"))
                #expect(!audit.contains("path=/metrics"), "who only looks after the node is left out")
            }
        }

        /// Every route of a node is described, once, and nothing else is.
        private func checkDocument(_ bytes: [UInt8]) throws {
            let document = try #require(try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any])
            #expect(document["openapi"] as? String == "3.1.0")
            let paths = try #require(document["paths"] as? [String: [String: [String: Any]]])
            let undescribed = paths.flatMap { path, operations in
                operations.filter { $0.value["summary"] as? String == OpenAPI.undescribed }.map { "\($0.key) \(path)" }
            }
            #expect(undescribed == [])
            let ids = paths.values.flatMap { $0.values.compactMap { $0["operationId"] as? String } }
            #expect(ids.count > 40 && ids.count == Set(ids).count)
        }

        /// The ops that the node told of from the first one on, until they are enough.
        private func events(of url: String, until isEnough: ([OpEvent]) -> Bool) async throws -> [OpEvent] {
            var ops: [OpEvent] = []
            for try await event in HTTPClient(.url(url)).events("/api/events", query: [("since", "0")]) {
                guard event.name == "op" else { continue }
                ops.append(try JSON.decode(OpEvent.self, from: Array(event.data.utf8)))
                if isEnough(ops) { break }
            }
            return ops
        }

        /// The text format: families declared once, samples only of the family declared last, numbers.
        private func check(_ page: String) throws {
            var declared: Set<String> = []
            var family = ""
            for line in page.split(separator: "\n") {
                let words = line.split(separator: " ", maxSplits: 3).map(String.init)
                if line.hasPrefix("# TYPE ") {
                    family = words[2]
                    #expect(declared.insert(family).inserted, "\(family) is declared twice")
                    #expect(words[3] != "counter" || family.hasSuffix("_total"), "\(family) is a counter")
                } else if !line.hasPrefix("#") {
                    let name = line.prefix { $0 != "{" && $0 != " " }
                    let suffixes = ["", "_bucket", "_sum", "_count"]
                    #expect(suffixes.contains { name == family + $0 }, "\(line) stands below \(family)")
                    #expect(Double(try #require(line.split(separator: " ").last)) != nil, "\(line)")
                }
            }
            for name in ["shoal_up", "shoal_peer_connected", "shoal_http_requests_total", "process_cpu_seconds_total"] {
                #expect(declared.contains(name))
            }
        }
    }
}
