public import Identity
public import Wire

/// What an op of the ledger says. One encoding each, at most 4 KiB: the body travels inside the envelope.
public enum LedgerBody: Sendable, Equatable {
    case transfer(Transfer)
    case claim(TrainingClaim)
    case bountyPost(BountyPost)
    case bountyClaim(BountyClaim)
    case bountySettle(BountySettle)
    case price(Price)
    /// A proposed pattern escrows its proposer's stake; what it proposes is not the ledger's business.
    case stake(agent: String)
    case attestation(Attestation)
    case auction(Auction)
    case bid(Bid)

    /// Bounds, inclusive.
    public enum Limits {
        public static let payments = 32
        public static let memoBytes = 256
        public static let descriptionBytes = 512
        public static let tokens = 16
        public static let labelBytes = 64
        public static let proofBytes = 1_024
        /// As many as a question to the electors can name.
        public static let bidders: UInt64 = 24
        /// A year.
        public static let hours: UInt64 = 8_760
        public static let u53: UInt64 = 1 << 53 - 1
        public static let million: Int64 = 1_000_000
    }
}

/// Body of a transfer: who is paid out of one wallet, and why.
public struct Transfer: Sendable, Equatable {
    public struct Payment: Sendable, Equatable {
        public let to: AccountID
        public let amount: NanoKoi

        public init(to: AccountID, amount: NanoKoi) {
            self.to = to
            self.amount = amount
        }
    }
    public enum Why: Sendable, Equatable {
        case memo(String)
        /// For `count` inferences at a price that the model's owner asked for. One op for a batch.
        case inferences(price: OpID, count: UInt64)
    }
    public let from: String
    /// 1 to 32.
    public let payments: [Payment]
    public let why: Why

    public init(from: String, payments: [Payment], why: Why = .memo("")) {
        self.from = from
        self.payments = payments
        self.why = why
    }
}

/// Body of a price: what an inference with a model costs agents of other members.
public struct Price: Sendable, Equatable {
    public let agent: String
    /// Nil: all models of this agent.
    public let model: ModelID?
    /// 0: free again.
    public let unitCost: NanoKoi

    public init(agent: String, model: ModelID?, unitCost: NanoKoi) {
        self.agent = agent
        self.model = model
        self.unitCost = unitCost
    }
}

/// Body of a claim: what these training ops were worth is to be measured and paid.
public struct TrainingClaim: Sendable, Equatable {
    public let agent: String
    public let span: OpSpan

    public init(agent: String, span: OpSpan) {
        self.agent = agent
        self.span = span
    }
}

/// Body of a bounty-post: Koi for whoever's ops reach a target that electors can measure.
public struct BountyPost: Sendable, Equatable {
    public struct Target: Sendable, Equatable {
        public enum What: UInt64, Sendable {
            /// Queries with these relation tokens.
            case relations = 0
            /// Queries about graph nodes below these.
            case roots = 1
        }
        public let what: What
        /// 1 to 16, ascending.
        public let tokens: [TokenID]
        /// The median gain of held-out loss that is asked for, in millionths of a nat; at least 1.
        public let gain: Int64

        public init(what: What, tokens: [TokenID], gain: Int64) {
            self.what = what
            self.tokens = tokens
            self.gain = gain
        }
    }
    public let agent: String
    public let reward: NanoKoi
    public let target: Target
    /// In seconds since 1970, by the certified clock.
    public let expires: UInt64
    public let description: String

    public init(agent: String, reward: NanoKoi, target: Target, expires: UInt64, description: String) {
        self.agent = agent
        self.reward = reward
        self.target = target
        self.expires = expires
        self.description = description
    }
}

/// Body of a bounty-claim: the author's ops that are said to reach the target.
public struct BountyClaim: Sendable, Equatable {
    public let agent: String
    public let bounty: OpID
    public let span: OpSpan

    public init(agent: String, bounty: OpID, span: OpSpan) {
        self.agent = agent
        self.bounty = bounty
        self.span = span
    }
}

/// Body of a bounty-settle: asks the electors to decide. It moves nothing; their certificate does.
public struct BountySettle: Sendable, Equatable {
    public let bounty: OpID
    /// Nil: the bounty has expired.
    public let claim: OpID?

    public init(bounty: OpID, claim: OpID?) {
        self.bounty = bounty
        self.claim = claim
    }
}

/// Body of an attestation: what its author says it knows, and would sell.
public struct Attestation: Sendable, Equatable {
    public let agent: String
    /// The op that created the model, or proposed the pattern.
    public let subject: OpID
    public let claimType: String
    /// Up to 16 tokens, ascending.
    public let scope: [TokenID]
    public let perspectiveCount: UInt64
    /// In millionths, -1 to 1.
    public let averageWeight: Int64
    public let computeCost: UInt64
    /// What it would cost to make again.
    public let reproductionCost: NanoKoi
    /// In millionths, 0 to 1.
    public let uniqueness: UInt64
    public let proofType: String
    /// At most 1,024 bytes. A commitment that buyers can check; nothing here proves it.
    public let proof: Bytes
    public let askingPrice: NanoKoi
    public let isExclusive: Bool
    /// Seconds since 1970, by the certified clock; nil: never.
    public let expires: UInt64?

    public init(
        agent: String, subject: OpID, claimType: String, scope: [TokenID] = [], perspectiveCount: UInt64 = 0,
        averageWeight: Int64 = 0, computeCost: UInt64 = 0, reproductionCost: NanoKoi = 0, uniqueness: UInt64 = 0,
        proofType: String = "none", proof: Bytes = [], askingPrice: NanoKoi = 0, isExclusive: Bool = false,
        expires: UInt64? = nil
    ) {
        self.agent = agent
        self.subject = subject
        self.claimType = claimType
        self.scope = scope
        self.perspectiveCount = perspectiveCount
        self.averageWeight = averageWeight
        self.computeCost = computeCost
        self.reproductionCost = reproductionCost
        self.uniqueness = uniqueness
        self.proofType = proofType
        self.proof = proof
        self.askingPrice = askingPrice
        self.isExclusive = isExclusive
        self.expires = expires
    }
}

/// Body of an auction: a price that falls until enough have bid it. All of them pay what it is then.
public struct Auction: Sendable, Equatable {
    public let agent: String
    public let attestation: OpID
    public let start: NanoKoi
    /// At most `start`.
    public let floor: NanoKoi
    public let step: NanoKoi
    /// Seconds of certified time between two steps.
    public let interval: UInt64
    /// 1 to 24.
    public let minBidders: UInt64
    /// Hours after the sale when the seller gives it to everybody.
    public let openAfterHours: UInt64

    public init(
        agent: String, attestation: OpID, start: NanoKoi, floor: NanoKoi, step: NanoKoi, interval: UInt64,
        minBidders: UInt64 = 1, openAfterHours: UInt64 = 24
    ) {
        self.agent = agent
        self.attestation = attestation
        self.start = start
        self.floor = floor
        self.step = step
        self.interval = interval
        self.minBidders = minBidders
        self.openAfterHours = openAfterHours
    }

    /// max(floor, start - step · intervals passed); `opened` and `now` by the certified clock.
    public func price(opened: UInt64, at now: UInt64) -> NanoKoi {
        let steps = now > opened ? (now - opened) / interval : 0
        let (fall, overflows) = step.multipliedReportingOverflow(by: Int64(clamping: steps))
        return overflows ? floor : max(floor, start - min(fall, start))
    }
}

/// Body of a bid: its maximum is escrowed, so that whoever wins can pay.
public struct Bid: Sendable, Equatable {
    public let agent: String
    public let auction: OpID
    public let most: NanoKoi

    public init(agent: String, auction: OpID, most: NanoKoi) {
        self.agent = agent
        self.auction = auction
        self.most = most
    }
}
