internal import Identity
public import Replication
public import Wire

extension LedgerBody {
    /// Reads the one canonical form of a body of these kinds.
    ///
    /// - Returns: nil for kinds that are not the ledger's. A proposed pattern's stake is named by its own room.
    public init?(kind: OpKind, body: Bytes) throws(LedgerError) {
        do {
            var decoder = CBORDecoder(body)
            switch kind {
            case .transfer: self = .transfer(try Transfer(&decoder))
            case .claim: self = .claim(try TrainingClaim(&decoder))
            case .bountyPost: self = .bountyPost(try BountyPost(&decoder))
            case .bountyClaim: self = .bountyClaim(try BountyClaim(&decoder))
            case .bountySettle: self = .bountySettle(try BountySettle(&decoder))
            case .price: self = .price(try Price(&decoder))
            case .attestation: self = .attestation(try Attestation(&decoder))
            case .auction: self = .auction(try Auction(&decoder))
            case .bid: self = .bid(try Bid(&decoder))
            case .openLog, .rotateKey, .memberAdd, .memberRevoke, .createModel, .deleteModel, .updateModelWeights,
                .trainStep, .announceRows, .patternPropose, .vote, .certificate, .checkpointVote, .equivocation,
                .question,
                .measurement, .proposal, .retraction, .memberLeave:
                return nil
            }
            try decoder.end()
        } catch {
            throw .invalidBody("\(error)")
        }
    }

    /// The kind and body of the op that says this; nil for a stake, which is part of a proposal.
    public var op: (kind: OpKind, body: Bytes)? {
        var encoder = CBOREncoder()
        switch self {
        case .transfer(let body): body.encode(&encoder)
        case .claim(let body): body.encode(&encoder)
        case .bountyPost(let body): body.encode(&encoder)
        case .bountyClaim(let body): body.encode(&encoder)
        case .bountySettle(let body): body.encode(&encoder)
        case .price(let body): body.encode(&encoder)
        case .attestation(let body): body.encode(&encoder)
        case .auction(let body): body.encode(&encoder)
        case .bid(let body): body.encode(&encoder)
        case .stake: return nil
        }
        return (kind, encoder.bytes)
    }

    /// The kind of op that says this.
    public var kind: OpKind {
        switch self {
        case .transfer: .transfer
        case .claim: .claim
        case .bountyPost: .bountyPost
        case .bountyClaim: .bountyClaim
        case .bountySettle: .bountySettle
        case .price: .price
        case .stake: .patternPropose
        case .attestation: .attestation
        case .auction: .auction
        case .bid: .bid
        }
    }

    public func encode() -> Bytes { op?.body ?? [] }
}

extension CBORDecoder {
    fileprivate mutating func version(items count: Int) throws(CBORError) {
        try array(exactly: count)
        let start = position
        guard try uint() == 1 else { throw .unexpected(at: start, wanted: "version 1") }
    }

    fileprivate mutating func label() throws(CBORError) -> String {
        let start = position
        let label = try text(max: AccountID.Limits.agentBytes)
        guard AccountID.isAgent(label) else { throw .outOfRange(at: start, what: "a label with control characters") }
        return label
    }

    /// Text for people: no byte below 0x20, no 0x7F.
    fileprivate mutating func words(max: Int) throws(CBORError) -> String {
        let start = position
        let text = try text(max: max)
        guard !text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) else {
            throw .outOfRange(at: start, what: "a text with control characters")
        }
        return text
    }

    /// 1 (or `least`) to 2^63 - 1.
    fileprivate mutating func amount(least: Int64 = 1) throws(CBORError) -> Int64 {
        let start = position
        let value = try uint(max: UInt64(Int64.max))
        guard value >= UInt64(least) else { throw .outOfRange(at: start, what: "\(value) < \(least)") }
        return Int64(value)
    }

    fileprivate mutating func u53(least: UInt64 = 0, max: UInt64 = LedgerBody.Limits.u53) throws(CBORError) -> UInt64 {
        let start = position
        let value = try uint(max: max)
        guard value >= least else { throw .outOfRange(at: start, what: "\(value) < \(least)") }
        return value
    }

    fileprivate mutating func optionalID() throws(CBORError) -> OpID? { try null() ? nil : try id() }

    fileprivate mutating func tokens(least: Int) throws(CBORError) -> [TokenID] {
        let start = position
        var tokens: [TokenID] = []
        for _ in 0..<(try array(max: LedgerBody.Limits.tokens)) {
            let token = TokenID(try bytes(exactly: 16))!
            guard tokens.last.map({ $0 < token }) ?? true else {
                throw .outOfRange(at: start, what: "tokens are not ascending")
            }
            tokens.append(token)
        }
        guard tokens.count >= least else { throw .outOfRange(at: start, what: "no tokens") }
        return tokens
    }

    fileprivate mutating func span() throws(CBORError) -> OpSpan {
        try array(exactly: 5)
        let model: ModelID = try id()
        let log = LogID(try bytes(exactly: 8))!
        let from = try u53(least: 1)
        let through = try u53(least: from)
        return OpSpan(model: model, log: log, from: from, through: through, head: try id())
    }
}

extension CBOREncoder {
    fileprivate mutating func version(items count: Int) {
        array(count)
        uint(1)
    }

    fileprivate mutating func amount(_ amount: Int64) { uint(UInt64(amount)) }

    fileprivate mutating func tokens(_ tokens: [TokenID]) {
        array(tokens.count)
        for token in tokens { bytes(token.bytes) }
    }

    fileprivate mutating func span(_ span: OpSpan) {
        array(5)
        bytes(span.model.bytes)
        bytes(span.log.bytes)
        uint(span.from)
        uint(span.through)
        bytes(span.head.bytes)
    }
}

extension Transfer {
    fileprivate init(_ decoder: inout CBORDecoder) throws(CBORError) {
        try decoder.version(items: 4)
        from = try decoder.label()
        let start = decoder.position
        var payments: [Payment] = []
        for _ in 0..<(try decoder.array(max: LedgerBody.Limits.payments)) {
            try decoder.array(exactly: 3)
            let to = AccountID(owner: try decoder.id(), agent: try decoder.label())
            payments.append(Payment(to: to, amount: try decoder.amount()))
        }
        guard !payments.isEmpty else { throw .outOfRange(at: start, what: "no payments") }
        self.payments = payments
        let form = decoder.position
        let items = try decoder.array(max: 3)
        switch (try decoder.uint(), items) {
        case (0, 2): why = .memo(try decoder.words(max: LedgerBody.Limits.memoBytes))
        case (1, 3): why = .inferences(price: try decoder.id(), count: try decoder.u53(least: 1))
        default: throw .unexpected(at: form, wanted: "[0, memo] or [1, price, count]")
        }
    }

    fileprivate func encode(_ encoder: inout CBOREncoder) {
        encoder.version(items: 4)
        encoder.text(from)
        encoder.array(payments.count)
        for payment in payments {
            encoder.array(3)
            encoder.bytes(payment.to.owner.bytes)
            encoder.text(payment.to.agent)
            encoder.amount(payment.amount)
        }
        switch why {
        case .memo(let memo):
            encoder.array(2)
            encoder.uint(0)
            encoder.text(memo)
        case .inferences(let price, let count):
            encoder.array(3)
            encoder.uint(1)
            encoder.bytes(price.bytes)
            encoder.uint(count)
        }
    }
}

extension TrainingClaim {
    fileprivate init(_ decoder: inout CBORDecoder) throws(CBORError) {
        try decoder.version(items: 3)
        self.init(agent: try decoder.label(), span: try decoder.span())
    }

    fileprivate func encode(_ encoder: inout CBOREncoder) {
        encoder.version(items: 3)
        encoder.text(agent)
        encoder.span(span)
    }
}

extension Price {
    fileprivate init(_ decoder: inout CBORDecoder) throws(CBORError) {
        try decoder.version(items: 4)
        self.init(
            agent: try decoder.label(), model: try decoder.optionalID(), unitCost: try decoder.amount(least: 0))
    }

    fileprivate func encode(_ encoder: inout CBOREncoder) {
        encoder.version(items: 4)
        encoder.text(agent)
        encoder.optionalBytes(model?.bytes)
        encoder.amount(unitCost)
    }
}

extension BountyPost {
    fileprivate init(_ decoder: inout CBORDecoder) throws(CBORError) {
        try decoder.version(items: 6)
        agent = try decoder.label()
        reward = try decoder.amount()
        try decoder.array(exactly: 3)
        let start = decoder.position
        guard let what = Target.What(rawValue: try decoder.uint()) else {
            throw .unexpected(at: start, wanted: "relations (0) or roots (1)")
        }
        target = Target(what: what, tokens: try decoder.tokens(least: 1), gain: try decoder.amount())
        expires = try decoder.u53()
        description = try decoder.words(max: LedgerBody.Limits.descriptionBytes)
    }

    fileprivate func encode(_ encoder: inout CBOREncoder) {
        encoder.version(items: 6)
        encoder.text(agent)
        encoder.amount(reward)
        encoder.array(3)
        encoder.uint(target.what.rawValue)
        encoder.tokens(target.tokens)
        encoder.amount(target.gain)
        encoder.uint(expires)
        encoder.text(description)
    }
}

extension BountyClaim {
    fileprivate init(_ decoder: inout CBORDecoder) throws(CBORError) {
        try decoder.version(items: 4)
        self.init(agent: try decoder.label(), bounty: try decoder.id(), span: try decoder.span())
    }

    fileprivate func encode(_ encoder: inout CBOREncoder) {
        encoder.version(items: 4)
        encoder.text(agent)
        encoder.bytes(bounty.bytes)
        encoder.span(span)
    }
}

extension BountySettle {
    fileprivate init(_ decoder: inout CBORDecoder) throws(CBORError) {
        try decoder.version(items: 3)
        self.init(bounty: try decoder.id(), claim: try decoder.optionalID())
    }

    fileprivate func encode(_ encoder: inout CBOREncoder) {
        encoder.version(items: 3)
        encoder.bytes(bounty.bytes)
        encoder.optionalBytes(claim?.bytes)
    }
}

extension Attestation {
    fileprivate init(_ decoder: inout CBORDecoder) throws(CBORError) {
        try decoder.version(items: 15)
        agent = try decoder.label()
        subject = try decoder.id()
        claimType = try decoder.label()
        scope = try decoder.tokens(least: 0)
        perspectiveCount = try decoder.u53()
        let start = decoder.position
        averageWeight = try decoder.int()
        guard averageWeight.magnitude <= UInt64(LedgerBody.Limits.million) else {
            throw .outOfRange(at: start, what: "a weight beyond 1")
        }
        computeCost = try decoder.u53()
        reproductionCost = try decoder.amount(least: 0)
        uniqueness = try decoder.uint(max: UInt64(LedgerBody.Limits.million))
        proofType = try decoder.label()
        proof = try decoder.bytes(max: LedgerBody.Limits.proofBytes)
        askingPrice = try decoder.amount(least: 0)
        isExclusive = try decoder.bool()
        expires = try decoder.null() ? nil : try decoder.u53()
    }

    fileprivate func encode(_ encoder: inout CBOREncoder) {
        encoder.version(items: 15)
        encoder.text(agent)
        encoder.bytes(subject.bytes)
        encoder.text(claimType)
        encoder.tokens(scope)
        encoder.uint(perspectiveCount)
        encoder.int(averageWeight)
        encoder.uint(computeCost)
        encoder.amount(reproductionCost)
        encoder.uint(uniqueness)
        encoder.text(proofType)
        encoder.bytes(proof)
        encoder.amount(askingPrice)
        encoder.bool(isExclusive)
        if let expires { encoder.uint(expires) } else { encoder.null() }
    }
}

extension Auction {
    fileprivate init(_ decoder: inout CBORDecoder) throws(CBORError) {
        try decoder.version(items: 9)
        agent = try decoder.label()
        attestation = try decoder.id()
        start = try decoder.amount()
        let place = decoder.position
        floor = try decoder.amount(least: 0)
        guard floor <= start else { throw .outOfRange(at: place, what: "a floor above the start") }
        step = try decoder.amount()
        interval = try decoder.u53(least: 1)
        minBidders = try decoder.u53(least: 1, max: LedgerBody.Limits.bidders)
        openAfterHours = try decoder.u53(max: LedgerBody.Limits.hours)
    }

    fileprivate func encode(_ encoder: inout CBOREncoder) {
        encoder.version(items: 9)
        encoder.text(agent)
        encoder.bytes(attestation.bytes)
        encoder.amount(start)
        encoder.amount(floor)
        encoder.amount(step)
        encoder.uint(interval)
        encoder.uint(minBidders)
        encoder.uint(openAfterHours)
    }
}

extension Bid {
    fileprivate init(_ decoder: inout CBORDecoder) throws(CBORError) {
        try decoder.version(items: 4)
        self.init(agent: try decoder.label(), auction: try decoder.id(), most: try decoder.amount())
    }

    fileprivate func encode(_ encoder: inout CBOREncoder) {
        encoder.version(items: 4)
        encoder.text(agent)
        encoder.bytes(auction.bytes)
        encoder.amount(most)
    }
}
