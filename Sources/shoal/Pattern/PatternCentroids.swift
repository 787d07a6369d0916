internal import API
internal import Terminal

/// `shoal pattern centroids`: from where people go where, as the choices of this site show it.
enum PatternCentroids {
    private static let agent = Option<String?>("agent", .text.named("NAME"), "of this agent's model (default: of all)")

    static let command = Command(
        "centroids", summary: "where people go from where, as this site's choices show it",
        discussion: """
            `shoal pattern mine --centroids` finds them. CONFIDENCE is (1 - the deviation of the choices' quality) x \
            (1 - 1 / (CHOICES + 1)), where quality is 1 / the rank at which the choice was shown. Above 80 % a centroid \
            ranks searches and can be proposed to the others.
            """,
        options: [agent],
        examples: [
            .init("shoal pattern centroids", "the most valuable first"),
            .init("shoal pattern centroids --agent docs --json", "for a program"),
        ]
    ) { call in
        let reply = try await RunningNode(call).get(
            "/api/patterns/centroids", call[agent].map { [("agent", $0)] } ?? [])
        guard !call[Shared.json] else {
            call.printJSON(reply)
            return .done
        }
        let centroids = try reply.report([CentroidReport].self)
        guard !centroids.isEmpty else {
            call.console.print("Nothing was found yet.")
            call.suggest("To look at what was chosen:", "pattern mine --centroids")
            return .done
        }
        var table = Table(
            .text("ID", minimum: 12), .number("CONFIDENCE"), .number("CHOICES"), .text("RANKS"),
            .text("CENTROID", minimum: 30))
        for centroid in centroids {
            table.add(
                short(centroid.id), Format.percent(centroid.confidence), Format.count(centroid.size),
                centroid.applied ? "yes" : "", printable(centroid.words))
        }
        call.console.print(table)
        return .done
    }

    static func mine(_ call: Invocation, seed: Int) async throws -> ExitCode {
        let reply = try await RunningNode(call).post(
            "/api/patterns/centroids", CentroidMineRequest(seed: seed), timeout: nil)
        guard !call[Shared.json] else {
            call.printJSON(reply)
            return .done
        }
        let report = try reply.report(CentroidMineReport.self)
        var values = KeyValues()
        values.add("choices", Format.count(report.trajectories))
        values.add("of trained graph nodes", Format.count(report.readable))
        values.add("centroids", "\(Format.count(report.centroids)), \(Format.count(report.applied)) rank searches")
        call.console.print(values)
        call.suggest("To see them:", "pattern centroids")
        return .done
    }
}
