internal import Daemon
internal import Site
internal import Terminal

/// `shoal config show`: what `shoal run` would use, and where each value is from.
enum ConfigCommand {
    static let command = Command(
        "config", summary: "show a site's settings and where they are from",
        options: SiteSelection.options + SiteSettings.declared.options + [
            RunCommand.peers, RunCommand.network, RunCommand.key, RunCommand.schema, RunCommand.trainHours,
            RunCommand.trainCores, RunCommand.claimRounds, RunCommand.inferenceBudget,
            RunCommand.retention, RunCommand.sumsEvery,
        ],
        flags: [RunCommand.noTrain, RunCommand.noDiscover, Shared.json],
        examples: [
            .init("shoal config show", "what `shoal run` would use, and from where"),
            .init("shoal config show --http 127.0.0.1:7480", "and with this option"),
        ], subcommands: [show], standard: "show")

    private static let show = Command(
        "show", summary: "every setting, its value and its origin",
        discussion: """
            Options go before variables of the environment, and those before shoal.json in the data directory. Passwords \
            are not shown. An unknown key in shoal.json is refused, and the nearest known one is named.
            """,
        examples: [
            .init("shoal config show", "what `shoal run` would use, and from where"),
            .init("shoal config show --json", "the same, for a program"),
        ]
    ) { call in
        let settings = try settings(call)
        guard !call[Shared.json] else {
            try call.printJSON(settings)
            return .done
        }
        var table = Table(.text("SETTING"), .text("VALUE", minimum: 24), .text("FROM"))
        for setting in settings {
            table.add(
                setting.key, setting.value ?? "", setting.origin,
                emphasis: setting.origin == "default" ? .faint : .normal)
        }
        call.console.print(table)
        return .done
    }

    /// What `--json` prints, one for each setting.
    struct Setting: Encodable {
        let key: String
        /// Nil: not set.
        let value: String?
        /// `option`, `environment NAME`, `shoal.json` or `default`.
        let origin: String
    }

    static func settings(_ call: Invocation) throws -> [Setting] {
        let directory = try DataDirectory(finding: SiteSelection(call).path)
        let config = try SiteConfig.load(directory.configPath)
        var effective = config
        // The same code as `run`, so that a value that it refuses is refused here.
        try SiteSettings.declared.apply(call, to: &effective)
        func row(_ key: String, _ option: String?, _ name: String?, _ kept: String?, _ usual: String? = nil) -> Setting
        {
            if let option { return Setting(key: key, value: option, origin: "option") }
            if let name, let value = variable(name) {
                return Setting(key: key, value: value, origin: "environment \(name)")
            }
            if let kept { return Setting(key: key, value: kept, origin: "shoal.json") }
            return Setting(key: key, value: usual, origin: "default")
        }
        func flag(_ key: String, _ isOff: Bool, _ name: String, _ kept: Bool?) throws -> Setting {
            if isOff { return Setting(key: key, value: "false", origin: "option") }
            if let isOn = try switchVariable(name, call) {
                return Setting(key: key, value: "\(isOn)", origin: "environment \(name)")
            }
            return row(key, nil, nil, kept.map { "\($0)" }, "true")
        }
        func joined(_ values: [String]) -> String? { values.isEmpty ? nil : values.joined(separator: ", ") }
        func path(_ kept: String?) -> String? { kept.map { SiteConfig.resolve($0, in: directory.path) } }
        let url = row("database_url", call[SiteSettings.databaseURL], "SHOAL_DATABASE_URL", config.databaseURL)
        return [
            Setting(key: "name", value: config.name.text, origin: "shoal.json"),
            row(
                "data_dir", call[SiteSelection.dataDirectory] ?? call[SiteSelection.site].map { _ in directory.path },
                "SHOAL_DATA_DIR", nil, directory.path),
            row("key", call[RunCommand.key], "SHOAL_KEY", path(config.key)),
            row("network", call[RunCommand.network], "SHOAL_NETWORK", path(config.network)),
            row("peers", joined(call[RunCommand.peers]), "SHOAL_PEERS", joined(config.peers.compactMap { path($0) })),
            row("listen", call[SiteSettings.listen], "SHOAL_LISTEN", config.listen?.description),
            row(
                "advertise", joined(call[SiteSettings.advertise]), "SHOAL_ADVERTISE",
                joined(config.advertise.map(\.description)), effective.listen?.description),
            row("http", call[SiteSettings.http], "SHOAL_HTTP", config.http?.description),
            Setting(key: url.key, value: url.value.map(withoutPassword) ?? "a private PostgreSQL", origin: url.origin),
            row("schema", call[RunCommand.schema], "SHOAL_SCHEMA", config.schema, "shoal"),
            row("privacy", joined(call[SiteSettings.privacy]), "SHOAL_PRIVACY", joined(config.privacy), "off"),
            try flag("train", call[RunCommand.noTrain], "SHOAL_TRAIN", config.train),
            try flag("discover", call[RunCommand.noDiscover], "SHOAL_DISCOVER", config.discover),
            row(
                "train_hours", call[RunCommand.trainHours]?.description, "SHOAL_TRAIN_HOURS", config.trainHours,
                "all day"),
            row(
                "train_cores", call[RunCommand.trainCores].map { "\($0)" }, "SHOAL_TRAIN_CORES",
                config.trainCores.map { "\($0)" }, "1"),
            row(
                "claim_rounds", call[RunCommand.claimRounds].map { "\($0)" }, "SHOAL_CLAIM_ROUNDS",
                config.claimRounds.map { "\($0)" }, "0"),
            row(
                "inference_budget", call[RunCommand.inferenceBudget], "SHOAL_INFERENCE_BUDGET", config.inferenceBudget,
                "0"),
            row(
                "retention", call[RunCommand.retention].map { "\($0)" }, "SHOAL_RETENTION",
                config.retention.map { "\($0)" }, "off"),
            row(
                "sums_every", call[RunCommand.sumsEvery].map { "\($0)" }, "SHOAL_SUMS_EVERY",
                config.sumsEvery.map { "\($0)" }, "256"),
        ]
    }

    /// `postgresql://clinic:***@db/…`; in the form of keywords, `password=***`.
    static func withoutPassword(_ url: String) -> String {
        if let scheme = url.firstRange(of: "://"), let at = url.lastIndex(of: "@") {
            let login = url[scheme.upperBound..<at]
            guard let colon = login.firstIndex(of: ":") else { return url }
            return "\(url[..<colon]):***\(url[at...])"
        }
        return url.split(separator: " ").map { $0.hasPrefix("password=") ? "password=***" : String($0) }
            .joined(separator: " ")
    }
}
