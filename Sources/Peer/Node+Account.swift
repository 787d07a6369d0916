internal import Consensus
internal import Gossip
internal import Identity
internal import Membership
internal import Replication
internal import Session
internal import Wire

/// The log of votes and debits. There is one, and whoever cannot prove to know its end must not continue it: the
/// network has to name another.
extension Node {
    enum Account: Sendable, Equatable {
        /// Nothing stands in it yet, as far as this node knows.
        case unopened
        /// Continues `key` once peers, or time, say that nobody has seen more of it.
        case unconfirmed(LogKey)
        case open(LogKey)
        /// It cannot be continued. The electors can name the node's other log instead.
        case lost(String)
    }

    /// Decides at start, after the other log: that one tells whether database and journal belong together.
    ///
    /// - Parameters:
    ///   - last: the last op of the first account log that the journal holds.
    ///   - journalNamesAll: it holds the ends of all other logs of this node, so it was never begun anew.
    mutating func recoverAccount(_ derived: LogID, last: Op?, journalNamesAll: Bool, now: Instant) {
        accountPatience = now + NodeLimits.confirmMs
        let key = LogKey(author: identity.peerID, log: state.consensus.accountLog(of: identity.peerID))
        guard key.log == derived else {
            // One log for everything since it was named: what was found out about the other holds for this.
            switch ownLog {
            case .unconfirmed(key, _), .open(key): account = .unconfirmed(key)
            case .fresh, .unconfirmed, .open: account = .lost("the sign journal does not end in it")
            }
            return
        }
        let isIntact: Bool =
            switch ownLog {
            case .fresh(let reason): reason == Self.firstStart
            case .unconfirmed, .open: journalNamesAll
            }
        if replica.forks[key] != nil {
            account = .lost(Self.accountForks)
        } else if !isIntact {
            account = .lost("database and sign journal do not belong together")
        } else if let last {
            let isHere = replica.id(key, last.header.seq) == last.id || replica.isWaiting(last.id)
            account =
                isHere && replica.headersThrough(key) == last.header.seq
                ? .unconfirmed(key) : .lost("the database does not continue the sign journal")
        } else if replica.frontier[key]?.seq ?? 0 > 0 {
            // Of every log the journal names the end: it was begun after this one, whose journal is lost.
            account = .lost("the sign journal is lost")
        } else {
            account = .unopened
        }
    }

    static let firstStart = "first start"
    private static let restored = "peers hold ops of this site that it does not know itself: it was restored"
    private static let journalBegunAnew = "the sign journal builds on ops of this site that are gone"
    private static let accountForks = "its account log forks: another process signed with a copy of this site's key"

    mutating func accountForked(_ key: LogKey) {
        switch account {
        case .open(key), .unconfirmed(key): account = .lost(Self.accountForks)
        case .unopened where key.author == identity.peerID: account = .lost(Self.accountForks)
        case .unopened, .open, .unconfirmed, .lost: break
        }
    }

    /// A peer shows what it has.
    mutating func confirmAccount(_ entries: [FrontierEntry], complete: Bool, by peer: PeerID) {
        let mine = entries.filter { $0.author == identity.peerID }
        switch account {
        case .unopened:
            // Who has heard of this node before knows of a past that it lacks.
            let isForgotten = mine.contains { $0.seq > replica.headersThrough(LogKey(author: $0.author, log: $0.log)) }
            if isForgotten {
                return account = .lost(Self.restored)
            }
        case .unconfirmed(let key):
            if let entry = mine.first(where: { $0.log == key.log }),
                entry.forkSeq != nil || entry.seq > replica.headersThrough(key)
            {
                return account = .lost(
                    "peers hold more of this node's account log than it does itself: it was restored")
            }
        case .open, .lost: return
        }
        if complete { accountConfirmations.insert(peer) }
    }

    /// What this node holds of a member's account log and does not count to its frontier yet: ops that wait, or that are
    /// on their way to the disk. Its owner must hear of them before it takes this node's word that there is no more.
    func unsettledAccount(of peer: PeerID) -> FrontierEntry? {
        let key = LogKey(author: peer, log: state.consensus.accountLog(of: peer))
        guard let last = replica.lastHere(of: key), last.seq > summary.frontier[key]?.seq ?? 0 else { return nil }
        return FrontierEntry(author: peer, log: key.log, seq: last.seq, head: last.id, forkSeq: replica.forks[key])
    }

    /// What a HELLO says of the frontier. An equal one would confirm an account log at once.
    var offeredFrontier: Hash32 {
        // Where nothing waits and nothing is on its way to the disk, there is no account to look at.
        if inFlight == nil, openBatch == nil, replica.waitingCount == 0, stopped == nil {
            return summary.frontierDigest
        }
        let isSettled = state.members.members.allSatisfy {
            $0.peer == identity.peerID || unsettledAccount(of: $0.peer) == nil
        }
        return isSettled ? summary.frontierDigest : .zero
    }

    /// Whether enough peers, or time, have said that the end of the account log is known.
    private func isAccountConfirmed(now: Instant) -> Bool {
        if state.members.count == (state.members.contains(identity.peerID) ? 1 : 0) { return true }
        let all = listed.allSatisfy { accountConfirmations.contains($0) || state.members.hasLeft($0) }
        switch account {
        // A site whose disk was wiped must not begin again where nobody can tell it.
        case .unopened: return !awaitsJournal && !accountConfirmations.isEmpty && (all || accountPatience <= now)
        case .unconfirmed(let key): return !isBehindJournal(key) && (all || accountPatience <= now)
        case .open: return true
        case .lost: return false
        }
    }

    /// Whether the ops that the journal gave back build on some that are not here. Peers bring those of others; its own mean
    /// that the journal was begun anew, and cannot tell that the account log was never opened.
    private var awaitsJournal: Bool { journaledLog.map(isBehindJournal) ?? false }

    /// Whether the end of the account log is yet to be known.
    var awaitsAccount: Bool {
        switch account {
        case .unopened, .unconfirmed: true
        case .open, .lost: false
        }
    }

    /// Follows what the electors have named, and what peers have shown.
    private mutating func updateAccount(now: Instant) {
        let named = LogKey(author: identity.peerID, log: state.consensus.accountLog(of: identity.peerID))
        switch account {
        case .lost, .unconfirmed, .unopened:
            // Named anew: the log that this node goes on in is its account log now.
            if ownLogKey == named {
                account = .open(named)
            } else if account == .unopened, replica.headersThrough(named) > 0 {
                // Peers brought what this node does not know to have signed.
                account = .lost(Self.restored)
            }
        case .open(let key) where key != named: account = .lost("the electors have named another log")
        case .open: break
        }
        if account == .unopened, awaitsJournal, accountPatience <= now, !accountConfirmations.isEmpty {
            account = .lost(Self.journalBegunAnew)
        }
        guard case .unconfirmed(let key) = account else { return }
        if isAccountConfirmed(now: now) {
            account = .open(key)
        } else if isBehindJournal(key), accountPatience <= now, !accountConfirmations.isEmpty {
            // What the last ops build on was only here: no peer will bring it.
            account = .lost("the database lost ops that the last ones in it build on")
        }
    }

    /// Whether the account log need not be named anew.
    package var hasAccount: Bool {
        switch account {
        case .unopened, .unconfirmed, .open: true
        case .lost: false
        }
    }

    /// Whether votes and debits can be signed.
    func canVote(now: Instant) -> Bool {
        switch account {
        case .open: true
        case .unopened: isAccountConfirmed(now: now)
        case .unconfirmed, .lost: false
        }
    }

    private var isUnopened: Bool { if case .unopened = account { true } else { false } }

    /// Whether nobody connected has shown yet what it has of this node's account log. Who is in step sends nothing by itself.
    var mayAskAboutAccount: Bool {
        isUnopened && accountConfirmations.isEmpty && !established.isEmpty && stopped == nil
    }

    /// Asks for it: a frontier digest that nobody has is answered with the whole.
    private mutating func askAboutAccount(now: Instant, _ effects: inout [Effect]) {
        guard mayAskAboutAccount, accountAsk <= now else { return }
        accountAsk = now + NodeLimits.confirmMs
        for peer in established.keys.sorted() {
            send(.frontier(.summary(digest: .zero, state: summary.stateDigest)), to: peer, now: now, &effects)
        }
    }

    // MARK: Signing

    /// The next op to be signed whose log is ready, in order for each log.
    mutating func nextSubmission(_ batch: inout Batch, _ effects: inout [Effect]) -> (Submission, LogKey)? {
        refuseAfterLeaving(&effects)
        refuseDebits(&effects)
        if let at = submissions.firstIndex(where: { !isForAccount($0) }), let key = logForNextOp(&batch, &effects) {
            // Members may have been refused all at once.
            guard submissions.indices.contains(at) else { return nil }
            return (submissions.remove(at: at), key)
        }
        guard let at = submissions.firstIndex(where: isForAccount), let key = logForNextDebit(&batch) else {
            return nil
        }
        return (submissions.remove(at: at), key)
    }

    private func isForAccount(_ submission: Submission) -> Bool {
        state.hasVotes && submission.kind.needsAccountLog
    }

    private mutating func logForNextDebit(_ batch: inout Batch) -> LogKey? {
        guard maySign(.vote) else { return nil }
        switch account {
        case .open(let key): return key
        case .unopened where canVote(now: consulted):
            let key = LogKey(
                author: identity.peerID, log: AccountLog.first(of: identity.peerID, in: network))
            guard append(.openLog, body: OpenLog.body, to: key, &batch) != nil else { return nil }
            account = .open(key)
            return key
        case .unopened, .unconfirmed, .lost: return nil
        }
    }

    private mutating func refuseDebits(_ effects: inout [Effect]) {
        guard submissions.contains(where: isForAccount) else { return }
        let reason: String
        switch account {
        case .lost(let why):
            reason =
                "sign: this site's account log cannot be continued (\(why)). Its electors are asked to name another; "
                + "see: shoal consensus list"
        case .unopened where accountPatience <= consulted && accountConfirmations.isEmpty && established.isEmpty:
            reason =
                "sign: no other member has been reached since the start, so nobody can tell that this site has signed "
                + "nothing before; try again when a peer is connected: shoal peers list"
        case .unopened, .unconfirmed, .open: return
        }
        for ticket in submissions.filter(isForAccount).compactMap(\.ticket) {
            effects.append(.submitted(ticket: ticket, .refused(reason)))
        }
        submissions.removeAll(where: isForAccount)
    }

    // MARK: The elector

    /// It looks at what is applied and durable; while something is on its way there, it waits for that and for no clock.
    var mayConsult: Bool {
        state.hasVotes && stopped == nil && inFlight == nil && retraction == nil && openBatch == nil
    }

    /// Lets the elector look, and carries out what it says.
    mutating func consult(now: Instant, _ effects: inout [Effect]) {
        consulted = now
        guard mayConsult else { return }
        updateAccount(now: now)
        askAboutAccount(now: now, &effects)
        let canVote = canVote(now: now)
        var isLost: Bool { if case .lost = account { true } else { false } }
        guard
            isLost || !affirmations.isEmpty || state.consensus.hasDoubleVotes
                || !elector.rests(changes: stateChanges, canVote: canVote, now: now)
        else { return }
        let view = Elector.View(
            state: state, replica: replica, key: identity, canVote: canVote,
            sumsEvery: configuration.sumsEveryDeltas, changes: stateChanges)
        var actions: [Elector.Action] = []
        agree(view, &actions)
        if state.consensus.hasDoubleVotes {
            for proof in state.consensus.takeDoubleVotes() where !state.consensus.isConvicted(proof.author) {
                let op = ConsensusOp.doubleVote(proof).op
                actions.append(.submit(op.kind, op.body))
            }
        }
        actions += elector.step(view, now: now)
        if case .lost = account, let key = ownLogKey { askForAccount(key, view, now: now, &actions) }
        for action in actions {
            switch action {
            case .measure(let id, let question): effects.append(.measure(id, question))
            case .sum(let block): effects.append(.sum(block))
            case .submit(let kind, let body):
                submissions.append(Submission(ticket: nil, kind: kind, body: body))
            }
        }
    }

    /// What the operator agreed to: open questions that say it get a vote, or it is asked.
    private mutating func agree(_ view: Elector.View, _ actions: inout [Elector.Action]) {
        for proposition in affirmations {
            let isAsked = state.consensus.openQuestions.contains {
                state.consensus.matters[$0].flatMap { Proposition($0.question) } == proposition
            }
            if !isAsked { elector.ask(proposition, view, &actions) }
            elector.approved.insert(proposition)
        }
        affirmations = []
    }

    /// The documented way back after a restored backup: the electors name the log that this node goes on in.
    private mutating func askForAccount(
        _ key: LogKey, _ view: Elector.View, now: Instant, _ actions: inout [Elector.Action]
    ) {
        let consensus = state.consensus
        guard accountPatience <= now, !accountConfirmations.isEmpty || !established.isEmpty else { return }
        let generation = consensus.accountGeneration(of: identity.peerID) + 1
        let old = LogKey(author: identity.peerID, log: consensus.accountLog(of: identity.peerID))
        let head = replica.frontier[old].flatMap { head in
            head.seq > 0 ? LogPlace(log: old.log, seq: head.seq, id: head.id) : nil
        }
        if let asked = elector.accountAsked, consensus.openQuestions.contains(asked) { return }
        guard submissions.isEmpty, old != key else { return }
        elector.accountAsked = elector.ask(
            .accountLog(owner: identity.peerID, generation: generation, log: key.log, end: head), view, &actions)
    }
}
