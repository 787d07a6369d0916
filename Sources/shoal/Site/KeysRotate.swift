internal import API
internal import Glibc
internal import Site
internal import Terminal

/// `shoal keys rotate`: a site goes on under a new key.
enum KeysRotate {
    private static let yes = Flag("yes", "do it without asking")
    private static let again = Flag("again", "another one, although the site has its present key for less than a day")
    private static let patience = Option(
        "wait", .duration, default: .seconds(150), "how long to wait until the site runs under its new key")

    static let command = Command(
        "rotate", summary: "give a site a new key; it stays the same member",
        discussion: """
            The running node makes a new key, sends it the site's Koi, and tells the others with an op of the old key \
            that the new one follows. When they have given it the vote, the node begins again under it: the same graph, \
            models, settings and database, and the new key in the place of the old one. The other sites need do nothing.

            What is not carried over: Koi that is still being decided for the old key, and its open claims, offers and \
            questions. A quorum of the voting sites must run. If this is interrupted, run it again: it goes on, or \
            says that it is done. A second new key within a day takes --again.

            Destroy all copies of the old key then: with one, somebody could still sign histories of the site that was. \
            Make a copy of the new one, and a new backup.
            """,
        options: SiteSelection.options + [patience], flags: [yes, again],
        examples: [
            .init("shoal keys rotate", "asks for the network's name, to be sure"),
            .init("shoal keys rotate --site north --yes", "one of several sites of this machine, without asking"),
        ], run: run)

    private static func run(_ call: Invocation) async throws -> ExitCode {
        let (site, before) = try await reached(call) { node in
            (node.site, try await node.get("/api/keys/rotation").report(RotationReport.self))
        }
        if before.state == "none" {
            if before.isFresh(now: time(nil)), !call[again] { return try tellDone(call, site, before) }
            try confirm(call, site, before)
        }
        let begins = before.state == "none"
        let request = RotationRequest(network: before.network, again: begins && call[again] ? true : nil)
        let post = { (node: RunningNode) in
            try await node.post("/api/keys/rotation", request, timeout: .seconds(120)).report(RotationReport.self)
        }
        // What begins another key is asked once; what goes on may be asked again, and be done by then.
        let begun = begins ? try await post(RunningNode(call)) : try await reached(call, post)
        guard let next = begun.successor ?? (begins ? nil : before.successor) else {
            throw call.failure(site, "the node named no new key")
        }
        if !call[Shared.json] {
            call.console.say(
                "\(site) has told the others that it goes on as \(short(next)); they agree on its vote.")
        }
        let end = ContinuousClock().now + call[patience]
        let after = try await call.showing(site, "the others give the vote to its new key") { _ in
            try await running(under: next, call, until: end)
        }
        if let after { return try tell(call, site, before, after) }
        throw call.failure(
            site, "it does not run under its new key \(short(next)) yet",
            remedy: "It goes on by itself when a quorum of the other sites runs, or with `shoal run` if it has ended",
            exit: .unreachable)
    }

    /// Asks the node; one that has been told before may just be beginning again, under its new key.
    ///
    /// - Parameter work: may be done twice.
    private static func reached<Answer>(
        _ call: Invocation, _ work: (RunningNode) async throws -> Answer
    ) async throws -> Answer {
        let end = ContinuousClock().now + .seconds(15)
        while true {
            do {
                return try await work(RunningNode(call))
            } catch let failure as Failure where failure.exit == .unreachable {
                let directory = try? DataDirectory(finding: SiteSelection(call).path)
                guard let directory, try RunningNode.isAlive(in: directory), ContinuousClock().now < end else {
                    throw failure
                }
                try await Task.sleep(for: .milliseconds(200))
            }
        }
    }

    /// What the node says once it has the key; nil if that is not in time.
    private static func running(
        under next: String, _ call: Invocation, until end: ContinuousClock.Instant
    ) async throws -> RotationReport? {
        while ContinuousClock().now < end {
            // It ends and begins again meanwhile.
            if let node = try? RunningNode(call),
                let report = try? await node.get("/api/keys/rotation").report(RotationReport.self), report.peer == next
            {
                return report
            }
            try await Task.sleep(for: .milliseconds(200))
        }
        return nil
    }

    private static func confirm(_ call: Invocation, _ site: String, _ report: RotationReport) throws {
        if report.open.nkoi > 0 {
            call.console.complain(
                "\(report.open.koi) Koi are still being decided for the old key; it cannot spend them after that.")
        }
        if !report.certifiable, report.koi.nkoi > 0 {
            call.console.complain(
                "\(report.koi.koi) Koi stay with the old key, for ever: no other site votes that could certify their payment."
            )
        }
        guard !call[yes] else { return }
        guard isatty(STDIN_FILENO) == 1 else {
            throw call.failure(
                site, "its old key is of no use after this", remedy: "Say --yes if it is meant", exit: .usage)
        }
        call.console.complain("\(site) gets a new key, and its old one is of no use any more.")
        call.console.complain("Type the network's name, \(report.network), to go on:")
        guard readLine()?.split(separator: " ").map(String.init) == [report.network] else {
            throw call.failure(site, "that is not its name; nothing was done")
        }
    }

    /// What a second call finds.
    private static func tellDone(_ call: Invocation, _ site: String, _ report: RotationReport) throws -> ExitCode {
        if call[Shared.json] {
            try call.printJSON(report)
            return .done
        }
        let age = Duration.seconds(max(0, time(nil) - (report.since ?? 0)))
        call.console.print("\(site) runs under its new key, for \(Format.duration(age)); nothing was done now.")
        call.advise("For another one: shoal keys rotate --again")
        return .done
    }

    private static func tell(
        _ call: Invocation, _ site: String, _ before: RotationReport, _ after: RotationReport
    ) throws -> ExitCode {
        if call[Shared.json] {
            try call.printJSON(after)
            return .done
        }
        call.console.print("\(site) runs under its new key.")
        var values = KeyValues()
        values.add("peer id", after.peer)
        values.add("before", before.peer)
        call.console.print(values)
        call.advise("Destroy all copies of the old key, keep a copy of the new one, and make a new backup.")
        return .done
    }
}
