/// A route as the OpenAPI document describes it.
public struct RouteDescription: Sendable {
    /// A part of the query, or of the path where the pattern names it.
    public struct Parameter: Sendable {
        public let name: String
        public let schema: JSONSchema
        public let isRequired: Bool
        /// May be given several times.
        public let repeats: Bool

        public init(
            _ name: String, _ schema: JSONSchema = .text(choices: []), isRequired: Bool = false, repeats: Bool = false
        ) {
            self.name = name
            self.schema = schema
            self.isRequired = isRequired
            self.repeats = repeats
        }
    }

    /// A request's body, or an answer's.
    public enum Content: Sendable {
        case json(JSONSchema)
        /// Anything else, by its type or types.
        case other([String])

        public static func other(_ types: String...) -> Content { .other(types) }

        public static func json(_ type: (some Decodable).Type) -> Content { .json(JSONSchema(of: type)) }
    }

    public let method: HTTPMethod
    /// As in ``Router``.
    public let pattern: String
    public let summary: String
    public var parameters: [Parameter] = []
    public var body: Content?
    /// Whether a request without a body is refused.
    public var needsBody = true
    public var status = 200
    /// Nil for an answer without a body.
    public var answer: Content?

    public init(
        _ method: HTTPMethod, _ pattern: String, _ summary: String, _ parameters: [Parameter] = [],
        body: Content? = nil, needsBody: Bool = true, status: Int = 200, answer: Content?
    ) {
        self.method = method
        self.pattern = pattern
        self.summary = summary
        self.parameters = parameters
        self.body = body
        self.needsBody = needsBody
        self.status = status
        self.answer = answer
    }
}

/// The OpenAPI 3.1 document of an API.
public enum OpenAPI {
    /// What a route without a description is called.
    public static let undescribed = "Not described."

    /// - Parameters:
    ///   - routes: what there is. A route that `descriptions` does not know is in the document by its pattern alone.
    ///   - descriptions: at most one for each route.
    /// - Throws: for a description of a route that there is not.
    public static func document(
        title: String, version: String, routes: [Router.Route], _ descriptions: [RouteDescription]
    ) throws(Problem) -> [UInt8] {
        func isThere(_ description: RouteDescription) -> Bool {
            routes.contains { $0.method == description.method && $0.pattern == description.pattern }
        }
        if let foreign = descriptions.first(where: { !isThere($0) }) {
            throw .internalError("\(foreign.method.rawValue) \(foreign.pattern) is described and is no route")
        }
        var paths: [String: [String: JSONValue]] = [:]
        for route in routes {
            let description =
                descriptions.first { $0.method == route.method && $0.pattern == route.pattern }
                ?? RouteDescription(route.method, route.pattern, undescribed, answer: .json(.any))
            paths[path(route.pattern), default: [:]][route.method.rawValue.lowercased()] = operation(
                description, route.right)
        }
        let document: JSONValue = .object([
            "openapi": .text("3.1.0"),
            "info": .object(["title": .text(title), "version": .text(version)]),
            "paths": .object(paths.mapValues { .object($0) }),
            "components": .object([
                "schemas": .object(["Problem": JSONSchema(of: Problem.self).json]),
                "securitySchemes": .object([
                    "token": .object(["type": .text("http"), "scheme": .text("bearer")])
                ]),
            ]),
        ])
        return try JSON.encode(document)
    }

    /// `/api/models/{agent}/info` from `/api/models/:agent/info`.
    private static func path(_ pattern: String) -> String {
        let parts = pattern.split(separator: "/").map { $0.hasPrefix(":") ? "{\($0.dropFirst())}" : String($0) }
        return "/" + parts.joined(separator: "/")
    }

    private static func operation(_ route: RouteDescription, _ right: Right) -> JSONValue {
        var operation: [String: JSONValue] = [
            "summary": .text(route.summary),
            "operationId": .text(name(route)),
            "responses": .object([
                "\(route.status)": response("Done.", route.answer),
                "default": .object([
                    "description": .text("A problem document of RFC 9457."),
                    "content": .object([
                        "application/problem+json": .object([
                            "schema": .object(["$ref": .text("#/components/schemas/Problem")])
                        ])
                    ]),
                ]),
            ]),
        ]
        let inPath = route.pattern.split(separator: "/").filter { $0.hasPrefix(":") }.map { $0.dropFirst() }
        let parameters =
            inPath.map { name in
                let described = route.parameters.first { $0.name == name }
                return JSONValue.object([
                    "name": .text(String(name)), "in": .text("path"), "required": .bool(true),
                    "schema": (described?.schema ?? .words(1...Int.max)).json,
                ])
            } + route.parameters.filter { !inPath.contains($0.name[...]) }.map(parameter)
        if !parameters.isEmpty { operation["parameters"] = .list(parameters) }
        if let body = route.body {
            operation["requestBody"] = .object(["required": .bool(route.needsBody), "content": content(body)])
        }
        operation["security"] = .list(right == .nothing ? [] : [.object([:]), .object(["token": .list([])])])
        return .object(operation)
    }

    private static func parameter(_ parameter: RouteDescription.Parameter) -> JSONValue {
        let schema =
            if parameter.repeats, case .some = parameter.schema { parameter.schema } else if parameter.repeats {
                JSONSchema.list(of: parameter.schema)
            } else { parameter.schema }
        return .object([
            "name": .text(parameter.name), "in": .text("query"), "required": .bool(parameter.isRequired),
            "schema": schema.json, "explode": .bool(true),
        ])
    }

    private static func response(_ description: String, _ answer: RouteDescription.Content?) -> JSONValue {
        var object: [String: JSONValue] = ["description": .text(description)]
        if let answer { object["content"] = content(answer) }
        return .object(object)
    }

    private static func content(_ content: RouteDescription.Content) -> JSONValue {
        switch content {
        case .json(let schema): .object(["application/json": .object(["schema": schema.json])])
        case .other(let types):
            .object(
                Dictionary(
                    uniqueKeysWithValues: types.map {
                        ($0, .object(["schema": .object(["type": .text("string"), "format": .text("binary")])]))
                    }))
        }
    }

    /// `get-models-agent-info`.
    private static func name(_ route: RouteDescription) -> String {
        let parts = route.pattern.split(separator: "/").map { $0.hasPrefix(":") ? $0.dropFirst() : $0 }
        return ([route.method.rawValue.lowercased()[...]] + parts.filter { $0 != "api" }).joined(separator: "-")
    }
}
