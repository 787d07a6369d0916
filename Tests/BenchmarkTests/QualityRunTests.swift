import Benchmark
import Federation
import FoundationEssentials
import Testing

@Suite struct QualityRunTests {
    @Test func `three sites are trained alone, together and pooled, and all their copies agree`() throws {
        let folder = try Folder.ring(nodes: 24, sites: 3)
        var losses: [QualityRun.Stage: [Float]] = [:]
        let report = try QualityRun(try QualityData(folder: folder.path), try smallPlan()).run {
            losses[$0.stage, default: []].append($0.figures.loss)
        }
        #expect(report.sites.map(\.name) == ["0", "1", "2"])
        #expect(losses.count == 5, "three sites alone, all together, one pooled model")
        #expect(losses.values.allSatisfy { $0.count == 6 && $0[5] < $0[0] }, "every one learns")
        for figures in [report.isolated, report.federated, report.pooled] {
            let mrr = try #require(figures).mrr
            #expect(mrr.mean > 0 && mrr.mean < 1 && mrr.low <= mrr.mean && mrr.mean <= mrr.high)
        }
        #expect(try #require(report.bytesPerRound) > 500, "real bodies were sent")
        #expect(report.sites.allSatisfy { $0.gain != nil && $0.queries > 0 })
    }

    @Test func `one graph is one model`() throws {
        let folder = try Folder.ring(nodes: 24, sites: 1)
        let report = try QualityRun(try QualityData(folder: folder.path), try smallPlan()).run { _ in }
        #expect(report.isolated == nil && report.federated == nil && report.bytesPerRound == nil)
        #expect(try #require(report.pooled).mrr.mean > 0)
        #expect(report.sites.count == 1)
    }

    @Test func `the same plan gives the same figures, with one core and with two`() throws {
        let folder = try Folder.ring(nodes: 18, sites: 2)
        let data = try QualityData(folder: folder.path)
        var plan = try smallPlan()
        plan.arms = [.federated]
        let one = try QualityRun(data, plan).run { _ in }
        plan.threads = 2
        let two = try QualityRun(data, plan).run { _ in }
        #expect(one.federated?.mrr.mean == two.federated?.mrr.mean)
        #expect(one.bytesPerRound == two.bytesPerRound)
    }

    @Test func `fewer rows make smaller deltas, and so do coarser values`() throws {
        let folder = try Folder.ring(nodes: 60, sites: 2)
        let data = try QualityData(folder: folder.path)
        var plan = try smallPlan(rounds: 3)
        plan.arms = [.federated]
        plan.coarseness = 0
        let all = try #require(try QualityRun(data, plan).run { _ in }.bytesPerRound)
        plan.topRows = 8
        let few = try #require(try QualityRun(data, plan).run { _ in }.bytesPerRound)
        plan.topRows = nil
        plan.coarseness = 5
        let coarse = try #require(try QualityRun(data, plan).run { _ in }.bytesPerRound)
        #expect(few < all && coarse < all)
    }

    @Test func `a site without a triple takes part and is not asked`() throws {
        let folder = try Folder.ring(nodes: 18, sites: 2)
        try folder.write("2/train.txt", [])
        let report = try QualityRun(try QualityData(folder: folder.path), try smallPlan(rounds: 2)).run { _ in }
        #expect(report.sites[2].queries == 0 && report.sites[2].gain == nil)
        #expect(report.federated != nil)
    }

    @Test(arguments: QualityPlan.Arm.allCases)
    func `a run that was stopped goes on where it was`(arm: QualityPlan.Arm) throws {
        struct Stopped: Error {}
        let folder = try Folder.ring(nodes: 18, sites: 2)
        let data = try QualityData(folder: folder.path)
        var plan = try smallPlan(rounds: 5)
        plan.arms = [arm]
        let file = "\(folder.path)/run"
        let first = try QualityRun(data, plan, checkpoint: file, checkpointEvery: .zero)
        #expect(throws: Stopped.self) {
            try first.run { if $0.figures.round == 3 { throw Stopped() } }
        }
        var rounds: [Int] = []
        let second = try QualityRun(data, plan, checkpoint: file, checkpointEvery: .zero)
        let report = try second.run { rounds.append($0.figures.round) }
        #expect(rounds.prefix(2) == [4, 5])
        #expect([report.isolated, report.federated, report.pooled].contains { $0 != nil })
        // Finished trainings are not repeated.
        _ = try QualityRun(data, plan, checkpoint: file).run { _ in Issue.record("nothing is left to train") }
    }

    @Test func `a checkpoint of another run is refused, and one that is damaged`() throws {
        let folder = try Folder.ring(nodes: 18, sites: 1)
        let data = try QualityData(folder: folder.path)
        let file = "\(folder.path)/run"
        _ = try QualityRun(data, try smallPlan(rounds: 1), checkpoint: file).run { _ in }
        #expect(throws: BenchmarkError.self) { try QualityRun(data, try smallPlan(rounds: 2), checkpoint: file) }
        let whole = try #require(FileManager.default.contents(atPath: file))
        for length in [0, 1, whole.count / 2, whole.count - 1] {
            try whole.prefix(length).write(to: URL(filePath: file))
            #expect(throws: BenchmarkError.damagedCheckpoint) {
                try QualityRun(data, try smallPlan(rounds: 1), checkpoint: file)
            }
        }
    }

    @Test func `a folder without triples is refused`() throws {
        let folder = Folder()
        try folder.write("0/train.txt", [])
        #expect(throws: BenchmarkError.nothingToLearn(folder.path)) { try QualityData(folder: folder.path) }
        let missing = "\(folder.path)/missing"
        #expect(throws: BenchmarkError.unreadable(missing)) { try QualityData(folder: missing) }
    }

    @Test func `privacy settings are applied to what sites send, and their epsilon is told`() throws {
        let folder = try Folder.ring(nodes: 24, sites: 2)
        let data = try QualityData(folder: folder.path)
        func run(_ settings: String...) throws -> (mrr: Double, bytes: Double, privacy: QualityReport.Privacy) {
            var plan = try smallPlan()
            plan.arms = [.federated]
            plan.privacy = try PrivacyPolicy(settings)
            let report = try QualityRun(data, plan).run { _ in }
            return (
                try #require(report.federated).mrr.mean, try #require(report.bytesPerRound),
                try #require(report.privacy)
            )
        }
        let off = try run("off")
        #expect(off.privacy.epsilon == nil && off.privacy.withheld == 0 && off.privacy.settings.isEmpty)
        let norm = try #require(off.privacy.medianNorm)
        #expect(norm > 0)
        let noised = try run("clip=0.4", "noise=3")
        var accountant = PrivacyAccountant()
        for _ in 0..<6 { accountant.record(try PrivacyPolicy(["clip=0.4", "noise=3"])) }
        #expect(noised.privacy.epsilon == accountant.epsilon(delta: 1e-5))
        #expect(noised.mrr != off.mrr, "another model")
        let clipped = try run("clip=1e-9")
        #expect(clipped.bytes < off.bytes && clipped.privacy.epsilon == nil, "next to nothing is sent")
        let withheld = try run("min-edges=5")
        #expect(withheld.privacy.withheld > 0 && withheld.bytes < off.bytes)
        // The first rounds use it up.
        let budget = accountant.epsilon(delta: 1e-5) * 0.7
        let spent = try run("clip=0.4", "noise=3", "budget=\(budget)")
        #expect(try #require(spent.privacy.epsilon) <= budget && spent.bytes < noised.bytes)
    }

    @Test func `a round that begins beyond the merged weights learns something else`() throws {
        let folder = try Folder.ring(nodes: 24, sites: 2)
        let data = try QualityData(folder: folder.path)
        var plan = try smallPlan()
        plan.arms = [.federated]
        let half = try QualityRun(data, plan).run { _ in }.federated?.mrr.mean
        plan.lookahead = 0
        #expect(try QualityRun(data, plan).run { _ in }.federated?.mrr.mean != half)
    }

    @Test func `rules are measured beside the model, and what sites verify of each other is counted`() throws {
        let folder = try Folder.ring(nodes: 36, sites: 3)
        var plan = try smallPlan(rounds: 2)
        plan.arms = [.federated]
        plan.ruleRounds = 3
        let data = try QualityData(folder: folder.path)
        let file = "\(folder.path)/run"
        let report = try QualityRun(data, plan, checkpoint: file).run { _ in }
        let rules = try #require(report.rules)
        #expect(rules.sites.count == 3 && rules.sites.allSatisfy { $0.alone != nil && $0.both != nil })
        #expect(rules.model?.mrr.mean == report.federated?.mrr.mean)
        let exchange = try #require(rules.exchanges.first)
        #expect(exchange.proposed > 0 && exchange.accepted > 0)
        #expect(exchange.proposed == exchange.accepted + exchange.rejected + exchange.undecided)
        // From the checkpoint, with more threads, the same.
        plan.threads = 2
        let again = try QualityRun(data, plan, checkpoint: file).run { _ in Issue.record("nothing is left to train") }
        #expect(again.rules?.both?.mrr.mean == rules.both?.mrr.mean)
        let other = try QualityRun(data, plan).run { _ in }
        #expect(other.rules?.both?.mrr.mean == rules.both?.mrr.mean)
    }

    @Test func `where relations are disjoint nothing can be verified`() throws {
        let folder = Folder()
        for site in 0..<3 {
            let lines = (0..<20).map { "n\($0)\tr\(site)\tn\(($0 + 1) % 20)" }
            let more = (0..<20).map { "n\($0)\ts\(site)\tn\(($0 + 1) % 20)" }
            try folder.write("\(site)/train.txt", lines + more.dropLast(3))
            try folder.write("\(site)/test.txt", Array(more.suffix(3)))
        }
        var plan = try smallPlan(rounds: 1)
        plan.arms = [.federated]
        plan.ruleRounds = 2
        let report = try QualityRun(try QualityData(folder: folder.path), plan).run { _ in }
        let exchange = try #require(report.rules?.exchanges.first)
        #expect(exchange.proposed > 0 && exchange.undecided == exchange.proposed)
    }
}
