import Federation
import Testing

@Suite struct ShapleyTests {
    @Test func `a site alone has all of it`() {
        let shares = ShapleyShares.compute(players: 1, seed: 1) { $0 == 0 ? 2.0 : 5.0 }
        #expect(shares.shares == [3] && shares.standardErrors == [0] && shares.evaluations == 2)
    }

    @Test func `who has the only left glove has most`() {
        // Player 0 has a left glove, 1 and 2 a right one each; only a pair is worth something. By hand: 2/3, 1/6, 1/6.
        let shares = ShapleyShares.compute(players: 3, seed: 1) { $0 & 1 == 1 && $0 & 6 != 0 ? 1.0 : 0 }.shares
        #expect(zip(shares, [2.0 / 3, 1.0 / 6, 1.0 / 6]).allSatisfy { abs($0 - $1) < 1e-12 })
    }

    @Test(arguments: [2, 5, 8, 9, 20]) func `shares add up to what all are worth together`(players: Int) {
        let shares = ShapleyShares.compute(players: players, seed: 3, value: saturating)
        #expect(abs(shares.shares.reduce(0, +) - saturating(1 << UInt64(players) - 1)) < 1e-9)
        #expect(shares.standardErrors.allSatisfy { ($0 == 0) == (players <= ShapleyShares.exactPlayers) })
    }

    @Test func `sampled shares lie within a few standard errors of those over all subsets`() {
        let players = 12
        let sampled = ShapleyShares.compute(players: players, orders: 200, seed: 5, value: saturating)
        let exact = byOrders(players)
        for player in 0..<players {
            #expect(abs(sampled.shares[player] - exact[player]) <= 4 * sampled.standardErrors[player])
        }
        #expect(sampled.evaluations < 1 << UInt64(players))
    }

    @Test func `a value that cannot be had ends it`() {
        struct Unknown: Error {}
        #expect(throws: Unknown.self) {
            try ShapleyShares.compute(players: 2, seed: 1) { (_) throws(Unknown) -> Double in throw Unknown() }
        }
    }

    /// Later players add less: the root of the sum of weights 1, 2, 3, …
    private func saturating(_ subset: UInt64) -> Double {
        var sum = 0.0
        for player in 0..<64 where subset & 1 << UInt64(player) != 0 { sum += Double(player + 1) }
        return sum.squareRoot()
    }

    /// φ by its definition, subset by subset.
    private func byOrders(_ players: Int) -> [Double] {
        func factorial(_ n: Int) -> Double { n < 2 ? 1 : Double(n) * factorial(n - 1) }
        return (0..<players).map { player in
            (0..<UInt64(1) << UInt64(players)).filter { $0 & 1 << UInt64(player) == 0 }.reduce(0) { sum, subset in
                let size = subset.nonzeroBitCount
                let weight = factorial(size) * factorial(players - size - 1) / factorial(players)
                return sum + weight * (saturating(subset | 1 << UInt64(player)) - saturating(subset))
            }
        }
    }
}
