/// The production node on a seeded network, clock and store, with every invariant checked at each step.
///
/// ```
/// 0 ──────────── faults, load, ill will ───────────▶ healed ──── equal frontiers for 7 s ───▶ last checks
/// ```
public enum Simulator {
    /// How long frontiers must stay equal: longer than a start waits for peers to confirm its log.
    static let quietMs: UInt64 = 7_000
    /// Milliseconds for a write, at most, once the disks are repaired.
    static let repairedWriteMs = 50

    /// Runs one seed.
    ///
    /// - Parameter trace: is given each thing that happens, as a line of text.
    /// - Throws: the first violation, with the command that repeats it.
    public static func run(
        _ options: SimulationOptions, trace: ((String) -> Void)? = nil
    ) throws(SimulationFailure) -> SimulationReport {
        try run(options, tampering: Tampering(), trace: trace)
    }

    package static func run(
        _ options: SimulationOptions, tampering: Tampering, trace: ((String) -> Void)? = nil
    ) throws(SimulationFailure) -> SimulationReport {
        var world = World(options, tampering: tampering, trace: trace)
        do {
            let convergedMs = try live(&world)
            try world.lastChecks()
            if options.isLarge { try world.checkOverlay(healedAt: UInt64(options.faultSeconds) * 1_000) }
            return world.report(convergedMs: convergedMs)
        } catch {
            throw SimulationFailure(
                options: options, invariant: error.invariant, atMs: world.now, detail: error.detail)
        }
    }

    /// - Returns: from the end of the faults until all frontiers were equal and stayed so.
    private static func live(_ world: inout World) throws(Violation) -> UInt64 {
        world.begin()
        let healAt = UInt64(world.options.faultSeconds) * 1_000
        while world.queue.nextTime.map({ $0 < healAt }) ?? false { try world.step() }
        world.now = healAt
        try world.heal()
        var deadline = healAt + world.convergenceMs + world.businessMs
        var summed = 0
        var equalSince: UInt64?
        var poll = healAt
        while true {
            poll += 100
            while world.queue.nextTime.map({ $0 <= poll }) ?? false { try world.step() }
            world.now = poll
            let isEqual = world.hasEqualFrontiers && world.awaitingRelease.isEmpty
            if !isEqual { world.stirs() }
            equalSince = isEqual ? equalSince ?? poll : nil
            world.isQuiet = equalSince.map { poll - $0 >= quietMs / 2 } ?? false
            if let equalSince, poll - equalSince >= quietMs { return equalSince - healAt }
            // Where questions come back for ever, equal frontiers between two of them must do.
            if let equalSince, poll > deadline, world.asksInVain { return equalSince - healAt }
            guard equalSince == nil, poll > deadline else { continue }
            // Blocks of one log are certified one after the other, and there may be hundreds; but they come to an end.
            let blocks = world.summedBlocks
            guard blocks > summed else { throw Violation(.convergence, world.describeFrontiers()) }
            (summed, deadline) = (blocks, poll + world.convergenceMs)
        }
    }
}
