import Identity
import Ledger
import Membership
import Replication
import Wire

/// What an op of these tests means. Certificates are taken on trust here.
enum Meaning {
    case nothing
    case says(LedgerBody)
    case certifies(Outcome)
}

/// All ops of a network and what they mean.
final class Archive {
    let network = NetworkID(Bytes(repeating: 9, count: 32))!
    let founders: [PeerID]
    var meanings: [OpID: Meaning] = [:]
    var written = 0

    init(founders: [PeerID]) { self.founders = founders }
}

/// One site's ledger: production code for logs and causes, and for Koi.
struct Book {
    let archive: Archive
    let key: KeyPair
    var log: LogID
    var replica = Replica()
    var ledger: Ledger
    /// Code of void ops, "" for those with effect.
    var verdicts: [OpID: String] = [:]
    var held: [Op] = []

    var peer: PeerID { key.peerID }
    var logKey: LogKey { LogKey(author: peer, log: log) }
    var site: AccountID { .site(of: peer) }

    init(_ archive: Archive, _ key: KeyPair, log: UInt64 = 1) {
        self.archive = archive
        self.key = key
        self.log = LogID(rawValue: log)
        ledger = Ledger(founders: archive.founders, network: archive.network)
    }

    // MARK: Writing

    @discardableResult
    mutating func write(_ meaning: Meaning) -> Op {
        if replica.frontier[logKey] == nil { append(.openLog, [0x81, 0x01], .nothing) }
        switch meaning {
        case .nothing: return append(.updateModelWeights, [0], meaning)
        case .says(let body): return append(body.kind, body.encode(), meaning)
        case .certifies: return append(.certificate, [UInt8(truncatingIfNeeded: archive.written)], meaning)
        }
    }

    @discardableResult
    mutating func says(_ body: LedgerBody) -> Op { write(.says(body)) }

    /// Writes it, and tells what became of it: "" for an op with effect.
    mutating func judged(_ body: LedgerBody) -> String? {
        let op = says(body)
        return verdict(op)
    }

    @discardableResult
    mutating func certifies(_ outcome: Outcome) -> Op { write(.certifies(outcome)) }

    @discardableResult
    mutating func pays(_ amount: NanoKoi, to: AccountID, from: String = AccountID.site) -> Op {
        says(.transfer(Transfer(from: from, payments: [.init(to: to, amount: amount)])))
    }

    @discardableResult
    private mutating func append(_ kind: OpKind, _ body: Bytes, _ meaning: Meaning) -> Op {
        let head = replica.frontier[logKey]
        let deps = replica.dependencies(for: logKey)
        let op = Op(
            signing: kind, body: body, log: log, seq: (head?.seq ?? 0) + 1, prev: head?.id ?? .zero,
            lamport: replica.time(next: logKey, deps: deps), deps: deps, network: archive.network, with: key)
        archive.meanings[op.id] = meaning
        archive.written += 1
        fold(op, isRetracted: false)
        return op
    }

    /// Names this log as the account log of its author, as a quorum would.
    mutating func opensAccount(generation: UInt64 = 1, end: LogPrefix? = nil) {
        certifies(.accountLog(owner: peer, generation: generation, log: log, end: end))
    }

    /// A prefix of a log that ends with this op.
    static func prefix(_ op: Op) -> Outcome { .prefix(LogPrefix(key: op.header.logKey, seq: op.header.seq, id: op.id)) }

    // MARK: Hearing

    mutating func hear(_ ops: [Op]) {
        for op in ops {
            switch replica.offer(op, from: nil) {
            case .fork: convict(op.header.logKey, from: op.header.seq)
            case .brokenChain, .accepted, .known, .retracted, .poolFull: break
            }
            drain()
        }
        // Beyond a fork each op must come before the one that it builds on.
        while true {
            let missing = Set(replica.missing.map(\.id))
            let wanted = ops.filter { missing.contains($0.id) }
            guard !wanted.isEmpty else { return }
            for op in wanted { _ = replica.offer(op, from: nil) }
            drain()
        }
    }

    mutating func hear(_ other: Book) { hear(other.held) }

    mutating func convict(_ key: LogKey, from seq: UInt64) {
        replica.retract(key, from: seq)
        ledger.fork(key, from: seq)
        drain()
    }

    private mutating func drain() {
        while let ready = replica.take() { fold(ready.op, isRetracted: ready.isRetracted) }
    }

    private mutating func fold(_ op: Op, isRetracted: Bool) {
        let position = replica.positionOfNext(op)
        let includes = replica.judge(op)
        let places = replica
        let past = LedgerPast(includes: includes, locate: { places.position(of: $0) }, isMember: { _ in true })
        ledger.note(position, of: op.header.logKey, after: replica.position(of: op.header.prev))
        verdicts[op.id] = ""
        switch archive.meanings[op.id] ?? .nothing {
        case .nothing: break
        case .says(let body):
            do throws(LedgerError) {
                try ledger.apply(
                    LedgerEntry(id: op.id, key: op.header.logKey, position: position, body: body), past: past)
            } catch {
                verdicts[op.id] = error.code
            }
        case .certifies(let outcome): ledger.apply(outcome, carriedBy: position, past: past)
        }
        replica.apply(op)
        held.append(op)
    }

    // MARK: Asking

    mutating func settle() {
        let replica = replica
        ledger.settle { replica.isReferenced($0) }
    }

    mutating func digest() -> Hash32? {
        settle()
        return ledger.digest()
    }

    /// Why the sums cannot be; nil if they can.
    mutating func flaw() -> String? {
        settle()
        return ledger.totals.flaw()
    }

    func balance(_ account: AccountID) -> NanoKoi { ledger.wallet(account).balance }
    func verdict(_ op: Op) -> String? { verdicts[op.id] }

    /// The same ops in another order that respects causes; forks are known at once or when they are met.
    func refolded(_ random: inout Random, forksFirst: Bool) -> Book {
        var book = Book(archive, key)
        if forksFirst {
            for (key, seq) in replica.forks.sorted(by: { $0.key < $1.key }) { book.convict(key, from: seq) }
        }
        var rest = held
        while true {
            random.shuffle(&rest)
            let before = book.held.count
            book.hear(rest)
            if !forksFirst {
                for (key, seq) in replica.forks.sorted(by: { $0.key < $1.key }) { book.convict(key, from: seq) }
            }
            rest = rest.filter { !book.replica.contains($0.id) }
            if rest.isEmpty || (book.held.count == before && book.replica.missing.isEmpty) { return book }
        }
    }
}

/// Founders with account logs, each with its own view of what happened.
struct Town {
    let archive: Archive
    var books: [Book]

    init(_ count: Int) {
        let keys = (0..<count).map { KeyPair(seed: Bytes(repeating: UInt8($0 + 1), count: 32)) }
        let archive = Archive(founders: keys.map(\.peerID))
        self.archive = archive
        books = keys.map { Book(archive, $0) }
        for index in books.indices { books[index].opensAccount() }
        gossip()
    }

    subscript(index: Int) -> Book {
        get { books[index] }
        set { books[index] = newValue }
    }

    /// Everybody hears everything.
    mutating func gossip() {
        for _ in 0..<2 {
            for listener in books.indices {
                for speaker in books.indices where speaker != listener { books[listener].hear(books[speaker]) }
            }
        }
    }
}

func koi(_ amount: NanoKoi) -> NanoKoi { amount * Koi.nanoKoi }
