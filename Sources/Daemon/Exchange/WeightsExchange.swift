internal import API
internal import Federation
internal import Graph
internal import Identity
internal import Learning
internal import Peer
internal import Wire

/// Weights for and from other programs: safetensors files.
final class WeightsExchange: Sendable {
    private let host: NodeHost
    private let graphs: GraphService
    private let models: ModelService
    private let states: TrainerStates

    init(host: NodeHost, graphs: GraphService, models: ModelService, states: TrainerStates) {
        self.host = host
        self.graphs = graphs
        self.models = models
        self.states = states
    }

    /// The metadata that say which model it is and which vocabulary belongs to it.
    private enum Field {
        static let model = "model"
        static let vocabulary = "vocabulary_blake2b"
    }

    /// The weights of a model in the order of this site's vocabulary.
    func export(_ agent: String, _ weights: Weights) async throws -> Response {
        let model = try await models.find(agent)
        let graph = try await graphs.current()
        guard let spec = try await host.ask({ $0.spec(of: model) }) else { throw TrainingError.modelGone }
        let parameters = try await models.parameters(weights, of: model, graph)
        let tokens = graph.vocabulary.tokens
        let file = WeightsFile(
            shape: spec.shape, vocabulary: tokens.count,
            metadata: [
                Field.model: model.hex, "agent": spec.agent, "weights": weights.rawValue,
                "nodes": "\(graph.vocabulary.nodeCount)",
                Field.vocabulary: VocabularyDigest.digest(of: tokens).hex,
            ])
        return .stream(contentType: "application/octet-stream") { writer in
            try await writer.write(file.header.bytes)
            for tensor in file.header.tensors { try await writer.write(file.data(of: tensor, in: parameters)) }
        }
    }

    /// Which token each row of an export is.
    func vocabulary(_ agent: String, withNames: Bool) async throws -> Response {
        _ = try await models.find(agent)
        let graph = try await graphs.current()
        return Response(
            contentType: "application/jsonl",
            try await models.onWorker {
                try VocabularyFile.lines(graph, withNames: withNames)
            })
    }

    /// Makes the weights of a file this site's own, row by row by token. All of it or nothing; nobody else sees it.
    ///
    /// - Parameters:
    ///   - vocabularyBytes: how much of the body is the vocabulary file; the rest is the safetensors file.
    ///   - replacing: also if this site has weights of its own already.
    ///   - fromAnotherModel: also if the file says that it is of another model.
    func take(
        _ body: RequestBody, vocabularyBytes: Int, for agent: String, replacing: Bool, fromAnotherModel: Bool
    ) async throws -> WeightsImportReport {
        let model = try await models.find(agent)
        let graph = try await graphs.current()
        let tokens = graph.vocabulary.tokens
        guard let spec = try await host.ask({ $0.spec(of: model) }) else { throw TrainingError.modelGone }
        let isThere = try await states.weights(of: model) != nil
        guard replacing || !isThere else {
            throw Problem.conflict(
                "this site has weights of its own for '\(agent)', trained alone or imported",
                remedy: "say that they are to be replaced (--replace)", code: "own_weights_exist")
        }
        let given = try await models.onWorker {
            try Self.read(
                body, vocabularyBytes: vocabularyBytes, shape: spec.shape, model: fromAnotherModel ? nil : model)
        }
        guard let merged = try await host.ask({ $0.parameters(of: model, tokens: tokens) }) else {
            throw TrainingError.modelGone
        }
        let (parameters, known) = given.rows(over: merged, tokens: tokens, dim: spec.shape.dim)
        guard known > 0 else {
            throw Self.refused(
                "none of its \(given.tokens.count) tokens is one of this site's",
                remedy: "token ids are secret to a network: was the file made in another one?", code: "foreign_weights")
        }
        try await states.save(SavedWeights(tokens: tokens, parameters: parameters), of: model)
        return WeightsImportReport(
            agent: agent, weights: .isolated, rows: known, unknown: given.tokens.count - known,
            missing: tokens.count - known, replaced: isThere)
    }

    /// Both files, read and checked to the end.
    private static func read(
        _ body: RequestBody, vocabularyBytes: Int, shape: ModelShape, model: ModelID?
    ) throws -> GivenWeights {
        guard vocabularyBytes <= body.count else {
            throw Problem.unusable(
                "the body has \(body.count) bytes, fewer than the vocabulary file is said to have",
                field: "vocabulary_bytes")
        }
        let tokens = try VocabularyFile.tokens(in: try body.chunk(at: 0, size: vocabularyBytes))
        let parameters: Parameters
        do {
            let bytes = body.count - vocabularyBytes
            let prefix = try body.chunk(at: vocabularyBytes, size: SafetensorsHeader.lengthBytes)
            let length = try SafetensorsHeader.length(prefix, fileBytes: bytes)
            let start = vocabularyBytes + SafetensorsHeader.lengthBytes
            let header = try SafetensorsHeader(
                parsing: try body.chunk(at: start, size: length),
                dataBytes: bytes - SafetensorsHeader.lengthBytes - length)
            let file = try WeightsFile(header, shape: shape)
            try check(header.metadata, tokens, file, model)
            parameters = try file.parameters { try body.chunk(at: start + length + $0.lowerBound, size: $0.count) }
        } catch let error as SafetensorsError {
            throw refused("\(error)", remedy: "nothing was imported", code: "malformed_safetensors")
        }
        return GivenWeights(tokens: tokens, parameters: parameters)
    }

    private static func check(
        _ metadata: [String: String], _ tokens: [TokenID], _ file: WeightsFile, _ model: ModelID?
    ) throws {
        if let model, let found = metadata[Field.model], found != model.hex {
            throw refused(
                "it holds the weights of model \(found.prefix(12)), this is \(model.short)",
                remedy: "say that you mean it (--from-another-model), or name the other model's agent",
                code: "foreign_weights")
        }
        guard tokens.count == file.vocabulary else {
            throw refused(
                "it has \(file.vocabulary) rows, its vocabulary file \(tokens.count) tokens",
                remedy: "give the vocabulary file that was exported with it", code: "foreign_vocabulary")
        }
        if let digest = metadata[Field.vocabulary], digest != VocabularyDigest.digest(of: tokens).hex {
            throw refused(
                "its rows are those of another vocabulary file",
                remedy: "give the vocabulary file that was exported with it", code: "foreign_vocabulary")
        }
    }

    private static func refused(_ cause: String, remedy: String, code: String) -> Problem {
        Problem(status: 422, detail: "the weights cannot be imported: \(cause)", remedy: remedy, code: code)
    }
}

/// Weights that came in a file, and the tokens of their rows.
struct GivenWeights: Sendable {
    let tokens: [TokenID]
    let parameters: Parameters

    /// These weights in the order of another vocabulary; a token that is not here keeps its row of `base`.
    ///
    /// - Returns: and how many rows are from here.
    func rows(over base: Parameters, tokens wanted: [TokenID], dim: Int) -> (parameters: Parameters, known: Int) {
        let places = Dictionary(uniqueKeysWithValues: zip(tokens, tokens.indices))
        var result = Parameters(dense: parameters.dense, tokens: base.tokens)
        var known = 0
        for (row, token) in wanted.enumerated() {
            guard let place = places[token] else { continue }
            result.tokens.replaceSubrange(
                row * dim..<(row + 1) * dim, with: parameters.tokens[place * dim..<(place + 1) * dim])
            known += 1
        }
        return (result, known)
    }
}
