import API
import FoundationEssentials
import Federation
import Glibc
import Graph
import Identity
import Membership
import Peer
import Replication
import Site
import Synchronization
import Testing
import Transport
import Wire

@testable import Daemon
@testable import Storage

/// One PostgreSQL for all tests of this process; its supervisor ends it with the process.
enum PlayedServer {
    static let directory: String = {
        var template = Array("/tmp/shoal-played-server-XXXXXX".utf8CString)
        let path = String(cString: mkdtemp(&template)!)
        chmod(path, 0o755)
        atexit {
            PlayedServer.server.stop()
            try? FileManager.default.removeItem(atPath: PlayedServer.directory)
        }
        return path
    }()
    static let server: PrivateServer = {
        do {
            return try PrivateServer(dataDirectory: "\(directory)/data")
        } catch {
            fatalError("\(error)")
        }
    }()
    private static let schemas = Atomic<Int>(0)

    /// As for somebody else's server.
    static var url: String {
        server.target.settings.filter { ["host", "port", "user", "dbname"].contains($0.keyword) }
            .map { "\($0.keyword)=\($0.value)" }.joined(separator: " ")
    }

    static func unusedSchema() -> String { "site_\(schemas.wrappingAdd(1, ordering: .relaxed).newValue)" }
}

/// A site with a schema and a node of its own, without sockets: the services of a daemon, as tests ask them.
final class PlayedSite {
    let database: Database
    let host: NodeHost
    let graphs: GraphService
    let models: ModelService
    let searches: SearchService
    let answers: AnswerLog
    let vocabularyKey = try! VocabularyKey(Bytes(repeating: 2, count: 32))
    private let loop: EventLoop
    private let keeper: OpKeeper
    private let directory: String

    init() async throws {
        var template = Array("/tmp/shoal-played-site-XXXXXX".utf8CString)
        directory = String(cString: mkdtemp(&template)!)
        let log = EventLog(path: nil, verbose: false)
        let schema = PlayedServer.unusedSchema()
        database = try Database(
            dataDirectory: directory, url: PlayedServer.url, schema: schema, log: log, onFull: { _ in })
        let key = KeyPair(seed: Bytes(repeating: 1, count: 32))
        let genesis = try Genesis(
            name: "played", createdSeconds: 1, salt: Bytes(repeating: 1, count: 16),
            vocabularyKey: vocabularyKey.secretBytes, founders: [key.peerID])
        let (target, network) = (database.target, genesis.networkID)
        let keeper = OpKeeper(
            journal: try SignJournal(path: "\(directory)/journal"), checkSpace: {},
            connect: { () throws(StorageError) in
                try OpStore(Connection(target), schema: schema, network: network)
            })
        self.keeper = keeper
        let loop = try EventLoop()
        self.loop = loop
        loop.start()
        let host = try await loop.perform {
            Result {
                let node = try Node(
                    configuration: NodeConfiguration(
                        genesis: genesis, contacts: [], listenAddresses: [], freshLog: LogID(rawValue: 1)),
                    identity: key, recovered: Recovered(), seed: 1, now: Instant(milliseconds: loop.now),
                    wallSeconds: 0)
                return NodeHost(
                    loop: loop, transport: try TLSTransport(loop: loop), keeper: keeper, node: node, log: log,
                    onStopped: { _ in })
            }
        }.get()
        self.host = host
        loop.post { host.start() }
        graphs = try GraphService(database: database, vocabularyKey: vocabularyKey.secretBytes)
        answers = AnswerLog(database: database)
        let states = TrainerStates(database: database, network: network)
        var settings = TrainingSettings()
        settings.isOn = false
        let privacy = PrivacyGuard(.off, states: states)
        let trainer = TrainerService(
            host: host, graphs: graphs, states: states, privacy: privacy, settings: settings, log: log)
        models = ModelService(
            host: host, graphs: graphs, states: states, answers: answers, trainer: trainer, privacy: privacy)
        searches = SearchService(host: host, graphs: graphs, models: models, database: database, log: answers)
    }

    func end() {
        models.stop()
        loop.stop()
        loop.join()
        keeper.finish()
        database.stop()
        try? FileManager.default.removeItem(atPath: directory)
    }

    // MARK: Its graph

    func id(_ name: String) -> TokenID { try! vocabularyKey.token(.node, named: name) }

    /// Graph nodes and links with their texts, straight into the tables.
    func add(
        pages: [(name: String, content: String)] = [], links: [(source: String, target: String, text: String)] = []
    ) async throws {
        let tokens = try vocabularyKey.relation(named: "links_to")
        let nodes = pages.map { (id: id($0.name), name: $0.name, content: $0.content) }
        let edges = links.map { (source: id($0.source), target: id($0.target), text: $0.text) }
        let schema = database.schema
        try await database.query { (connection) throws(StorageError) in
            for node in nodes {
                try connection.query(
                    "INSERT INTO \(schema).nodes (id, name, kind, content) VALUES ($1, $2, 'file', $3)",
                    [.uuid(node.id.rawValue), .text(node.name), .text(node.content)])
            }
            try connection.query(
                "INSERT INTO \(schema).relations (id, inverse_id, name) VALUES ($1, $2, 'links_to') ON CONFLICT DO NOTHING",
                [.uuid(tokens.forward.rawValue), .uuid(tokens.inverse.rawValue)])
            for edge in edges {
                try connection.query(
                    """
                    INSERT INTO \(schema).edges (source_id, relation, target_id, metadata)
                    VALUES ($1, $2, $3, jsonb_build_object('links', jsonb_build_array(jsonb_build_object('text', $4::text))))
                    """,
                    [
                        .uuid(edge.source.rawValue), .uuid(tokens.forward.rawValue), .uuid(edge.target.rawValue),
                        .text(edge.text),
                    ])
            }
        }
        graphs.outdate()
    }

    func count(_ table: String) async throws -> Int {
        let schema = database.schema
        return try await database.query { (connection) throws(StorageError) in
            try connection.row("SELECT count(*) FROM \(schema).\(table)").int(0)
        }
    }

    /// Trains until the job has ended.
    func train(_ request: TrainRequest) async throws -> TrainingReport {
        let job = try await models.train(request)
        while true {
            let report = try #require(models.job(job.id)).training
            if !report.isActive { return report }
            try await Task.sleep(for: .milliseconds(5))
        }
    }
}

/// The problem that `body` throws.
func problem<T>(_ body: () async throws -> T) async -> Problem? {
    do {
        _ = try await body()
        return nil
    } catch {
        return error as? Problem
    }
}
