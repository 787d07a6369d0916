internal import API

extension Routes {
    /// Weights as safetensors files, for other programs.
    func addExchange(to router: inout Router) {
        let exchange = exchange
        router.get("/api/models/:agent/export") { request in
            try await answering {
                try request.query.allow(only: "weights")
                let weights = try Self.choice(request, "weights", Weights.served) { Weights(rawValue: $0) }
                return try await exchange.export(request[parameter: "agent"], weights)
            }
        }
        router.get("/api/models/:agent/vocabulary") { request in
            try await answering {
                try request.query.allow(only: "names")
                let withNames = try Self.choice(request, "names", true) { ["true": true, "false": false][$0] }
                return try await exchange.vocabulary(request[parameter: "agent"], withNames: withNames)
            }
        }
        router.post("/api/models/:agent/import", bodyLimit: 1 << 30) { request in
            try await answering {
                let query = request.query
                try query.allow(only: "vocabulary_bytes", "replace", "from_another_model")
                guard let bytes = try query.integer("vocabulary_bytes", in: 1...VocabularyFile.maxBytes) else {
                    throw Problem.badRequest(
                        "the parameter 'vocabulary_bytes' is missing",
                        remedy:
                            "send the vocabulary file and the safetensors file in one body, and the size of the first",
                        field: "vocabulary_bytes")
                }
                return .json(
                    try await exchange.take(
                        request.body, vocabularyBytes: bytes, for: request[parameter: "agent"],
                        replacing: try query.flag("replace"), fromAnotherModel: try query.flag("from_another_model")))
            }
        }
    }
}
