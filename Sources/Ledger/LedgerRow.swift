internal import Identity

/// One movement of Koi: out of a wallet or new, into a wallet, into escrow, or gone. Each row conserves, so the sum of
/// all rows does.
public struct LedgerRow: Sendable, Equatable {
    public enum Reason: String, Sendable, CaseIterable {
        case grant
        case transfer
        case inference
        case training
        case bounty
        case settlement
        case stake
        case accepted
        case measured
        case bid
        case sale
        case refund
    }
    public enum State: String, Sendable, CaseIterable {
        /// `to` can spend it.
        case final
        /// Out of the payer's wallet, seen, and not certified: `to` cannot spend it yet.
        case provisional
        /// Held until a certificate decides.
        case escrow
        case burned
    }

    /// Nil: minted.
    public let from: AccountID?
    /// Nil: in escrow, or burned.
    public let to: AccountID?
    public let amount: NanoKoi
    public let reason: Reason
    public let state: State

    public init(from: AccountID?, to: AccountID?, amount: NanoKoi, reason: Reason, state: State) {
        self.from = from
        self.to = to
        self.amount = amount
        self.reason = reason
        self.state = state
    }
}

/// What the ledger says: a sum of rows.
public struct LedgerTotals: Sendable, Equatable {
    public struct Wallet: Sendable, Equatable {
        /// Spendable, but for what others have not certified yet that the owner was paid.
        public internal(set) var balance: Int128 = 0
        /// Paid to it and not final.
        public internal(set) var pending: Int128 = 0
    }
    public internal(set) var wallets: [AccountID: Wallet] = [:]
    public internal(set) var minted: Int128 = 0
    public internal(set) var burned: Int128 = 0
    public internal(set) var escrow: Int128 = 0
    /// Provisional payments.
    public internal(set) var inFlight: Int128 = 0

    /// Adds a row, or takes it away. Sums have 128 bits: 2^64 rows of the largest amount do not overflow them.
    mutating func add(_ row: LedgerRow, sign: Int128) {
        let amount = Int128(row.amount) * sign
        if let from = row.from { change(from) { $0.balance -= amount } } else { minted += amount }
        switch row.state {
        case .final: change(row.to!) { $0.balance += amount }
        case .provisional:
            change(row.to!) { $0.pending += amount }
            inFlight += amount
        case .escrow: escrow += amount
        case .burned: burned += amount
        }
    }

    private mutating func change(_ account: AccountID, _ change: (inout Wallet) -> Void) {
        change(&wallets[account, default: Wallet()])
        if wallets[account] == Wallet() { wallets[account] = nil }
    }

    /// Why this cannot be; nil if it can. Costs one pass over the wallets.
    public func flaw() -> String? {
        let held = wallets.values.reduce(Int128(0)) { $0 + $1.balance }
        guard held + inFlight + escrow + burned == minted else {
            return
                "wallets \(held) + in flight \(inFlight) + escrow \(escrow) + burned \(burned) is not minted \(minted)"
        }
        guard escrow >= 0, burned >= 0, inFlight >= 0 else { return "negative escrow, burned or in flight" }
        let overdrawn = wallets.filter { $0.value.balance < 0 || $0.value.pending < 0 }.keys.sorted()
        return overdrawn.first.map { "the wallet \($0) holds \(wallets[$0]!.balance) nKoi" }
    }
}
