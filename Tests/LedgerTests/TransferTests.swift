import Identity
import Ledger
import Replication
import Testing
import Wire

@Suite struct TransferTests {
    @Test func `founders begin with the grant, and a network that moves nothing has no digest of it`() {
        var town = Town(3)
        #expect(town[0].balance(town[1].site) == koi(100))
        #expect(town[0].digest() == nil)
        #expect(town[0].flaw() == nil)
    }

    @Test func `a payment is provisional until its log is certified, and only then can be spent`() {
        var town = Town(3)
        let payment = town[0].pays(koi(30), to: town[1].site)
        town.gossip()
        #expect(town[2].balance(town[0].site) == koi(70))
        #expect(town[2].ledger.wallet(town[1].site).pending == koi(30))
        let early = town[1].pays(koi(110), to: town[2].site)
        #expect(town[1].verdict(early) == "insufficient-funds")

        town[2].certifies(Book.prefix(payment))
        town.gossip()
        let late = town[1].pays(koi(110), to: town[2].site)
        #expect(town[1].verdict(late) == "")
        town.gossip()
        #expect(town[0].balance(town[1].site) == koi(20))
        #expect(town[0].flaw() == nil)
        #expect(town[0].digest() == town[2].digest())
    }

    @Test func `a void op stays void when the money comes later`() {
        var town = Town(3)
        let tooMuch = town[0].pays(koi(101), to: town[1].site)
        let payment = town[1].pays(koi(50), to: town[0].site)
        town.gossip()
        town[2].certifies(Book.prefix(payment))
        town.gossip()
        for book in town.books { #expect(book.verdict(tooMuch) == "insufficient-funds") }
        #expect(town[0].balance(town[0].site) == koi(150))
    }

    @Test func `Koi moves only in the account log`() {
        var town = Town(2)
        town[0].log = LogID(rawValue: 7)
        let payment = town[0].pays(1, to: town[1].site)
        #expect(town[0].verdict(payment) == "not-account-log")
    }

    @Test func `amounts beyond 64 bits together are void`() {
        var town = Town(2)
        let payments = (0..<2).map { _ in Transfer.Payment(to: town[1].site, amount: .max) }
        let op = town[0].says(.transfer(Transfer(from: AccountID.site, payments: payments)))
        #expect(town[0].verdict(op) == "amount-overflow")
        #expect(town[0].flaw() == nil)
    }

    @Test func `wallets of one member are apart`() {
        var town = Town(2)
        let ward = AccountID(owner: town[0].peer, agent: "ward")
        let moved = town[0].pays(koi(5), to: ward)
        town.gossip()
        town[1].certifies(Book.prefix(moved))
        town.gossip()
        let spent = town[0].pays(koi(6), to: town[1].site, from: "ward")
        #expect(town[0].verdict(spent) == "insufficient-funds")
        let less = town[0].pays(koi(5), to: town[1].site, from: "ward")
        #expect(town[0].verdict(less) == "")
        #expect(town[0].balance(ward) == 0)
    }

    @Test func `a batch of inferences costs what the price says`() {
        var town = Town(3)
        let model = town[1].write(.nothing)
        let price = town[1].says(.price(Price(agent: "lab", model: model.id, unitCost: 50_000_000)))
        town.gossip()
        let lab = AccountID(owner: town[1].peer, agent: "lab")
        func charge(_ amount: NanoKoi, _ count: UInt64, to: AccountID) -> LedgerBody {
            .transfer(
                Transfer(
                    from: AccountID.site, payments: [.init(to: to, amount: amount)],
                    why: .inferences(price: price.id, count: count)))
        }
        let first = town[0].says(charge(1_000_000_000, 20, to: lab))
        #expect(town[0].verdict(first) == "")
        #expect(town[0].judged(charge(999_999_999, 20, to: lab)) == "wrong-charge")
        #expect(town[0].judged(charge(50_000_000, 1, to: town[2].site)) == "wrong-charge")
        #expect(town[1].judged(charge(50_000_000, 1, to: lab)) == "wrong-charge", "own agents pay 0")
        #expect(town[0].ledger.price(of: model.id, agent: "lab", owner: town[1].peer)?.op == price.id)
        let unknown = town[2].says(
            .transfer(
                Transfer(
                    from: AccountID.site, payments: [.init(to: lab, amount: 1)],
                    why: .inferences(price: model.id, count: 1))))
        #expect(town[2].verdict(unknown) == "unknown-price")
        let paid = town[0].says(charge(100_000_000, 2, to: lab))
        town[0].pays(koi(1), to: town[1].site)
        let more = town[0].says(charge(150_000_000, 3, to: lab))
        town.gossip()
        for member in 0..<3 {
            let charges = town[member].ledger.charges(by: town[0].peer)
            #expect(charges.map(\.op) == [first.id, paid.id, more.id] && charges.map(\.count) == [20, 2, 3])
            #expect(town[member].ledger.charges(by: town[2].peer).isEmpty, "what is void is not paid")
        }
    }
}

@Suite struct DoubleSpendTests {
    /// One log, two branches, each shown to another side.
    private func split() -> (town: Town, twin: Book, left: Op, right: Op) {
        var town = Town(4)
        var twin = town[0]
        let left = town[0].pays(koi(80), to: town[1].site)
        let right = twin.pays(koi(80), to: town[2].site)
        town[1].hear(town[0])
        town[2].hear(twin)
        return (town, twin, left, right)
    }

    @Test func `without a certificate neither counts, and nobody who was paid can have spent it`() {
        var (town, twin, left, right) = split()
        let spent = town[1].pays(koi(150), to: town[3].site)
        #expect(town[1].verdict(spent) == "insufficient-funds")
        town[3].hear(twin)
        town.gossip()
        for index in town.books.indices {
            #expect(town[index].flaw() == nil)
            #expect(town[index].balance(town[0].site) == koi(100))
            #expect(town[index].digest() == town[3].digest())
        }
        _ = (left, right)
    }

    @Test func `what a quorum certified counts, and can be spent by who was paid`() {
        var (town, twin, left, right) = split()
        town[1].certifies(Book.prefix(left))
        let spent = town[1].pays(koi(150), to: town[3].site)
        #expect(town[1].verdict(spent) == "")
        town[2].hear(twin)
        town.gossip()
        for index in town.books.indices {
            #expect(town[index].flaw() == nil)
            #expect(town[index].balance(town[0].site) == koi(20))
            #expect(town[index].balance(town[1].site) == koi(30))
            #expect(town[index].balance(town[2].site) == koi(100))
            #expect(town[index].digest() == town[0].digest())
        }
        _ = right
    }

    @Test func `a fork loses what its log holds in escrow`() {
        var town = Town(3)
        let target = BountyPost.Target(what: .relations, tokens: [TokenID(rawValue: 1)], gain: 1)
        town[0].says(
            .bountyPost(BountyPost(agent: "site", reward: koi(40), target: target, expires: 99, description: "")))
        town.gossip()
        var twin = town[0]
        town[0].pays(1, to: town[1].site)
        twin.pays(2, to: town[1].site)
        town[1].hear(twin)
        town.gossip()
        for index in town.books.indices {
            #expect(town[index].ledger.totals.burned == Int128(koi(40)))
            #expect(town[index].flaw() == nil)
        }
    }

    @Test func `a certificate beyond a fork of whoever carries it counts where somebody built on it`() {
        var town = Town(4)
        var twin = town[3]
        let payment = town[0].pays(koi(80), to: town[1].site)
        town[3].hear(town[0])
        twin.hear(town[0])
        // The certificate stands in a log that forks right there.
        town[3].certifies(Book.prefix(payment))
        twin.pays(1, to: town[0].site)
        town[1].hear(town[3])
        let spent = town[1].pays(koi(150), to: town[2].site)
        #expect(town[1].verdict(spent) == "")
        town[2].hear(twin)
        town.gossip()
        for index in town.books.indices {
            #expect(town[index].verdict(spent) == "")
            #expect(town[index].flaw() == nil)
            #expect(town[index].balance(town[1].site) == koi(30))
            #expect(town[index].digest() == town[0].digest())
        }
    }

    @Test func `one that nobody built on counts nowhere`() {
        var town = Town(3)
        var twin = town[2]
        let payment = town[0].pays(koi(80), to: town[1].site)
        town[2].hear(town[0])
        town[2].certifies(Book.prefix(payment))
        twin.pays(1, to: town[0].site)
        town[1].hear(town[2])
        town[1].hear(twin)
        town[0].hear(twin)
        town[0].hear(town[2])
        #expect(town[0].digest() == town[1].digest())
        #expect(town[1].ledger.wallet(town[1].site).pending == koi(80))
    }

    @Test func `a new account log begins where a quorum ended the old one`() {
        var town = Town(3)
        let kept = town[0].pays(koi(10), to: town[1].site)
        town.gossip()
        let lost = town[0].pays(koi(20), to: town[1].site)
        town[2].hear(town[0])
        // A restored backup: the site knows nothing of the second payment.
        var restored = Book(town.archive, town[0].key, log: 2)
        restored.hear(town[1])
        restored.opensAccount(
            generation: 2, end: LogPrefix(key: kept.header.logKey, seq: kept.header.seq, id: kept.id))
        let spent = restored.pays(koi(85), to: town[2].site)
        #expect(restored.verdict(spent) == "")
        let tooMuch = restored.pays(koi(6), to: town[2].site)
        #expect(restored.verdict(tooMuch) == "insufficient-funds")
        town[1].hear(restored)
        town.gossip()
        for index in town.books.indices {
            #expect(town[index].flaw() == nil)
            #expect(town[index].balance(town[0].site) == koi(5))
            #expect(town[index].balance(town[1].site) == koi(110), "what the end covers is final")
            #expect(town[index].digest() == town[2].digest())
        }
        let old = town[0].pays(1, to: town[1].site)
        #expect(town[0].verdict(old) == "not-account-log")
        _ = lost
    }
}
