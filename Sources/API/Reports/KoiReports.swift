/// An amount as programs and people read it.
public struct KoiAmount: Codable, Sendable, Equatable {
    public var nkoi: Int64
    /// Decimal Koi, exact: `12.5`.
    public var koi: String

    public init(nkoi: Int64, koi: String) {
        self.nkoi = nkoi
        self.koi = koi
    }
}

/// What there is and who has it: `GET /api/koi`.
public struct KoiReport: Codable, Sendable, Equatable {
    public struct Wallet: Codable, Sendable, Equatable {
        public var owner: String
        /// As this site calls its owner; empty if it has no name for it.
        public var name: String
        public var agent: String
        /// Whether it is this site's.
        public var own: Bool
        public var balance: KoiAmount
        /// Paid to it, and not certified: it cannot be spent yet.
        public var pending: KoiAmount

        public init(
            owner: String, name: String, agent: String, own: Bool, balance: KoiAmount, pending: KoiAmount
        ) {
            self.owner = owner
            self.name = name
            self.agent = agent
            self.own = own
            self.balance = balance
            self.pending = pending
        }
    }
    public var wallets: [Wallet]
    public var minted: KoiAmount
    public var burned: KoiAmount
    public var escrow: KoiAmount
    /// Payments that are not certified.
    public var inFlight: KoiAmount
    /// The log out of which this site pays.
    public var accountLog: String
    /// The certified clock, in seconds since 1970; 0 before the first checkpoint.
    public var certifiedTime: Int
    /// Whether wallets, escrow, what is in flight and what is burned are together what was minted.
    public var conserved: Bool

    public init(
        wallets: [Wallet], minted: KoiAmount, burned: KoiAmount, escrow: KoiAmount, inFlight: KoiAmount,
        accountLog: String, certifiedTime: Int, conserved: Bool
    ) {
        self.wallets = wallets
        self.minted = minted
        self.burned = burned
        self.escrow = escrow
        self.inFlight = inFlight
        self.accountLog = accountLog
        self.certifiedTime = certifiedTime
        self.conserved = conserved
    }
}

/// What a fold of all ops from the genesis on said: `GET /api/koi/verify`.
public struct KoiVerifyReport: Codable, Sendable, Equatable {
    public var ops: Int
    /// Distinct certified answers, each checked from the genesis on.
    public var certificates: Int
    /// Entries of the table `ledger`.
    public var movements: Int
    public var wallets: Int
    /// One sentence for each thing that is not what it should be.
    public var faults: [String]

    public init(ops: Int, certificates: Int, movements: Int, wallets: Int, faults: [String]) {
        self.ops = ops
        self.certificates = certificates
        self.movements = movements
        self.wallets = wallets
        self.faults = faults
    }
}

/// A movement of Koi, newest first: `GET /api/koi/history?agent=&limit=`.
public struct KoiMovementReport: Codable, Sendable, Equatable {
    /// Of the op that it follows from; absent: a grant.
    public var op: String?
    /// Whose op, or whose grant.
    public var author: String
    /// `OWNER/AGENT`; absent: minted.
    public var from: String?
    /// Absent: in escrow, or burned.
    public var to: String?
    public var amount: KoiAmount
    public var reason: String
    /// `final`, `provisional`, `escrow` or `burned`.
    public var state: String
    /// Where it stands in this node's own order: `before=PLACE` asks for the older ones.
    public var place: String?

    public init(
        op: String?, author: String, from: String?, to: String?, amount: KoiAmount, reason: String, state: String,
        place: String? = nil
    ) {
        self.place = place
        self.op = op
        self.author = author
        self.from = from
        self.to = to
        self.amount = amount
        self.reason = reason
        self.state = state
    }
}

/// An offer, a claim or a price: `GET /api/koi/bounties|claims|auctions|bids|attestations|prices`.
public struct KoiListingReport: Codable, Sendable, Equatable {
    public var op: String
    public var owner: String
    public var name: String
    public var agent: String
    public var status: String
    /// What is offered, asked or bid.
    public var amount: KoiAmount?
    /// What it is about: a bounty, an auction, an attestation, a model.
    public var about: String?
    public var expires: Int?
    public var details: String
    /// Of a claim: what the others found it worth, in nats of held-out loss; above zero it helped.
    public var gain: Double?
    /// Of a claim: what was minted for it.
    public var paid: KoiAmount?

    public init(
        op: String, owner: String, name: String, agent: String, status: String, amount: KoiAmount?, about: String?,
        expires: Int?, details: String, gain: Double? = nil, paid: KoiAmount? = nil
    ) {
        self.gain = gain
        self.paid = paid
        self.op = op
        self.owner = owner
        self.name = name
        self.agent = agent
        self.status = status
        self.amount = amount
        self.about = about
        self.expires = expires
        self.details = details
    }
}

/// How a model's latest claims divide what they improve together, on this site's held-out facts.
public struct KoiValuationReport: Codable, Sendable, Equatable {
    public struct Claim: Codable, Sendable, Equatable {
        /// The op that claims.
        public var op: String
        public var owner: String
        public var name: String
        /// Deltas that it is about.
        public var deltas: Int
        /// Nats of held-out loss: the shares add up to ``KoiValuationReport/together``.
        public var share: Double
        /// Of the share; 0 where it is exact.
        public var standardError: Double

        public init(op: String, owner: String, name: String, deltas: Int, share: Double, standardError: Double) {
            self.op = op
            self.owner = owner
            self.name = name
            self.deltas = deltas
            self.share = share
            self.standardError = standardError
        }
    }
    public var model: String
    public var questions: Int
    /// What all of them together improve, nats.
    public var together: Double
    /// By share, the largest first.
    public var claims: [Claim]

    public init(model: String, questions: Int, together: Double, claims: [Claim]) {
        self.model = model
        self.questions = questions
        self.together = together
        self.claims = claims
    }
}

/// What was signed: the answer to everything that is posted to `/api/koi`.
public struct KoiSignedReport: Codable, Sendable, Equatable {
    public var op: String
    public var kind: String

    public init(op: String, kind: String) {
        self.op = op
        self.kind = kind
    }
}

/// `POST /api/koi/send`.
public struct KoiSendRequest: StrictDecodable, Encodable, Sendable {
    public enum CodingKeys: String, CodingKey, CaseIterable { case from, to, agent, amount, memo }
    public static let narrowed: [CodingKeys: JSONSchema] = [
        .from: .name, .to: .name, .agent: .name, .amount: .koi,
    ]
    /// The agent who pays; `site` unless told otherwise.
    public var from: String?
    /// A site's name or peer id.
    public var to: String
    /// Its agent; `site` unless told otherwise.
    public var agent: String?
    /// Decimal Koi.
    public var amount: String
    public var memo: String?

    public init(from: String?, to: String, agent: String?, amount: String, memo: String?) {
        self.from = from
        self.to = to
        self.agent = agent
        self.amount = amount
        self.memo = memo
    }
}

/// `POST /api/koi/bounties`.
public struct KoiBountyRequest: StrictDecodable, Encodable, Sendable {
    public enum CodingKeys: String, CodingKey, CaseIterable {
        case agent, reward, relations, roots, gain, expiresSeconds, description
    }
    public static let narrowed: [CodingKeys: JSONSchema] = [
        .agent: .name, .reward: .koi, .relations: .some(of: .name, 1...Int.max), .roots: .some(of: .name, 1...Int.max),
        .gain: .real(from: .excluding(0), to: .excluding(1_000)), .expiresSeconds: .whole(1...1 << 32),
    ]
    public var agent: String?
    public var reward: String
    /// Names of relations, or of graph nodes at home: one of both lists.
    public var relations: [String]?
    public var roots: [String]?
    /// In nats of held-out loss.
    public var gain: Double
    /// From now on.
    public var expiresSeconds: Int
    public var description: String?

    public init(
        agent: String?, reward: String, relations: [String]?, roots: [String]?, gain: Double, expiresSeconds: Int,
        description: String?
    ) {
        self.agent = agent
        self.reward = reward
        self.relations = relations
        self.roots = roots
        self.gain = gain
        self.expiresSeconds = expiresSeconds
        self.description = description
    }
}

/// `POST /api/koi/claims`: what this site trained since its last claim, or a range of its log.
public struct KoiClaimRequest: StrictDecodable, Encodable, Sendable {
    public enum CodingKeys: String, CodingKey, CaseIterable { case agent, model, bounty, from, through }
    public static let narrowed: [CodingKeys: JSONSchema] = [
        .agent: .name, .model: .name, .bounty: .digits(6...64), .from: .int64, .through: .int64,
    ]
    /// Whose wallet is paid; `site` unless told otherwise.
    public var agent: String?
    /// The agent whose model was trained.
    public var model: String
    /// The op of a bounty; absent: the reward for training.
    public var bounty: String?
    public var from: Int?
    public var through: Int?

    public init(agent: String?, model: String, bounty: String?, from: Int?, through: Int?) {
        self.agent = agent
        self.model = model
        self.bounty = bounty
        self.from = from
        self.through = through
    }
}

/// `POST /api/koi/prices`.
public struct KoiPriceRequest: StrictDecodable, Encodable, Sendable {
    public enum CodingKeys: String, CodingKey, CaseIterable { case agent, model, cost }
    public static let narrowed: [CodingKeys: JSONSchema] = [
        .agent: .name, .model: .digits(6...64), .cost: .koi,
    ]
    /// Whose models.
    public var agent: String
    /// The op that created one of them; absent: all.
    public var model: String?
    /// Decimal Koi for an inference; 0: free.
    public var cost: String

    public init(agent: String, model: String?, cost: String) {
        self.agent = agent
        self.model = model
        self.cost = cost
    }
}

/// `POST /api/koi/attestations`.
public struct KoiAttestRequest: StrictDecodable, Encodable, Sendable {
    public enum CodingKeys: String, CodingKey, CaseIterable {
        case agent, subject, claimType, askingPrice, reproductionCost, proofType, proof, exclusive
    }
    public static let narrowed: [CodingKeys: JSONSchema] = [
        .agent: .name, .subject: .digits(6...64), .claimType: .name, .askingPrice: .koi, .reproductionCost: .koi,
        .proofType: .name, .proof: .pattern("([0-9a-fA-F]{2}){0,1024}"),
    ]
    public var agent: String?
    /// The op that created a model or proposed a pattern.
    public var subject: String
    public var claimType: String
    public var askingPrice: String?
    public var reproductionCost: String?
    public var proofType: String?
    /// Hexadecimal digits.
    public var proof: String?
    public var exclusive: Bool?

    public init(
        agent: String?, subject: String, claimType: String, askingPrice: String?, reproductionCost: String?,
        proofType: String?, proof: String?, exclusive: Bool?
    ) {
        self.agent = agent
        self.subject = subject
        self.claimType = claimType
        self.askingPrice = askingPrice
        self.reproductionCost = reproductionCost
        self.proofType = proofType
        self.proof = proof
        self.exclusive = exclusive
    }
}

/// `POST /api/koi/auctions`.
public struct KoiAuctionRequest: StrictDecodable, Encodable, Sendable {
    public enum CodingKeys: String, CodingKey, CaseIterable {
        case agent, attestation, start, floor, step, intervalSeconds, minBidders, openAfterHours
    }
    public static let narrowed: [CodingKeys: JSONSchema] = [
        .agent: .name, .attestation: .digits(6...64), .start: .koi, .floor: .koi, .step: .koi,
        .intervalSeconds: .whole(1...1 << 32), .minBidders: .whole(1...24), .openAfterHours: .whole(0...8_760),
    ]
    public var agent: String?
    public var attestation: String
    public var start: String
    public var floor: String
    public var step: String
    public var intervalSeconds: Int
    public var minBidders: Int?
    public var openAfterHours: Int?

    public init(
        agent: String?, attestation: String, start: String, floor: String, step: String, intervalSeconds: Int,
        minBidders: Int?, openAfterHours: Int?
    ) {
        self.agent = agent
        self.attestation = attestation
        self.start = start
        self.floor = floor
        self.step = step
        self.intervalSeconds = intervalSeconds
        self.minBidders = minBidders
        self.openAfterHours = openAfterHours
    }
}

/// `POST /api/koi/bids`.
public struct KoiBidRequest: StrictDecodable, Encodable, Sendable {
    public enum CodingKeys: String, CodingKey, CaseIterable { case agent, auction, most }
    public static let narrowed: [CodingKeys: JSONSchema] = [
        .agent: .name, .auction: .digits(6...64), .most: .koi,
    ]
    public var agent: String?
    public var auction: String
    public var most: String

    public init(agent: String?, auction: String, most: String) {
        self.agent = agent
        self.auction = auction
        self.most = most
    }
}
