import API
import Synchronization
import Terminal
import Testing

@testable import shoal

@Suite struct KoiCommandTests {
    private static let owner = String(repeating: "ab", count: 32)

    private static func amount(_ koi: String, _ nkoi: Int64) -> KoiAmount { KoiAmount(nkoi: nkoi, koi: koi) }

    private static func report(conserved: Bool) -> KoiReport {
        KoiReport(
            wallets: [
                .init(
                    owner: owner, name: "north", agent: "ward", own: true, balance: amount("12.5", 12_500_000_000),
                    pending: amount("0.05", 50_000_000))
            ], minted: amount("100", 100_000_000_000), burned: amount("0", 0), escrow: amount("5", 5_000_000_000),
            inFlight: amount("0.05", 50_000_000), accountLog: "0011223344556677", certifiedTime: 5, conserved: conserved
        )
    }

    @Test func `balances tell what can be spent and what is pending`() async throws {
        let node = try FakeNode { $0.get("/api/koi") { _ in .json(Self.report(conserved: true)) } }
        let outcome = await node.run("koi")
        #expect(outcome.code == .done)
        #expect(outcome.output.contains("north (this one)") && outcome.output.contains("12.5"))
        #expect(outcome.output.contains("adds up"))
        #expect(try await node.run("koi", "balance", "--json").json(KoiReport.self) == Self.report(conserved: true))
        let broken = try FakeNode { $0.get("/api/koi") { _ in .json(Self.report(conserved: false)) } }
        #expect(await broken.run("koi").code == .no)
    }

    @Test func `a valuation tells each claim's share in thousandths of a nat, and what all are worth together`()
        async throws
    {
        let asked = Mutex<String?>(nil)
        let report = KoiValuationReport(
            model: Self.owner, questions: 436, together: 0.1234,
            claims: [
                .init(op: Self.owner, owner: Self.owner, name: "north", deltas: 3, share: 0.15, standardError: 0.002),
                .init(
                    op: String(repeating: "cd", count: 32), owner: String(repeating: "ef", count: 32), name: "west",
                    deltas: 1_200, share: -0.0266, standardError: 0),
            ])
        let node = try FakeNode { router in
            router.get("/api/koi/valuation") { request in
                asked.withLock { $0 = request.query["agent"] }
                return .json(report)
            }
        }
        let outcome = await node.run("koi", "valuation", "--model", "ward")
        #expect(outcome.code == .done)
        #expect(asked.withLock { $0 } == "ward")
        let lines = outcome.output.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
        #expect(lines.contains { $0.contains("north") && $0.suffix(3) == ["3", "150.0", "2.0"] })
        #expect(lines.contains { $0.contains("west") && $0.suffix(2) == ["1,200", "-26.6"] })
        #expect(lines.contains { $0.first == "all" && $0.last == "123.4" })
        #expect(outcome.output.contains("436 held-out questions"))
        #expect(
            try await node.run("koi", "valuation", "--model", "ward", "--json").json(KoiValuationReport.self) == report)
        #expect(await node.run("koi", "valuation").code == .usage)
    }

    @Test func `a payment says whom, from which wallet, and how much`() async throws {
        let seen = Mutex<KoiSendRequest?>(nil)
        let node = try FakeNode { router in
            router.post("/api/koi/send") { request in
                let sent: KoiSendRequest = try request.json()
                seen.withLock { $0 = sent }
                return .json(KoiSignedReport(op: Self.owner, kind: "transfer"), status: 201)
            }
        }
        let outcome = await node.run(
            "koi", "send", "--from", "ward", "--to", "west", "--agent", "lab", "--memo", "thanks", "0.05")
        #expect(outcome.code == .done)
        #expect(outcome.output.contains("Paid 0.05 Koi to west"))
        let sent = try #require(seen.withLock { $0 })
        #expect(sent.from == "ward" && sent.to == "west" && sent.agent == "lab")
        #expect(sent.amount == "0.05" && sent.memo == "thanks")
    }

    @Test func `a wallet that cannot pay is named with price and balance`() async throws {
        let node = try FakeNode { router in
            router.post("/api/koi/send") { _ in
                throw Problem.conflict(
                    "it costs 0.05 Koi; the wallet of agent ward holds 0.02", remedy: "wait", code: "insufficient-funds"
                )
            }
        }
        let outcome = await node.run("koi", "send", "--to", "west", "0.05")
        #expect(outcome.code == .refused)
        #expect(outcome.errors == "shoal: koi send: it costs 0.05 Koi; the wallet of agent ward holds 0.02. Wait\n")
    }

    @Test func `history shows mints, payments and what is burned`() async throws {
        let movements = [
            KoiMovementReport(
                op: Self.owner, author: Self.owner, from: "\(Self.owner)/site", to: nil,
                amount: Self.amount("5", 5_000_000_000), reason: "stake", state: "burned"),
            KoiMovementReport(
                op: nil, author: Self.owner, from: nil, to: "\(Self.owner)/site",
                amount: Self.amount("100", 100_000_000_000), reason: "grant", state: "final"),
        ]
        let node = try FakeNode { $0.get("/api/koi/history") { _ in .json(movements) } }
        let outcome = await node.run("koi", "history", "--agent", "site")
        #expect(outcome.output.contains("burned") && outcome.output.contains("(new)"))
        #expect(outcome.output.contains("abababababab/site"))
    }

    @Test func `a history that does not follow from the genesis is told, and the exit code says so`() async throws {
        for faults in [[], ["certificate ab12: 1 votes; a quorum has 3"]] {
            let report = KoiVerifyReport(ops: 40, certificates: 3, movements: 9, wallets: 4, faults: faults)
            let node = try FakeNode { $0.get("/api/koi/verify") { _ in .json(report) } }
            let outcome = await node.run("koi", "history", "--verify")
            #expect(outcome.code == (faults.isEmpty ? .done : .no))
            #expect(outcome.output.contains("40 ops, 3 certificates, 9 movements, 4 wallets"))
            #expect(faults.allSatisfy { outcome.output.contains($0) })
        }
    }

    @Test(arguments: [
        ["koi", "bounty", "post", "--relation", "treats", "--gain", "0.05", "40"],
        ["koi", "bounty", "claim", "--model", "clinic", "3f2a9c01"], ["koi", "claim", "--model", "clinic"],
        ["koi", "auction", "open", "--start", "80", "--floor", "10", "--step", "1", "3f2a9c01"],
        ["koi", "auction", "bid", "3f2a9c01", "50"], ["koi", "attest", "3f2a9c01"],
        ["koi", "price", "--agent", "lab", "0.05"],
    ])
    func `everything that signs prints what was signed`(words: [String]) async throws {
        let node = try FakeNode { router in
            for path in ["bounties", "claims", "auctions", "bids", "attestations", "prices"] {
                router.post("/api/koi/\(path)") { _ in .json(KoiSignedReport(op: Self.owner, kind: "x"), status: 201) }
            }
        }
        let outcome = await run(words + node.site)
        #expect(outcome.code == .done, "\(outcome.errors)")
        #expect(!outcome.output.isEmpty)
    }

    @Test func `an empty list says so`() async throws {
        let node = try FakeNode { router in
            router.get("/api/koi/bounties") { _ in .json([KoiListingReport]()) }
        }
        #expect(await node.run("koi", "bounty").output == "There is no bounty.\n")
    }

    private static func charge(_ model: String, op: String? = nil, problem: Problem? = nil) -> KoiChargeReport {
        KoiChargeReport(
            model: owner, modelName: model, owner: owner, name: "north", unitCost: amount("0.25", 250_000_000),
            answers: 4, amount: amount("1", 1_000_000_000), op: op, problem: problem)
    }

    @Test(arguments: [(409, ExitCode.refused), (503, .unreachable)])
    func `what was paid is told before what could not be`(status: Int, code: ExitCode) async throws {
        let problem = Problem(status: status, detail: "it costs 1 Koi; the wallet holds 0.5", remedy: "wait")
        let node = try FakeNode { router in
            router.post("/api/koi/charges") { _ in
                .json([Self.charge("lab/a", op: Self.owner), Self.charge("lab/b", problem: problem)])
            }
        }
        let outcome = await node.run("koi", "charges", "--pay")
        #expect(outcome.code == code)
        #expect(outcome.output.contains("abababababab") && outcome.output.contains("not paid"))
        #expect(outcome.errors == "shoal: koi charges: lab/b: it costs 1 Koi; the wallet holds 0.5. Wait\n")
        let asJSON = await node.run("koi", "charges", "--pay", "--json")
        #expect(asJSON.code == code)
        #expect(try asJSON.json([KoiChargeReport].self).map(\.problem) == [nil, problem])
    }
}
