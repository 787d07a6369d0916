import Testing
import Wire

@testable import Federation

@Suite struct PrivacyAccountantTests {
    /// Of Google's dp-accounting 0.5 (`RdpAccountant`, its default orders, `GaussianDpEvent`): noise as a multiple
    /// of the sensitivity, releases, delta, epsilon; and what its numeric `PLDAccountant` says.
    struct Vector: Sendable {
        let noise: Double
        let releases: Int
        let delta: Double
        let epsilon: Double
        let exact: Double
    }

    static let vectors = [
        Vector(noise: 1, releases: 1, delta: 1e-5, epsilon: 4.728507067217623, exact: 4.37717810002493),
        Vector(noise: 2, releases: 1, delta: 1e-5, epsilon: 2.165715659029443, exact: 1.993091407908809),
        Vector(noise: 1, releases: 40, delta: 1e-5, epsilon: 48.80169282486775, exact: 46.21121019118735),
        Vector(noise: 4, releases: 100, delta: 1e-6, epsilon: 15.32798402653992, exact: 14.450776968552242),
        Vector(noise: 0.1, releases: 1, delta: 1e-5, epsilon: 96.116308425056, exact: 91.81728962407377),
        Vector(noise: 20, releases: 1_000, delta: 1e-5, epsilon: 8.079406222420491, exact: 7.511275904062699),
        Vector(noise: 0.5, releases: 10, delta: 1e-9, epsilon: 59.336971475826516, exact: 57.23145962282206),
        Vector(noise: 50, releases: 10, delta: 1e-5, epsilon: 0.2288180214220744, exact: 0.20680463805460564),
    ]

    /// The site's changes are up to two clips apart, so its noise counts half.
    static func policy(_ vector: Vector, clip: Double) throws -> PrivacyPolicy {
        try PrivacyPolicy(["clip=\(clip)", "noise=\(2 * vector.noise)", "delta=\(vector.delta)"])
    }

    @Test(arguments: vectors)
    func `epsilon is that of another implementation, and not below the exact one`(vector: Vector) throws {
        for clip in [0.001, 1, 300] {
            var accountant = PrivacyAccountant()
            for _ in 0..<vector.releases { accountant.record(try Self.policy(vector, clip: clip)) }
            let epsilon = accountant.epsilon(delta: vector.delta)
            #expect(abs(epsilon - vector.epsilon) < 1e-9 * vector.epsilon)
            #expect(epsilon > vector.exact && epsilon < 1.15 * vector.exact)
        }
    }

    @Test func `epsilon only grows, and without noise it is infinite for good`() throws {
        var accountant = PrivacyAccountant()
        #expect(accountant.epsilon(delta: 1e-5) == 0)
        var last = 0.0
        for noise in [100.0, 1, 0.01, 1_000] {
            accountant.record(try PrivacyPolicy(["clip=1", "noise=\(noise)"]))
            let epsilon = accountant.epsilon(delta: 1e-5)
            #expect(epsilon > last)
            #expect(accountant.epsilon(delta: 1e-9) > epsilon)
            last = epsilon
        }
        accountant.record(try PrivacyPolicy(["clip=1"]))
        #expect(accountant.epsilon(delta: 1e-5) == .infinity)
        accountant.record(try PrivacyPolicy(["clip=1", "noise=1000"]))
        #expect(accountant.epsilon(delta: 1e-5) == .infinity)
        #expect(accountant.noisedOps == 5 && accountant.plainOps == 1)
    }

    @Test func `a budget ends the ops before it is exceeded`() throws {
        let policy = try PrivacyPolicy(["clip=2", "noise=20", "budget=3"])
        var accountant = PrivacyAccountant()
        var sent = 0
        while (try? accountant.admit(policy)) != nil {
            accountant.record(policy)
            sent += 1
        }
        #expect(sent > 0 && accountant.epsilon(delta: policy.delta) <= 3)
        let error = #expect(throws: FederationError.self) { try accountant.admit(policy) }
        guard case .budgetSpent(let epsilon, 3) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(epsilon > 3)
        accountant.record(.off)
        #expect(throws: FederationError.budgetSpent(epsilon: .infinity, budget: 3)) { try accountant.admit(policy) }
    }

    @Test func `an account comes back to the bit, and a damaged one not at all`() throws {
        var accountant = PrivacyAccountant()
        accountant.record(try PrivacyPolicy(["clip=1", "noise=0.3"]))
        accountant.record(.off)
        let bytes = accountant.bytes
        #expect(try PrivacyAccountant(bytes: bytes) == accountant)
        for length in bytes.indices {
            #expect(throws: FederationError.self) { try PrivacyAccountant(bytes: Bytes(bytes.prefix(length))) }
        }
        for bad in [-1.0, .nan, .infinity] {
            var encoder = CBOREncoder()
            encoder.array(4)
            encoder.uint(1)
            encoder.bytes(bad.bitPattern.bigEndianBytes)
            encoder.uint(1)
            encoder.uint(1)
            #expect(throws: FederationError.self) { try PrivacyAccountant(bytes: encoder.bytes) }
        }
    }

    @Test func `a policy reads what it writes, and refuses what makes no sense`() throws {
        #expect(try PrivacyPolicy([]).isOff && PrivacyPolicy(["off"]).isOff && PrivacyPolicy.off.words == [])
        let words = [
            "clip=0.5", "row-clip=0.25", "noise=1.5", "min-edges=2", "min-rows=8", "budget=10.0", "delta=1e-06",
        ]
        let policy = try PrivacyPolicy(words.reversed())
        #expect(policy.words == words)
        for bad in [
            ["clip"], ["clip="], ["clip=x"], ["clip=0"], ["clip=-1"], ["clip=nan"], ["clip=inf"], ["clip=1", "clip=2"],
            ["Clip=1"], ["noise=1"], ["noise=0.1", "row-clip=1"], ["clip=1", "noise=-1"], ["clip=1", "budget=1"],
            ["min-edges=-1"], ["min-edges=1.5"], ["min-rows=1000000"], ["delta=0"], ["delta=1"], ["sigma=1"], [""],
            ["off", "clip=1"],
        ] {
            #expect(throws: FederationError.self, "\(bad)") { try PrivacyPolicy(bad) }
        }
    }
}
