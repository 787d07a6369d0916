internal import Benchmark
internal import Terminal

extension BenchQuality {
    /// The figures for people.
    static func tell(_ console: Console, _ report: QualityReport) {
        let seeds = report.seeds.map { "\($0)" }.joined(separator: ", ")
        console.print(
            "\(report.dataset): filtered MRR on \(report.asked.rawValue) triples, two-sided; mean (lowest to highest) of seeds \(seeds)"
        )
        console.print()
        var table = Table(
            .text(report.sites.count > 1 ? "site" : "graph"), .number("questions"), .number("isolated"),
            .number("federated"), .number("pooled"), .text("federated against isolated"))
        if report.sites.count > 1 {
            for site in report.sites {
                table.add(
                    site.name, Format.count(site.queries), mrr(site.isolated), mrr(site.federated), mrr(site.pooled),
                    gain(site.gain))
            }
        }
        table.add(
            report.sites.count > 1 ? "all" : report.dataset,
            Format.count(report.sites.reduce(0) { $0 + $1.queries }), spread(report.isolated),
            spread(report.federated), spread(report.pooled), "", emphasis: .strong)
        console.print(table)
        console.print()
        var values = KeyValues()
        for (name, figures) in [
            ("isolated", report.isolated), ("federated", report.federated), ("pooled", report.pooled),
        ] {
            guard let figures else { continue }
            values.add(
                name, "Hits@1 \(Format.percent(figures.hits1.mean)), Hits@10 \(Format.percent(figures.hits10.mean))")
        }
        if let closed = report.gapClosed { values.add("of the gap", "\(Format.percent(closed, digits: 0)) is closed") }
        if let bytes = report.bytesPerRound {
            values.add("sent", "\(Format.bytes(Int(bytes))) a site and round")
        }
        values.add("model", "\(Format.count(report.parameters)) weights for the vocabulary of all")
        console.print(values)
        console.print()
        if let rules = report.rules { tell(console, rules) }
    }

    private static func tell(_ console: Console, _ rules: QualityReport.RulesReport) {
        var table = Table(
            .text("site"), .number("rules"), .number("\(rules.arm.rawValue) model"), .number("both"),
            .text("rules help"))
        for site in rules.sites {
            table.add(site.name, mrr(site.alone), mrr(site.model), mrr(site.both), gain(site.gain))
        }
        table.add(
            "all", spread(rules.alone), spread(rules.model), spread(rules.both), gain(rules.gain), emphasis: .strong)
        console.print(table)
        console.print()
        for exchange in rules.exchanges {
            var values = KeyValues()
            values.add("mined", "\(Format.count(exchange.mined)) rules in \(Format.fixed(exchange.miningSeconds, 1)) s")
            if exchange.proposed > 0 {
                values.add(
                    "proposed",
                    "\(exchange.proposed): \(exchange.accepted) accepted by sites that verified them, "
                        + "\(exchange.rejected) rejected, \(exchange.undecided) undecided")
            }
            if exchange.undecided > 0, exchange.accepted + exchange.rejected == 0 {
                values.add("why", "no two other sites know the relations of any rule: nothing can be verified")
            }
            console.print(values)
            console.print()
        }
    }

    /// One line a data set.
    static func summarise(_ console: Console, _ reports: [QualityReport]) {
        var table = Table(
            .text("data"), .number("isolated"), .number("federated"), .number("pooled"), .number("gap closed"),
            .number("sites below isolated"), .number("sent a round"))
        for report in reports {
            let gains = report.sites.compactMap(\.gain)
            table.add(
                report.dataset, spread(report.isolated), spread(report.federated), spread(report.pooled),
                report.gapClosed.map { Format.percent($0, digits: 0) } ?? "–",
                gains.isEmpty ? "–" : "\(gains.count { $0.isBelow }) of \(gains.count)",
                report.bytesPerRound.map { Format.bytes(Int($0)) } ?? "–")
        }
        console.print(table)
    }

    /// What privacy settings cost, one line a training.
    static func tellPrivacy(_ console: Console, _ reports: [QualityReport]) {
        var table = Table(
            .text("data"), .text("settings"), .number("federated"), .number("epsilon"), .number("withheld a site"),
            .number("median norm"), .number("sent a round"))
        for report in reports {
            guard let privacy = report.privacy else { continue }
            table.add(
                report.dataset, privacy.settings.isEmpty ? "off" : privacy.settings.joined(separator: " "),
                spread(report.federated), privacy.epsilon.map { Format.fixed($0, $0 < 100 ? 1 : 0) } ?? "no bound",
                Format.fixed(privacy.withheld, 1), privacy.medianNorm.map { Format.fixed($0, 2) } ?? "–",
                report.bytesPerRound.map { Format.bytes(Int($0)) } ?? "–")
        }
        console.print(table)
    }

    private static func mrr(_ figures: QualityReport.Figures?) -> String {
        figures.map { Format.fixed($0.mrr.mean, 3) } ?? "–"
    }

    private static func spread(_ figures: QualityReport.Figures?) -> String {
        guard let mrr = figures?.mrr else { return "–" }
        return "\(Format.fixed(mrr.mean, 3)) (\(Format.fixed(mrr.low, 3)) to \(Format.fixed(mrr.high, 3)))"
    }

    private static func gain(_ gain: QualityReport.Gain?) -> String {
        guard let gain else { return "" }
        let word = gain.isBelow ? "below" : gain.isAbove ? "above" : "no significant difference"
        return "\(word): \(signed(gain.difference)) (\(signed(gain.low)) to \(signed(gain.high)))"
    }

    private static func signed(_ value: Double) -> String { (value < 0 ? "-" : "+") + Format.fixed(abs(value), 3) }
}
