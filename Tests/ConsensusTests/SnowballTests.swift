import Consensus
import Identity
import Testing
import Wire

@Suite struct SnowballTests {
    /// A network whose members say yes in this share of cases; liars say what the sample would rather not hear.
    private func run(_ count: Int, yes: Int, seed: UInt8, silent: Set<Int> = []) -> (result: Bool?, rounds: UInt64) {
        let members = (0..<count).map { index -> PeerID in
            PeerID(Bytes(repeating: UInt8(index / 256), count: 31) + [UInt8(index % 256)])!
        }
        let says = Dictionary(uniqueKeysWithValues: members.enumerated().map { ($1, $0 < yes) })
        let mute = Set(silent.map { members[$0] })
        var snowball = Snowball(members: members, own: false, seed: Bytes(repeating: seed, count: 32))
        var effects = snowball.start()
        while let effect = effects.first {
            effects.removeFirst()
            switch effect {
            case .ask(let chosen, let round):
                #expect(Set(chosen).count == 20)
                for peer in chosen where !mute.contains(peer) {
                    effects += snowball.answered(peer, round: round, says[peer])
                }
                if chosen.contains(where: mute.contains) { effects += snowball.expired(round: round) }
            case .decided(let answer): return (answer, snowball.round)
            case .undecided: return (nil, snowball.round)
            }
        }
        Issue.record("it stops without a result")
        return (nil, 0)
    }

    @Test func `nine of ten of two hundred decide in as few rounds as there are successes`() {
        for seed: UInt8 in 0..<20 {
            let run = run(200, yes: 180, seed: seed)
            #expect(run.result == true)
            #expect(run.rounds < 60)
        }
    }

    @Test func `what few believe is not worth asking`() {
        for seed: UInt8 in 0..<20 { #expect(run(200, yes: 20, seed: seed).result == false) }
    }

    @Test func `an evenly split network ends undecided, and ends`() {
        var undecided = 0
        for seed: UInt8 in 0..<20 where run(100, yes: 50, seed: seed).result == nil { undecided += 1 }
        #expect(undecided >= 18)
    }

    @Test func `silent members slow it down and do not stop it`() {
        for seed: UInt8 in 0..<10 {
            let silent = Set((0..<20).map { $0 * 10 })
            #expect(run(200, yes: 200, seed: seed, silent: silent).result == true)
        }
    }

    @Test func `too few to sample are asked all at once`() {
        #expect(run(19, yes: 19, seed: 1).result == nil)
    }

    @Test func `answers of strangers, of other rounds and repeated ones do not count`() {
        let members = (0..<40).map { PeerID(Bytes(repeating: UInt8($0), count: 32))! }
        var snowball = Snowball(members: members, own: true, seed: Bytes(repeating: 3, count: 32))
        guard case .ask(let chosen, let round)? = snowball.start().first else {
            Issue.record("nobody is asked")
            return
        }
        let stranger = members.first { !chosen.contains($0) }!
        #expect(snowball.answered(stranger, round: round, false).isEmpty)
        #expect(snowball.answered(chosen[0], round: round + 1, false).isEmpty)
        for _ in 0..<30 { #expect(snowball.answered(chosen[0], round: round, false).isEmpty) }
        #expect(snowball.round == 1)
    }

    @Test func `samples follow from the seed alone, and differ between seeds`() {
        let members = (0..<100).map { PeerID(Bytes(repeating: UInt8($0), count: 32))! }
        func first(_ seed: UInt8) -> [Snowball.Effect] {
            var snowball = Snowball(members: members.reversed(), own: true, seed: Bytes(repeating: seed, count: 32))
            return snowball.start()
        }
        #expect(first(1) == first(1))
        #expect(first(1) != first(2))
    }
}
