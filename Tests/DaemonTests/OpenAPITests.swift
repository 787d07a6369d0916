import API
import Foundation
import Graph
import Testing

@testable import Daemon

@Suite struct OpenAPITests {
    private struct Nested: Codable { var sizes: [Int], names: [String: Double]? }
    private struct Sample: Codable {
        var isWell: Bool
        var weights: Weights?
        var parts: [Nested]
        var bytes: UInt64
    }

    @Test func `a type describes itself as it is written`() {
        let nested = JSONSchema.object(
            fields: [
                .init("sizes", .list(of: .integer(least: nil)), isRequired: true),
                .init("names", .optional(.map(of: .number)), isRequired: false),
            ], isClosed: false)
        #expect(
            JSONSchema(of: Sample.self)
                == .object(
                    fields: [
                        .init("is_well", .boolean, isRequired: true),
                        .init(
                            "weights", .optional(.text(choices: ["served", "federated", "isolated"])), isRequired: false
                        ),
                        .init("parts", .list(of: nested), isRequired: true),
                        .init("bytes", .integer(least: 0), isRequired: true),
                    ], isClosed: false))
        guard case .object(let fields, true) = JSONSchema(of: TrainRequest.self) else {
            Issue.record("a request is closed")
            return
        }
        #expect(Set(fields.map(\.name)) == Set(TrainRequest.CodingKeys.allCases.map { snake($0.stringValue) }))
    }

    private func snake(_ name: String) -> String {
        name.reduce(into: "") { $0 += $1.isUppercase ? "_\($1.lowercased())" : "\($1)" }
    }

    @Test func `what a request takes of a type is in the schema`() throws {
        guard case .object(let fields, true) = JSONSchema(of: TrainRequest.self) else {
            Issue.record("a request is closed")
            return
        }
        let schemas = Dictionary(uniqueKeysWithValues: fields.map { ($0.name, $0.schema) })
        #expect(schemas["agent"] == .name)
        #expect(schemas["rounds"] == .optional(.whole(0...10_000)))
        #expect(schemas["walks"] == .optional(.text(choices: WalkRule.allCases.map(\.rawValue))))
        #expect(schemas["top_rows"] == .optional(.whole(1...1 << 20)))
        // The pattern of a scope is that of a scope.
        for (scope, isOne) in [("a.b_2", true), ("", false), ("a..b", false), ("a-b", false)] {
            #expect(((try? PathScope(scope)) != nil) == isOne)
            guard case .optional(.pattern(let pattern))? = schemas["scope"] else {
                Issue.record("a scope has a pattern")
                return
            }
            #expect((scope.range(of: "^(?:\(pattern))$", options: .regularExpression) != nil) == isOne)
        }
    }

    @Test func `parts of paths, optional bodies and several types are described`() throws {
        var router = Router()
        router.post("/api/things/:id") { _ in .text("") }
        let one = RouteDescription(
            .post, "/api/things/:id", "One.", [.init("id", .digits(1...4)), .init("n", .whole(1...Int.max))],
            body: .other("text/plain"), needsBody: false, answer: .other("text/csv", "application/jsonl"))
        let bytes = try OpenAPI.document(title: "t", version: "1", routes: router.routes, [one])
        let text = String(decoding: bytes, as: UTF8.self)
        for part in [
            #""in":"path","name":"id","required":true,"schema":{"pattern":"^(?:[0-9a-fA-F]{1,4})$","type":"string"}"#,
            #""schema":{"maximum":9223372036854775807,"minimum":1,"type":"integer"}"#,
            #""requestBody":{"content":{"text/plain""#, #""required":false"#, #""text/csv":{"#,
            #""application/jsonl":{"#,
        ] {
            #expect(text.contains(part), "\(part)")
        }
        #expect(text.components(separatedBy: #""name":"id""#).count == 2, "a part of the path is no query as well")
    }

    @Test func `a description of a route that there is not is refused, a route without one is shown`() throws {
        var router = Router()
        router.get("/api/models/:agent/info") { _ in .text("") }
        router.delete("/api/models/:agent/info", { _ in .noContent })
        let one = RouteDescription(.get, "/api/models/:agent/info", "One.", answer: .json(ModelReport.self))
        let bytes = try OpenAPI.document(title: "t", version: "1", routes: router.routes, [one])
        let document = try #require(try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any])
        let paths = try #require(document["paths"] as? [String: [String: [String: Any]]])
        let path = try #require(paths["/api/models/{agent}/info"])
        #expect(path["get"]?["operationId"] as? String == "get-models-agent-info")
        #expect(path["get"]?["summary"] as? String == "One.")
        #expect(path["delete"]?["summary"] as? String == OpenAPI.undescribed)
        let foreign = RouteDescription(.get, "/nowhere", "None.", answer: nil)
        #expect(throws: Problem.self) {
            try OpenAPI.document(title: "t", version: "1", routes: router.routes, [foreign])
        }
    }
}
