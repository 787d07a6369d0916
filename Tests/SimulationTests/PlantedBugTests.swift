import Federation
import Identity
import Ledger
import Peer
import Replication
import Session
import Simulation
import Testing
import Wire

/// Bugs that are planted between the node and its surroundings: each must be found, by the right check,
/// within a few seeds, and again when the command is repeated.
@Suite struct PlantedBugTests {
    /// The first failure among the seeds.
    func find(
        _ tampering: Tampering, in seeds: ClosedRange<UInt64> = 1...60, without: Set<Trouble> = []
    ) -> SimulationFailure? {
        for seed in seeds {
            let options = SimulationOptions(seed: seed, overrides: .init(without: without))
            do { _ = try Simulator.run(options, tampering: tampering) } catch { return error }
        }
        return nil
    }

    @Test func `a delta that is folded twice after a restart is found`() throws {
        var bug = Tampering()
        bug.recovered = { site, disk, recovered in
            // The store says that less is in the accumulators than is.
            guard let snapshot = recovered.snapshot, snapshot.watermark > 0 else { return }
            let last = disk.ops[Int(snapshot.watermark) - 1]
            guard last.op.header.kind == .updateModelWeights, last.void == nil else { return }
            recovered.ops[Int(snapshot.watermark) - 1] = last
            recovered.snapshot = StateSnapshot(watermark: snapshot.watermark - 1, models: snapshot.models)
        }
        let failure = try #require(find(bug))
        #expect([.sameOpsSameState, .stateIsFold].contains(failure.invariant))
    }

    @Test func `a state digest that depends on the order of arrival is found`() throws {
        var bug = Tampering()
        bug.state = { _, disk, state in
            var hasher = Hasher32(domain: "test")
            for stored in disk.ops { hasher.update(stored.op.id.bytes) }
            state = hasher.finish()
        }
        #expect(try #require(find(bug)).invariant == .sameOpsSameState)
    }

    @Test func `a node that trusts its database more than its journal is found`() throws {
        var bug = Tampering()
        bug.recovered = { _, disk, recovered in
            // What a node would see that took its own last stored op for the last it signed.
            guard let last = disk.journal.last,
                let op = disk.ops.last(where: { $0.op.envelope.count > 0 && isOwn($0, last) })
            else { return recovered.journal = [] }
            recovered.journal = [JournalEntry(envelope: op.op.envelope, body: op.body)]
        }
        // Where all can dial all, the one of the two ops that is lost may be missed before the other is seen.
        let failure = try #require(find(bug, without: [.discovery]))
        #expect(failure.invariant == .oneOpAPlace, "\(failure)")
    }

    @Test func `a store that applies a batch twice is found`() throws {
        var bug = Tampering()
        bug.batch = { site, batch in
            guard site == 0, batch.number == 2 else { return }
            batch = StoreBatch(number: 2, ops: batch.ops + batch.ops, signed: batch.signed)
        }
        #expect(try #require(find(bug)).invariant == .appliedOnce)
    }

    @Test func `a store that loses an op is found`() throws {
        var bug = Tampering()
        bug.batch = { site, batch in
            guard site == 1, batch.number == 3 else { return }
            batch = StoreBatch(number: 3, ops: Array(batch.ops.dropLast()), signed: batch.signed)
        }
        #expect([.contract, .appliedOnce].contains(try #require(find(bug)).invariant))
    }

    @Test func `a failure names the command that repeats it`() throws {
        var bug = Tampering()
        bug.state = { site, _, state in if site == 0 { state = .zero } }
        let failure = try #require(find(bug))
        #expect(failure.description.contains("shoal simulate --seed \(failure.options.seed)"))
        let again = #expect(throws: SimulationFailure.self) { try Simulator.run(failure.options, tampering: bug) }
        #expect(again == failure)
    }
}

@Suite struct ShrinkingTests {
    @Test func `a failure is repeated with as little going on as it needs`() throws {
        var bug = Tampering()
        bug.state = { site, _, state in if site == 1 { state = .zero } }
        let options = SimulationOptions(seed: 2)
        let failure = #expect(throws: SimulationFailure.self) { try Simulator.run(options, tampering: bug) }
        var shrinking = Shrinking(try #require(failure), budget: 120)
        shrinking.run(bug)
        let least = shrinking.failure.options
        #expect(least.nodes == 2 && least.hostiles.isEmpty && !least.movesKoi && least.crashEverySeconds == nil)
        #expect(least.submissions < options.submissions && least.faultSeconds < options.faultSeconds)
        let again = #expect(throws: SimulationFailure.self) { try Simulator.run(least, tampering: bug) }
        #expect(again == shrinking.failure, "the command repeats it")
        #expect(least.command.contains("--seconds \(least.faultSeconds)"))
    }

    @Test func `what is left out changes nothing else that the seed has chosen`() {
        for seed in 1...50 as ClosedRange<UInt64> {
            let all = SimulationOptions(seed: seed)
            let less = SimulationOptions(seed: seed, overrides: .init(without: [.crashes, .koi]))
            #expect(less.crashEverySeconds == nil && !less.movesKoi)
            #expect(less.hostiles == all.hostiles && less.latencyMs == all.latencyMs && less.nodes == all.nodes)
            #expect(less.pauseEverySeconds == all.pauseEverySeconds && less.decides == all.decides)
        }
    }
}

#if DEBUG
    /// Bugs in the machines themselves, of the five kinds that matter most: each switched on by a test, absent from a release
    /// build, and found by the simulator within 1,000 seeds, mostly within ten.
    @Suite struct MachineBugTests {
        private func find(
            in seeds: ClosedRange<UInt64> = 1...1_000, seconds: Int? = nil,
            where isApt: (SimulationOptions) -> Bool = { _ in true }
        ) -> SimulationFailure? {
            for seed in seeds {
                let options = SimulationOptions(seed: seed, overrides: .init(seconds: seconds))
                guard isApt(options) else { continue }
                do { _ = try Simulator.run(options) } catch { return error }
            }
            return nil
        }

        @Test func `a delta that is applied twice is found`() throws {
            let failure = try #require(PeerBugs.$appliesTwice.withValue(true) { find() })
            #expect([.sameOpsSameState, .stateIsFold].contains(failure.invariant), "\(failure)")
        }

        @Test func `a fork check that is skipped is found`() throws {
            // Only who lies with a fork while the network is parted can show that: else the branch that spreads first is all
            // that anybody holds. Short and small runs, since one that never comes to rest goes on for a multiple of its faults.
            let failure = try #require(
                PeerBugs.$skipsForkCheck.withValue(true) {
                    find(seconds: 8) {
                        $0.partitionEverySeconds != nil && $0.nodes < 5
                            && ($0.hostiles.contains(.equivocator) || $0.hostiles.contains(.spender))
                    }
                })
            // Where a log forks unseen, somebody waits for ever for what its branch builds on, or the two never agree.
            #expect(
                [.convergence, .sameOpsSameState, .oneOpAPlace, .contract].contains(failure.invariant), "\(failure)")
        }

        @Test func `a merge that goes through floating point is found`() throws {
            let failure = try #require(
                FederationBugs.$mergesInFloat.withValue(true) { find { $0.largeBodies && $0.nodes < 5 } })
            #expect([.sameOpsSameState, .stateIsFold].contains(failure.invariant))
        }

        @Test func `credit that is lost is found`() throws {
            // A quarter of a window must have been used.
            let failure = try #require(
                SessionBugs.$losesCredit.withValue(true) { find { $0.hugeBodies || $0.burst > 50 } })
            #expect([.creditReturns, .convergence, .durableArrives].contains(failure.invariant))
        }

        @Test func `a digest over an unsorted dictionary is found`() throws {
            let failure = try #require(LedgerBugs.$digestsUnsorted.withValue(true) { find { $0.movesKoi } })
            #expect([.sameOpsSameState, .stateIsFold].contains(failure.invariant))
        }
    }
#endif

/// Whether the journal's author wrote this op.
private func isOwn(_ stored: StoredOp, _ record: JournalEntry) -> Bool {
    record.envelope.firstRange(of: stored.op.header.author.bytes) != nil
}
