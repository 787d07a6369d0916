internal import API
internal import Graph
internal import Replication
internal import Search
internal import Storage

/// What the OpenAPI document says of each route; a test holds that none is missing and none is too many.
enum Descriptions {
    typealias Parameter = RouteDescription.Parameter

    static let all: [RouteDescription] =
        live + site + graph + records + agents + models + patterns + searches + exchange + koi

    private static func text(_ choices: [String]) -> JSONSchema { .text(choices: choices) }
    private static func whole(_ name: String, _ range: ClosedRange<Int> = 0...Int.max) -> Parameter {
        .init(name, .whole(range))
    }
    private static func name(_ name: String, isRequired: Bool = false) -> Parameter {
        .init(name, isRequired ? .name : text([]), isRequired: isRequired)
    }
    /// The `place` of the last item of the page before.
    static let before = Parameter("before", .digits(1...ListPlace.maxDigits))
    private static let flag = JSONSchema.boolean
    private static let splits = text(GraphSplit.allCases.map(\.rawValue))
    private static let heldOut = text(["valid", "test"])
    private static let weights = Parameter("weights", JSONSchema(of: Weights.self))
    private static let tsv = RouteDescription.Content.other("text/tab-separated-values")
    private static let agent = name("agent", isRequired: true)

    private static let live: [RouteDescription] = [
        .init(.get, "/", "The dashboard.", answer: .other("text/html")),
        .init(.get, "/healthz", "Whether the process answers.", answer: .other("text/plain")),
        .init(.get, "/readyz", "Whether ops are applied and the database answers.", answer: .other("text/plain")),
        .init(.get, "/metrics", "Metrics for Prometheus.", answer: .other("text/plain")),
        .init(.get, "/openapi.json", "This document.", answer: .json(.any)),
        .init(
            .get, "/api/events", "What happens, as server-sent events, after event `since`.", [whole("since")],
            answer: .other("text/event-stream")),
    ]

    private static let site: [RouteDescription] = [
        .init(.get, "/api/status", "Is it well, and why not?", answer: .json(StatusReport.self)),
        .init(.get, "/api/peers", "The other members and contacts.", answer: .json([PeerReport].self)),
        .init(
            .post, "/api/peers", "Vouches for a new member.", body: .json(PeerAddRequest.self), status: 201,
            answer: .json(PeerReport.self)),
        .init(
            .post, "/api/peers/admit", "This site's yes to a member's right to vote.", body: .json(AffirmRequest.self),
            status: 202, answer: .json(AffirmRequest.self)),
        .init(
            .post, "/api/peers/revoke", "This site's yes to subtracting a member's deltas.",
            body: .json(AffirmRequest.self), status: 202, answer: .json(AffirmRequest.self)),
        .init(
            .get, "/api/policy", "The numbers and rules that the network has agreed on.",
            answer: .json(PolicyReport.self)),
        .init(
            .post, "/api/policy", "This site's yes to other numbers; what is not named stays.",
            body: .json(PolicyRequest.self), status: 202, answer: .json(PolicyReport.self)),
        .init(
            .post, "/api/ops/retract", "Takes back what this site trained in a range of ops.",
            body: .json(RetractRequest.self), status: 201, answer: .json(RetractReport.self)),
        .init(
            .get, "/api/invitations", "Tickets that were handed out, without their secrets.",
            answer: .json([InvitationReport].self)),
        .init(
            .post, "/api/invitations", "Makes a ticket: it admits one new site, once.",
            body: .json(InvitationRequest.self), status: 201, answer: .json(TicketReport.self)),
        .init(
            .delete, "/api/invitations", "Withdraws the tickets of a name that nobody has redeemed.",
            [name("name", isRequired: true)], answer: .json(RemovedReport.self)),
        .init(.get, "/api/leave", "How far this site has got with leaving.", answer: .json(LeaveReport.self)),
        .init(
            .post, "/api/leave", "This site leaves its network, for good; its node ends when the others know.",
            body: .json(LeaveRequest.self), status: 202, answer: .json(LeaveReport.self)),
        .init(
            .get, "/api/keys/rotation", "How far this site has got with a new key.",
            answer: .json(RotationReport.self)),
        .init(
            .post, "/api/keys/rotation",
            "This site goes on under a new key; its node begins again with it when the others know.",
            body: .json(RotationRequest.self), status: 202, answer: .json(RotationReport.self)),
        .init(
            .get, "/api/consensus", "What members vote on, and what is certified.",
            answer: .json(ConsensusReport.self)),
        .init(
            .get, "/api/consensus/:id", "One question; `verify` checks its certificate from the genesis on.",
            [.init("id", .digits(4...64)), .init("verify", flag)], answer: .json(QuestionReport.self)),
        .init(
            .get, "/api/ops", "Applied ops, newest first.",
            [
                whole("limit", 1...1_000), whole("before"), .init("kind", text(OpKind.allCases.map(\.name))),
                .init("author", .digits(1...64)),
            ],
            answer: .json([OpReport].self)),
        .init(
            .get, "/api/ops/:id", "One op, by the beginning of its id.", [.init("id", .digits(1...64))],
            answer: .json(OpReport.self)),
        .init(.get, "/api/ops/verify", "Checks every stored op again.", answer: .json(VerifyReport.self)),
        .init(.get, "/api/ops/export", "All envelopes, a CBOR sequence.", answer: .other("application/cbor-seq")),
        .init(.get, "/api/ops/export-bodies", "All bodies, a CBOR sequence.", answer: .other("application/cbor-seq")),
    ]

    private static let graph: [RouteDescription] = [
        .init(.get, "/api/graph/stats", "What the graph holds.", answer: .json(GraphReport.self)),
        .init(
            .post, "/api/graph/import", "Takes triples in.",
            [.init("split", splits), .init("source"), .init("keep", flag), .init("normalize", flag)], body: tsv,
            status: 201, answer: .json(ImportReport.self)),
        .init(
            .get, "/api/graph/search", "Graph nodes by words.",
            [name("text", isRequired: true), whole("limit", 1...1_000)],
            answer: .json(GraphSearchReport.self)),
        .init(
            .get, "/api/graph/node", "One graph node and its edges.",
            [name("node", isRequired: true), whole("limit", 0...10_000), before],
            answer: .json(NodeDetailReport.self)),
        .init(
            .get, "/api/graph/export", "The whole graph.",
            [.init("format", text(ExportFormat.allCases.map(\.rawValue)))],
            answer: .other("text/tab-separated-values", "application/jsonl")),
        .init(
            .post, "/api/graph/delete", "Deletes triples.", [.init("split", splits)], body: tsv,
            answer: .json(DeleteReport.self)),
        .init(
            .post, "/api/graph/forget", "Erases a graph node, its edges, logs and row.",
            body: .json(ForgetRequest.self),
            answer: .json(ForgetReport.self)),
        .init(
            .put, "/api/graph/aliases", "Sets other names; none without a body.", body: tsv, needsBody: false,
            answer: .json(AliasReport.self)),
        .init(.get, "/api/graph/aliases", "Other names.", answer: tsv),
        .init(
            .get, "/api/graph/overlap", "Ids shared with each other site.", [.init("agent")],
            answer: .json(OverlapReport.self)),
    ]

    private static let records: [RouteDescription] = [
        .init(
            .post, "/api/graph/import-records", "Takes records in.", [.init("source"), .init("normalize", flag)],
            body: .other("application/jsonl"), status: 201, answer: .json(RecordImportReport.self)),
        .init(
            .post, "/api/graph/holdout", "Keeps edges aside to measure with.", body: .json(HoldOutRequest.self),
            answer: .json(HoldOutReport.self)),
    ]

    private static let agents: [RouteDescription] = [
        .init(.get, "/api/agents", "Agents of this site.", answer: .json([AgentReport].self)),
        .init(
            .post, "/api/agents", "Adds an agent.", body: .json(AgentAddRequest.self), status: 201,
            answer: .json(AgentReport.self)),
        .init(.delete, "/api/agents", "Removes one.", [name("name", isRequired: true)], status: 204, answer: nil),
        .init(
            .get, "/api/perspectives", "What agents think of graph nodes.",
            [.init("agent"), .init("node"), whole("limit", 1...10_000), before], answer: .json([PerspectiveReport].self)
        ),
        .init(
            .put, "/api/perspectives", "Sets a perspective.", body: .json(PerspectiveRequest.self),
            answer: .json(PerspectiveReport.self)),
        .init(
            .delete, "/api/perspectives", "Removes perspectives.",
            [agent, name("node", isRequired: true), .init("context")], answer: .json(RemovedReport.self)),
        .init(
            .get, "/api/associations", "What agents see between graph nodes.",
            [.init("agent"), .init("node"), whole("limit", 1...10_000), before], answer: .json([AssociationReport].self)
        ),
        .init(
            .put, "/api/associations", "Sets an association.", body: .json(AssociationRequest.self),
            answer: .json(AssociationReport.self)),
        .init(
            .delete, "/api/associations", "Removes associations.",
            [
                agent, name("source", isRequired: true), .init("relation"), name("target", isRequired: true),
            ], answer: .json(RemovedReport.self)),
    ]

    private static let models: [RouteDescription] = [
        .init(.get, "/api/models", "The models of the network.", answer: .json([ModelReport].self)),
        .init(
            .post, "/api/models", "Creates one.", body: .json(ModelCreateRequest.self), status: 201,
            answer: .json(ModelReport.self)),
        .init(
            .post, "/api/models/train", "Begins a training run.", body: .json(TrainRequest.self), status: 202,
            answer: .json(JobReport.self)),
        .init(
            .post, "/api/models/publish", "Writes the weights that SQL answers with.", body: .json(PublishRequest.self),
            answer: .json(PublishReport.self)),
        .init(.get, "/api/jobs/:id", "How a run stands.", answer: .json(JobReport.self)),
        .init(.delete, "/api/jobs/:id", "Ends a run; what it learned is kept.", answer: .json(JobReport.self)),
        .init(
            .post, "/api/models/predict", "What follows these names?", body: .json(PredictRequest.self),
            answer: .json(PredictReport.self)),
        .init(
            .post, "/api/models/ensemble", "The same of several models.", body: .json(EnsembleRequest.self),
            answer: .json(EnsembleReport.self)),
        .init(
            .post, "/api/models/evaluate", "Ranks held-out triples; the body may hold triples to filter by.",
            [
                agent, weights, .init("protocol", text(EvaluationProtocol.allCases.map(\.rawValue))),
                .init("split", heldOut), .init("ranks", flag), .init("rules", flag),
            ], body: tsv, needsBody: false, answer: .json(EvaluationReport.self)),
        .init(.get, "/api/models/without", "Whom this site answers without.", answer: .json(WithoutReport.self)),
        .init(
            .post, "/api/models/without", "Answers without what these members trained, from now on.",
            body: .json(WithoutRequest.self), answer: .json(WithoutReport.self)),
        .init(.get, "/api/models/:agent/info", "One model and its history.", answer: .json(ModelReport.self)),
        .init(.delete, "/api/models/:agent", "Deletes a model.", status: 204, answer: nil),
    ]

    private static let patterns: [RouteDescription] = [
        .init(
            .post, "/api/patterns/mine", "Looks for rules in the site's graph.", body: .json(MineRequest.self),
            answer: .json(MineReport.self)),
        .init(
            .get, "/api/patterns/mined", "Rules that were found, best first.",
            [.init("relation"), whole("top", 1...100_000)], answer: .json([RuleReport].self)),
        .init(
            .post, "/api/patterns/centroids", "Looks for what choices have in common.",
            body: .json(CentroidMineRequest.self), answer: .json(CentroidMineReport.self)),
        .init(
            .get, "/api/patterns/centroids", "Centroids that were found, the most valuable first.", [.init("agent")],
            answer: .json([CentroidReport].self)),
        .init(
            .get, "/api/patterns", "What sites have proposed, and what the others made of it.",
            answer: .json([PatternReport].self)),
        .init(
            .post, "/api/patterns", "Proposes rules or centroids of this site to the others.",
            body: .json(ProposeRequest.self),
            status: 201, answer: .json([PatternReport].self)),
        .init(
            .get, "/api/patterns/:id", "One pattern and its certificate.",
            [.init("id", .digits(4...64)), .init("verify", flag)],
            answer: .json(PatternReport.self)),
    ]

    private static let searches: [RouteDescription] = [
        .init(
            .get, "/api/models/search", "Searches by words, links and the model.",
            [
                .init("query", .words(1...SearchStore.maxQuery), isRequired: true), .init("agent"),
                .init("context", .some(of: text([]), 0...SearchRequest.maxContext), repeats: true),
                whole("limit", SearchRequest.limits), .init("formula", text(Formula.allCases.map(\.rawValue))), weights,
                .init("why", flag), .init("rules", flag),
            ], answer: .json(SearchReport.self)),
        .init(
            .post, "/api/models/feedback", "This answer was the right one.", body: .json(FeedbackRequest.self),
            status: 201, answer: .json(FeedbackReport.self)),
        .init(
            .post, "/api/models/calibrate", "Fits how much each feature counts.", body: .json(CalibrateRequest.self),
            answer: .json(CalibrationReport.self)),
        .init(
            .post, "/api/models/search/evaluate", "Searches for held-out links.",
            [agent, .init("split", heldOut), weights], answer: .json(SearchEvaluationReport.self)),
    ]

    private static let exchange: [RouteDescription] = [
        .init(
            .get, "/api/models/:agent/export", "Weights as safetensors.", [weights],
            answer: .other("application/octet-stream")),
        .init(
            .get, "/api/models/:agent/vocabulary", "What each row stands for.", [.init("names", flag)],
            answer: .other("application/jsonl")),
        .init(
            .post, "/api/models/:agent/import",
            "Weights from a vocabulary and a safetensors file, one after the other.",
            [
                .init("vocabulary_bytes", .whole(1...VocabularyFile.maxBytes), isRequired: true),
                .init("replace", flag),
                .init("from_another_model", flag),
            ], body: .other("application/octet-stream"), answer: .json(WeightsImportReport.self)),
    ]
}
