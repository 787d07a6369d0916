import Federation
import Identity
import Replication
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

    /// The log of site 2, which opens it and trains.
    func training(_ model: ModelID, deltas: Int) -> [Op] {
        let created = stored[0].last { $0.op.id == model }!.op
        var ops = [sign(.openLog, Bench.openLog, by: keys[2])]
        for number in 1...deltas {
            ops.append(
                sign(
                    .updateModelWeights, Bench.delta(model, shift: UInt8(7 + number)), by: keys[2],
                    seq: UInt64(number + 1), prev: ops.last!.id, lamport: created.header.lamport + UInt64(number),
                    deps: number == 1 ? [model] : []))
        }
        return ops
    }
}
