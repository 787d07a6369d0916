internal import API
internal import Graph
internal import Storage
internal import Wire

extension GraphService {
    /// Keeps links aside for evaluations, or puts them back.
    func holdOut(_ request: HoldOutRequest) async throws -> HoldOutReport {
        let (valid, test) = (request.valid ?? 0, request.test ?? 0)
        for (field, share) in [("valid", valid), ("test", test)] where !(0...0.5 ~= share) {
            throw Problem.badRequest("\(field) is \(share)", remedy: "use a share from 0 to 0.5", field: field)
        }
        let seed = UInt64(bitPattern: Int64(request.seed ?? 1))
        let named = request.relation
        // Whatever the outcome: a commit may have succeeded without being heard of.
        defer { outdate() }
        let (restored, counts): (Int, HoldOutCounts) = try await database.working { connection in
            let store = self.store(connection)
            let restored = request.restore == true ? try store.restoreHeldOut() : 0
            var relation: TokenID?
            if let named {
                relation = try store.relation(named: named)
                guard relation != nil else {
                    throw Problem.notFound(
                        "no relation is called '\(named)'", remedy: "leave it out to keep links with texts aside",
                        code: "unknown_relation")
                }
            }
            guard valid + test > 0 else { return (restored, HoldOutCounts()) }
            var random = Random(seed: seed)
            return (restored, try store.holdOut(relation: relation, valid: valid, test: test, using: &random))
        }
        return HoldOutReport(restored: restored, valid: counts.valid, test: counts.test, left: counts.left)
    }
}
