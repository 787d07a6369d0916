internal import Daemon
internal import Glibc
internal import Harness
internal import Ledger
internal import Site
internal import Synchronization
internal import Terminal
internal import Wire

/// `shoal run`: one node, in the foreground.
enum RunCommand {
    static let peers = Option<[String]>(
        repeated: "peers", .path.named("FILE|DIR"), "whom to dial: .peers files, or directories of them (SHOAL_PEERS)")
    static let network = Option<String?>("network", .path.named("FILE"), "the network file (SHOAL_NETWORK)")
    static let key = Option<String?>("key", .path.named("FILE"), "the site's .key file (SHOAL_KEY)")
    static let schema = Option<String?>(
        "schema", .text.named("NAME"), "the schema of its tables in --database-url (default: shoal, or SHOAL_SCHEMA)")
    static let noTrain = Flag("no-train", "train only when somebody asks for it (SHOAL_TRAIN=no)")
    static let noDiscover = Flag(
        "no-discover", "dial those of the .peers files alone, and tell nobody of others (SHOAL_DISCOVER=no)")
    static let trainHours = Option<TrainHours?>(
        "train-hours", .trainHours, "train by itself only then, local time (SHOAL_TRAIN_HOURS)")
    static let trainCores = Option<Int?>(
        "train-cores", .integer(1...256), "cores that training by itself uses (default: 1, or SHOAL_TRAIN_CORES)")
    static let claimRounds = Option<Int?>(
        "claim-rounds", .integer(0...64),
        "claim Koi by itself for so many rounds at a time; 3 is best (default: 0, never, or SHOAL_CLAIM_ROUNDS)")
    static let inferenceBudget = Option<String?>(
        "inference-budget", .text.named("KOI"),
        "pay so much a day for answers of others' models by itself (default: 0, never, or SHOAL_INFERENCE_BUDGET)")
    static let withStarter = Flag(
        "with-starter", "end in order when the standard input ends: whoever started it is gone")
    static let retention = Option<Int?>(
        "retention", .integer(0...36_500).named("DAYS"),
        "drop bodies of others' deltas so many days after their sums were certified (default: never, or SHOAL_RETENTION)"
    )
    static let sumsEvery = Option<Int?>(
        "sums-every", .integer(2...4_096),
        "have the sums of so many own deltas certified together (default: 256, or SHOAL_SUMS_EVERY)")
    private static let verbose = Flag("verbose", "tell more in the log")

    static let command = Command(
        "run", summary: "start a site's node, in the foreground",
        discussion: """
            Options go before variables of the environment, and those before the site's shoal.json, which `shoal init` \
            and `shoal join` write: usually nothing needs to be said.

            The node trains by itself, at low priority: when its graph has changed and when other sites have sent \
            something, as long as that improves what it knows. `shoal status` tells what it does.

            The node prints one line when it serves, logs to the standard error and to the file log of its data \
            directory, and ends in order on SIGINT or SIGTERM. Exit code 4: it had to stop by itself.
            """,
        options: SiteSelection.options + SiteSettings.declared.options + [
            peers, network, key, schema, trainHours, trainCores, claimRounds, inferenceBudget,
            retention, sumsEvery,
        ],
        flags: [noTrain, noDiscover, withStarter, verbose, Shared.json],
        examples: [
            .init("shoal run", "the only site of this user here"),
            .init("shoal run --site north --http 127.0.0.1:7480", "one of several, with the dashboard"),
            .init(
                "shoal run --database-url postgresql://db.example/clinic --schema north",
                "with an existing PostgreSQL"),
            .init("shoal run --train-hours 22-6 --train-cores 4", "trains at night, on four cores"),
        ], run: run)

    /// What `--json` prints when the node serves.
    private struct Ready: Encodable {
        let peer: String
        let listen: String?
        let socket: String
        let http: String?
        let pid: Int32
    }

    private static func run(_ call: Invocation) async throws -> ExitCode {
        if call[withStarter] { Lifeline.follow() }
        let directory = try directory(call)
        var config: SiteConfig?
        if Paths.exists(directory.configPath) { config = try SiteConfig.load(directory.configPath) }
        let options = try options(call, config, directory)
        let name = config?.name.text ?? Paths.name(of: directory.path)
        let setUp: @Sendable () -> Void = {
            call.console.complain("\(name) sets up its PostgreSQL, the first time only; it may take some seconds.")
        }
        var reason: String?
        while true {
            reason = try await serve(call, options, name, setUp)
            guard reason == nil, let change = try KeyChange(in: directory) else { break }
            call.console.complain("\(name) goes on under its new key, as \(short(change.new.hex)).")
        }
        if let note = try LeftNote(in: directory) {
            call.console.complain("\(name) has left \(note.name). What it had is still in \(directory.path).")
        }
        guard let reason else { return .done }
        throw call.failure(name, "the node had to stop: \(reason)")
    }

    private static func serve(
        _ call: Invocation, _ options: DaemonOptions, _ name: String, _ setUp: @escaping @Sendable () -> Void
    ) async throws -> String? {
        let watching = Mutex<Task<Void, Never>?>(nil)
        defer { watching.withLock { $0 }?.cancel() }
        return try await Daemon().run(options, onNewDatabase: setUp) { node in
            if call[Shared.json] {
                try? call.printJSON(
                    Ready(
                        peer: node.peer.hex, listen: node.listen, socket: node.socket, http: node.http, pid: getpid()))
            } else {
                let place = node.listen.map { "listens on \($0)" } ?? "only dials out"
                let page = node.http.map { " Dashboard: \($0)/" } ?? ""
                call.console.print("\(name) is up: it \(place), as \(short(node.peer.hex)). Ctrl-C ends it.\(page)")
                watching.withLock {
                    $0 = Task { await CatchingUp.tell(name, socket: node.socket, to: call.console) }
                }
            }
        }
    }

    /// The data directory; one that is missing is made if the options say all that it would.
    private static func directory(_ call: Invocation) throws -> DataDirectory {
        let path = try SiteSelection(call).path
        let isDescribed = (call[key] ?? variable("SHOAL_KEY")) != nil
        if isDescribed, !Paths.exists(path) { return try DataDirectory(creating: path) }
        guard Paths.isDirectory(path) else {
            throw call.failure(
                path, "there is no such data directory", remedy: SiteSelection.remedy(call),
                exit: .unreachable)
        }
        return try DataDirectory(existing: path)
    }

    private static func options(
        _ call: Invocation, _ config: SiteConfig?, _ directory: DataDirectory
    ) throws -> DaemonOptions {
        func place(_ given: String?, _ name: String, _ kept: String?) -> String? {
            if let path = given ?? variable(name) { return Paths.absolute(path) }
            return kept.map { SiteConfig.resolve($0, in: directory.path) }
        }
        guard let key = place(call[key], "SHOAL_KEY", config?.key) else {
            throw call.failure(
                directory.path, "the site has no key", remedy: "Make one with `shoal init --name NAME`, or give --key",
                exit: .unreachable)
        }
        guard let network = place(call[network], "SHOAL_NETWORK", config?.network) else {
            throw call.failure(
                config?.name.text ?? directory.path, "the site has not joined a network yet",
                remedy: "Join one with `shoal join peers/NAME.peers`, or give --network", exit: .unreachable)
        }
        // The settings only carry what options and environment change; the name is not used.
        var settings = try config ?? SiteConfig(name: SiteName(checking: "site"))
        try SiteSettings.declared.apply(call, to: &settings)
        let told = call[peers].isEmpty ? SiteSettings.declared.list("SHOAL_PEERS") : call[peers]
        var options = DaemonOptions(
            dataDirectory: directory.path, key: key, network: network,
            peers: told.isEmpty
                ? settings.peers.map { SiteConfig.resolve($0, in: directory.path) } : told.map { Paths.absolute($0) },
            listen: settings.listen?.description, advertise: settings.advertise.map(\.description),
            http: settings.http?.description, databaseURL: settings.databaseURL, privacy: settings.privacy,
            schema: call[schema] ?? variable("SHOAL_SCHEMA") ?? settings.schema ?? "shoal", verbose: call[verbose])
        options.training = try training(call, settings, directory)
        options.claimRounds = call[claimRounds] ?? settings.claimRounds ?? 0
        if call[claimRounds] == nil, let text = variable("SHOAL_CLAIM_ROUNDS") {
            guard let rounds = Int(text), (0...64).contains(rounds) else {
                throw call.failure(
                    "SHOAL_CLAIM_ROUNDS=\(text)", "the variable cannot be understood",
                    remedy: "Write a whole number from 0 to 64", exit: .usage)
            }
            options.claimRounds = rounds
        }
        options.inferenceBudget = try budget(call, settings)
        options.retentionDays = try whole(call, retention, "SHOAL_RETENTION", settings.retention, 0...36_500)
        options.sumsEvery = try whole(call, sumsEvery, "SHOAL_SUMS_EVERY", settings.sumsEvery, 2...4_096) ?? 256
        options.discovers =
            try call[noDiscover] ? false : switchVariable("SHOAL_DISCOVER", call) ?? settings.discover ?? true
        return options
    }

    /// A whole number from an option, a variable, or the settings, in this order.
    private static func whole(
        _ call: Invocation, _ option: Option<Int?>, _ name: String, _ setting: Int?, _ range: ClosedRange<Int>
    ) throws -> Int? {
        if let told = call[option] { return told }
        guard let text = variable(name) else { return setting }
        guard let number = Int(text), range.contains(number) else {
            throw call.failure(
                "\(name)=\(text)", "the variable cannot be understood",
                remedy: "Write a whole number from \(range.lowerBound) to \(range.upperBound)", exit: .usage)
        }
        return number
    }

    private static func budget(_ call: Invocation, _ config: SiteConfig) throws -> NanoKoi {
        let told = call[inferenceBudget] ?? variable("SHOAL_INFERENCE_BUDGET") ?? config.inferenceBudget
        guard let told else { return 0 }
        guard let amount = Koi.parse(told), amount >= 0 else {
            throw call.failure(
                "inference budget \(printable(told))", "that is no amount of Koi",
                remedy: "Write decimal Koi, such as 0.5, up to nine digits behind the point", exit: .usage)
        }
        return amount
    }

    private static func training(
        _ call: Invocation, _ config: SiteConfig, _ directory: DataDirectory
    ) throws -> TrainingSettings {
        var settings = TrainingSettings()
        settings.isOn = try call[noTrain] ? false : switchVariable("SHOAL_TRAIN", call) ?? config.train ?? true
        settings.hours = call[trainHours]
        settings.cores = call[trainCores] ?? config.trainCores ?? 1
        func wrong(_ name: String, _ text: String, _ remedy: String) -> Failure {
            call.failure("\(name)=\(text)", "the variable cannot be understood", remedy: remedy, exit: .usage)
        }
        if settings.hours == nil, let text = variable("SHOAL_TRAIN_HOURS") {
            guard let hours = TrainHours(text) else {
                throw wrong("SHOAL_TRAIN_HOURS", text, "Write two times of day, for example 22-6 or 22:30-06:15")
            }
            settings.hours = hours
        } else if settings.hours == nil, let text = config.trainHours {
            guard let hours = TrainHours(text) else {
                throw call.failure(
                    directory.configPath, "\"train_hours\" is \"\(text)\", which is no time of day",
                    remedy: "Write two times of day, for example 22-6 or 22:30-06:15", exit: .usage)
            }
            settings.hours = hours
        }
        if call[trainCores] == nil, let text = variable("SHOAL_TRAIN_CORES") {
            guard let cores = Int(text), (1...256).contains(cores) else {
                throw wrong("SHOAL_TRAIN_CORES", text, "Write a whole number from 1 to 256")
            }
            settings.cores = cores
        }
        return settings
    }
}

extension ValueType where Value == TrainHours {
    /// `22-6`, `22:30-06:15`.
    static var trainHours: ValueType {
        ValueType(placeholder: "FROM-TO", rule: "two times of day like 22-6 or 22:30-06:15") {
            TrainHours($0)
        } show: {
            $0.description
        }
    }
}
