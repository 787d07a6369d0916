internal import Daemon
internal import Site
internal import Terminal

/// `shoal doctor`: everything that a site keeps, looked at while its node does not run.
enum DoctorCommand {
    private static let rebuild = Flag(
        "rebuild", "calculate every table that follows from the ops anew, and prove that the state is theirs")

    static let command = Command(
        "doctor", summary: "look for damage while the node does not run (exit code 1 if there is any)",
        discussion: """
            Checks the modes of secret files, every signature, chain and body, the sign journal against the database, and \
            whether the stored sums are those of the ops. Modes are repaired; for all else it says what to do.
            """,
        options: SiteSelection.options, flags: [rebuild, Shared.json],
        examples: [
            .init("shoal doctor", "is everything whole?"),
            .init("shoal doctor --rebuild", "when the digest differs from everybody else's"),
        ]
    ) { call in
        let report = try await Doctor.examine(try options(call), rebuilds: call[rebuild])
        if call[Shared.json] {
            try call.printJSON(report)
        } else {
            tell(call.console, report)
        }
        return report.isWell ? .done : .no
    }

    private static func options(_ call: Invocation) throws -> DaemonOptions {
        let directory = try DataDirectory(existing: SiteSelection(call).path)
        let config = try SiteConfig.load(directory.configPath)
        guard let key = config.key, let network = config.network else {
            throw call.failure(
                config.name.text, "the site has no key, or has not joined a network yet",
                remedy: "See `shoal init` and `shoal join`", exit: .unreachable)
        }
        return DaemonOptions(
            dataDirectory: directory.path, key: SiteConfig.resolve(key, in: directory.path),
            network: SiteConfig.resolve(network, in: directory.path), databaseURL: config.databaseURL,
            schema: variable("SHOAL_SCHEMA") ?? config.schema ?? "shoal")
    }

    private static func tell(_ console: Console, _ report: DoctorReport) {
        let style = console.style
        for finding in report.findings {
            let mark =
                switch finding.kind {
                case .fault: style.red("✗")
                case .repaired: style.green("✓ repaired:")
                case .note: "·"
                }
            console.print("\(mark) \(finding.part): \(printable(finding.what))")
            if !finding.remedy.isEmpty { console.say("  \(printable(finding.remedy))") }
        }
        let extent = "\(counted(report.ops, "op")), \(counted(report.bodies, "body", "bodies"))"
        let digest = report.calculatedDigest.map { ", state \(short($0))" } ?? ""
        if report.wasRebuilt, report.storedDigest == report.calculatedDigest {
            console.say(
                "Everything that follows from the ops will be written anew; it is the same to the bit\(digest).")
        }
        console.say(report.isWell ? "\(style.green("✓")) \(extent)\(digest): all is whole." : "\(extent)\(digest).")
    }
}
