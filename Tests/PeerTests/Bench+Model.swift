import Federation
import Identity
import Wire

@testable import Peer

extension Bench {
    /// Site 0 of three with a model; sites 1 and 2 are played by hand.
    static func withModel(snapshotEvery: Int = 256) -> (Bench, ModelID) {
        var bench = Bench(members: 3)
        for site in 0...2 { bench.stop(site) }
        bench.snapshotEveryOps = snapshotEvery
        bench.start(0)
        let model = bench.createModel(at: 0)
        return (bench, model)
    }

    /// Of site 0.
    var sums: Hash32 {
        var state = nodes[0]!.state
        return state.models.digest()
    }
}
