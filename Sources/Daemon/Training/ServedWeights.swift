internal import Identity
internal import API
internal import Learning
internal import Synchronization
internal import Wire

/// What a site answers with: the merged weights of the moment, or its adaptation of them where that is better.
struct ServedState: Sendable {
    /// MRR of each on the site's probe.
    let merged: Double
    let adapted: Double?
    /// What the adapted weights must be above to be served, see ``HomeScore/bar(for:)``.
    let bar: Double
    let source: Probe.Source
    let questions: Int
    /// The adapted weights, whether they are served or not.
    let weights: SavedWeights?

    var servesAdapted: Bool { weights != nil && adapted.map { $0 > bar } ?? false }

    var report: ServedReport {
        ServedReport(
            weights: servesAdapted ? "adapted" : "merged", mergedMrr: merged, adaptedMrr: adapted,
            measuredOn: source.rawValue, questions: questions)
    }
}

extension ServedState {
    /// `[2, merged, adapted or null, source, questions, weights or null, bar]`, numbers as their bits; version 1 had
    /// no bar.
    var bytes: Bytes {
        var encoder = CBOREncoder()
        encoder.array(7)
        encoder.uint(2)
        encoder.uint(merged.bitPattern)
        if let adapted { encoder.uint(adapted.bitPattern) } else { encoder.null() }
        encoder.text(source.rawValue)
        encoder.uint(UInt64(questions))
        encoder.optionalBytes(weights?.bytes)
        encoder.uint(bar.bitPattern)
        return encoder.bytes
    }

    init(bytes: Bytes) throws(CBORError) {
        var decoder = CBORDecoder(bytes)
        let isFirstVersion = try decoder.array(max: 7) == 6
        _ = try decoder.uint(max: 2)
        merged = Double(bitPattern: try decoder.uint())
        adapted = try decoder.null() ? nil : Double(bitPattern: try decoder.uint())
        let name = try decoder.text(max: 32)
        guard let source = Probe.Source(rawValue: name) else {
            throw .outOfRange(at: 0, what: "a probe of '\(name)'")
        }
        self.source = source
        questions = try decoder.count(max: .max)
        weights = try decoder.optionalBytes(max: SavedWeights.maxBytes).map { (bytes) throws(CBORError) in
            try SavedWeights(bytes: bytes)
        }
        // What an earlier version served by its own measure alone is measured again before it is served.
        bar = isFirstVersion ? .infinity : Double(bitPattern: try decoder.uint())
        try decoder.end()
    }
}

/// The served state of each model: in the database, and in memory since every question needs it.
final class ServedWeights: Sendable {
    private let states: TrainerStates
    private let known = Mutex<[ModelID: ServedState?]>([:])

    init(_ states: TrainerStates) { self.states = states }

    /// Nil before anything was measured.
    func state(of model: ModelID) async throws -> ServedState? {
        if let state = known.withLock({ $0[model] }) { return state }
        let stored = try await states.served(of: model)
        return known.withLock { known in
            // What was kept meanwhile is newer.
            if let newer = known[model] { return newer }
            known[model] = .some(stored)
            return stored
        }
    }

    /// - Parameter isNew: whether there may be other weights in it; figures alone are not worth a write.
    func keep(_ state: ServedState, isNew: Bool, of model: ModelID) async throws {
        let before = try await self.state(of: model)
        known.withLock { $0[model] = .some(state) }
        if isNew || before?.servesAdapted != state.servesAdapted { try await states.save(state, of: model) }
    }

    /// Reads everything anew: the database has changed.
    func drop() { known.withLock { $0 = [:] } }

    /// The adapted weights, if they are better and follow this vocabulary.
    func adapted(of model: ModelID, tokens: [TokenID]) async throws -> Parameters? {
        guard let state = try await state(of: model), state.servesAdapted, let weights = state.weights,
            weights.tokens == tokens
        else { return nil }
        return weights.parameters
    }
}
