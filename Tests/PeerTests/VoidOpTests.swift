import Federation
import Gossip
import Identity
import Membership
import Peer
import Replication
import Testing
import Wire

@Suite struct VoidOpTests {
    typealias Case = (kind: OpKind, code: String, body: @Sendable (ModelID) -> Bytes)

    static let cases: [Case] = [
        (.updateModelWeights, "wrong-shape", { Bench.delta($0, values: 15) }),
        (.updateModelWeights, "norm-over-cap", { Bench.delta($0, shift: 40) }),
        (.updateModelWeights, "shift-out-of-range", { Bench.delta($0, shift: 41) }),
        (
            .updateModelWeights, "zero-row",
            { model in
                let row = RowBlock(indices: [0], shifts: [8], values: .int8(Array(repeating: 0, count: 16)))
                return Delta(model: model, round: 1, steps: 1, tokensSeen: 1, dense: row, rows: .empty).body
            }
        ),
        (
            .updateModelWeights, "unknown-row",
            { model in
                let row = RowBlock(indices: [3], shifts: [8], values: .int8(Array(repeating: 1, count: 16)))
                return Delta(model: model, round: 1, steps: 1, tokensSeen: 1, dense: .empty, rows: row).body
            }
        ),
        (.updateModelWeights, "unknown-model", { _ in Bench.delta(ModelID(Bytes(repeating: 1, count: 32))!) }),
        (.updateModelWeights, "invalid-body", { _ in [1, 2, 3] }),
        (.announceRows, "invalid-body", { _ in [] }),
        (.createModel, "invalid-body", { _ in [0x80] }),
        (.deleteModel, "unknown-model", { _ in DeleteModel(model: .zero).encode() }),
        (.memberAdd, "invalid-body", { _ in [0x83] }),
        (.transfer, "invalid-body", { _ in [0x80] }),
        (.vote, "invalid-body", { _ in [0x80] }),
        (.trainStep, "unsupported-kind", { _ in [0x80] }),
    ]

    @Test(arguments: cases.indices)
    func `a void op is stored and relayed with its code and does not block its log`(index: Int) {
        let (kind, code, body) = Self.cases[index]
        var bench = Bench(members: 2)
        bench.connect(0, 1)
        let model = bench.createModel(at: 0)
        let before = bench.nodes[0]!.summary.stateDigest
        guard case .void(let id, let reason)? = bench.submit(kind, body(model), at: 0) else {
            return #expect(Bool(false), "\(code)")
        }
        #expect(reason.code == code)
        #expect(bench.void(id, at: 0) == code && bench.void(id, at: 1) == code)
        #expect(bench.nodes[0]!.summary.stateDigest == before, "it has no effect")

        guard case .done(let next)? = bench.submit(.updateModelWeights, Bench.delta(model), at: 0) else {
            return #expect(Bool(false), "the log goes on")
        }
        #expect(bench.ids(1).suffix(2) == [id, next])
        #expect(bench.summary(0) == bench.summary(1))
    }

    @Test func `only its author deletes a model`() {
        var bench = Bench(members: 2)
        bench.connect(0, 1)
        let model = bench.createModel(at: 0)
        guard case .void(_, let reason)? = bench.submit(.deleteModel, DeleteModel(model: model).encode(), at: 1) else {
            return #expect(Bool(false))
        }
        #expect(reason.code == "not-owner")
        #expect(bench.nodes[0]!.state.models.ids == [model])
        bench.submit(.deleteModel, DeleteModel(model: model).encode(), at: 0)
        #expect(bench.nodes[1]!.state.models.ids == [])
        #expect(bench.summary(0) == bench.summary(1))
    }

    @Test func `a delta that is concurrent to the deletion of its model changes nothing and splits nobody`() {
        var bench = Bench(members: 2)
        let wire = bench.connect(0, 1)
        let model = bench.createModel(at: 0)
        bench.cut(wire, by: nil)
        bench.run(.closed(wire), at: 0)
        bench.run(.closed(wire), at: 1)
        bench.submit(.deleteModel, DeleteModel(model: model).encode(), at: 0)
        bench.submit(.updateModelWeights, Bench.delta(model), at: 1)
        bench.connect(0, 1)
        #expect(Set(bench.ids(0)) == Set(bench.ids(1)) && bench.ids(0) != bench.ids(1))
        #expect(bench.summary(0) == bench.summary(1))
    }
}
