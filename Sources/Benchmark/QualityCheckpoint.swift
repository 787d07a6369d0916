internal import Federation
internal import FoundationEssentials
internal import Learning
internal import Site
internal import Wire

/// What one training came to.
struct QualityOutcome {
    /// For each site the ranks of its test questions; none where it was not asked.
    var ranks: [[Double]]
    /// Mean bytes of a site's deltas per round.
    var bytesPerRound: Double?
}

/// Finished trainings and the state of the last one, in a file that is replaced as a whole.
///
/// ```
/// [1, settings, [stage, bytes per round, [ranks…]]…, stage of the state, state]
/// ```
/// Ranks are stored doubled, as little-endian UInt32: ties give halves.
struct QualityCheckpoint {
    private let path: String?
    private let fingerprint: String
    private var outcomes: [(stage: String, outcome: QualityOutcome)] = []
    private var running: (stage: String, state: Bytes)?

    private static let limit = 1 << 31

    /// Reads the file if there is one.
    init(path: String?, fingerprint: String) throws {
        self.path = path
        self.fingerprint = fingerprint
        guard let path, FileManager.default.fileExists(atPath: path) else { return }
        do {
            try read(try Files.read(path, limit: Self.limit))
        } catch is CBORError {
            throw BenchmarkError.damagedCheckpoint
        }
    }

    func outcome(of stage: QualityRun.Stage) -> QualityOutcome? {
        outcomes.first { $0.stage == stage.description }?.outcome
    }

    /// Ranks that were measured with the weights of a training.
    func ranks(of stage: QualityRun.Stage, with measure: String) -> [[Double]]? {
        outcomes.first { $0.stage == "\(stage) \(measure)" }?.outcome.ranks
    }

    mutating func add(_ ranks: [[Double]], of stage: QualityRun.Stage, with measure: String) throws {
        outcomes.append(("\(stage) \(measure)", QualityOutcome(ranks: ranks)))
        try write()
    }

    func ranks(of stage: QualityRun.Stage) -> [[Double]]? { outcome(of: stage)?.ranks }

    func state(of stage: QualityRun.Stage) -> Bytes? {
        running.flatMap { $0.stage == stage.description ? $0.state : nil }
    }

    mutating func save(_ stage: QualityRun.Stage, _ state: Bytes) throws {
        running = (stage.description, state)
        try write()
    }

    /// - Parameter state: kept until another training begins: what is measured with its weights later need not train.
    mutating func finish(_ stage: QualityRun.Stage, _ outcome: QualityOutcome, state: Bytes? = nil) throws {
        outcomes.removeAll { $0.stage == stage.description }
        outcomes.append((stage.description, outcome))
        running = state.map { (stage.description, $0) }
        try write()
    }

    private func write() throws {
        guard let path else { return }
        var encoder = CBOREncoder()
        encoder.array(5)
        encoder.uint(1)
        encoder.text(fingerprint)
        encoder.array(3 * outcomes.count)
        for (stage, outcome) in outcomes {
            encoder.text(stage)
            encoder.uint((outcome.bytesPerRound ?? -1).bitPattern)
            encoder.array(outcome.ranks.count)
            for ranks in outcome.ranks {
                encoder.bytes(ranks.flatMap { withUnsafeBytes(of: UInt32($0 * 2).littleEndian) { Bytes($0) } })
            }
        }
        encoder.text(running?.stage ?? "")
        encoder.bytes(running?.state ?? [])
        try Files.write(encoder.bytes, to: path)
    }

    private mutating func read(_ bytes: Bytes) throws {
        var decoder = CBORDecoder(bytes)
        try decoder.array(exactly: 5)
        _ = try decoder.uint(max: 1)
        let found = try decoder.text(max: 10_000)
        guard found == fingerprint else { throw BenchmarkError.otherRun("'\(found)', not '\(fingerprint)'") }
        for _ in 0..<(try decoder.array(max: 30_000)) / 3 {
            let stage = try decoder.text(max: 1_000)
            let bytesPerRound = Double(bitPattern: try decoder.uint())
            var ranks: [[Double]] = []
            for _ in 0..<(try decoder.array(max: 10_000)) {
                let packed = try decoder.bytes(max: Self.limit)
                guard packed.count.isMultiple(of: 4) else { throw BenchmarkError.damagedCheckpoint }
                ranks.append(
                    packed.withUnsafeBytes { raw in
                        (0..<raw.count / 4).map {
                            Double(UInt32(littleEndian: raw.loadUnaligned(fromByteOffset: 4 * $0, as: UInt32.self))) / 2
                        }
                    })
            }
            outcomes.append(
                (stage, QualityOutcome(ranks: ranks, bytesPerRound: bytesPerRound < 0 ? nil : bytesPerRound)))
        }
        let stage = try decoder.text(max: 1_000)
        let state = try decoder.bytes(max: Self.limit)
        try decoder.end()
        if !stage.isEmpty { running = (stage, state) }
    }
}

extension QualityPlan {
    /// Everything on which a figure depends, but for the seeds and arms that were asked for.
    func fingerprint(of data: QualityData) -> String {
        var what = [
            data.name, "\(data.sites.count) sites", "\(data.everything.count) triples",
            "dim \(shape.dim) heads \(shape.heads) layers \(shape.layers) context \(shape.context)",
            "rounds \(rounds) steps \(steps.map { "\($0)" } ?? "usual") batch \(batch) hops \(hops) all answers \(allAnswers) floor \(rateFloor)",
            "top rows \(topRows.map { "\($0)" } ?? "all") coarseness \(coarseness) delay \(delay)", "\(options)",
        ]
        if lookahead != Lookahead.share { what.append("lookahead \(lookahead)") }
        if !privacy.isOff { what.append("privacy \(privacy.words.joined(separator: " "))") }
        if asked != .test { what.append("asked \(asked.rawValue)") }
        return what.joined(separator: ", ")
    }
}
