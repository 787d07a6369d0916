import API
import Foundation
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
