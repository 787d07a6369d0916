internal import Peer
internal import Wire

/// Connections between sites, as far as a node can tell: two streams of bytes, each in order, that may be
/// slow, cut anywhere, held up, or end without a word.
///
/// It knows no clock: the caller passes `now` and schedules what it returns.
struct Network {
    /// Who stands at one end of a connection.
    enum Party: Equatable {
        case site(Int)
        case hostile(Int)
    }

    /// What travels through one direction, in order.
    enum Piece {
        case bytes(Bytes)
        case end
    }

    struct Pipe {
        /// Nothing arrives before this.
        var lastArrival: UInt64
        /// Bytes handed in, and bytes that arrived.
        var sent = 0
        var delivered = 0
        /// What is written goes nowhere any more.
        var isDead = false
        /// Arrived at a partition, and will go on when it heals.
        var held: [Piece] = []
    }

    /// End 0 dialled, end 1 accepted; `pipes[end]` is what that end writes.
    struct Connection {
        let parties: [Party]
        let exporter: Bytes
        /// The initiator's name for it.
        let dial: UInt64?
        /// Which ends have been told that TLS is up.
        var isUp = [false, false]
        var isOpen = [true, true]
        var pipes: [Pipe]
    }

    /// What becomes of bytes that reach a partition.
    enum Block: Equatable {
        /// They go on when it heals.
        case hold
        /// The stream is broken from here on.
        case lose
    }

    struct Arrival {
        let time: UInt64
        let piece: Piece
    }

    private(set) var connections: [ConnectionNumber: Connection] = [:]
    /// Of each site.
    private var numbers: [Set<ConnectionNumber>]
    private var last: ConnectionNumber = 0
    private var blocks: [[Block?]]
    /// Whether anything was ever held up.
    private var holds = false
    private let latencyMs: Int
    private let jitterMs: Int
    private var random: Random

    /// Bytes of a stream that arrive per millisecond.
    private static let bytesPerMs = 20_000

    init(sites: Int, latencyMs: Int, jitterMs: Int, random: Random) {
        blocks = Array(repeating: Array(repeating: nil, count: sites), count: sites)
        numbers = Array(repeating: [], count: sites)
        self.latencyMs = latencyMs
        self.jitterMs = jitterMs
        self.random = random
    }

    mutating func delay() -> UInt64 { UInt64(latencyMs + random.below(jitterMs + 1)) }

    // MARK: Partitions

    mutating func block(_ from: Int, _ to: Int, _ block: Block?) { blocks[from][to] = block }

    func isBlocked(_ from: Party, _ to: Party) -> Bool { block(from, to) != nil }

    private func block(_ from: Party, _ to: Party) -> Block? {
        guard case .site(let from) = from, case .site(let to) = to else { return nil }
        return blocks[from][to]
    }

    /// Pieces that were held between two sites, by connection and direction.
    mutating func release(_ from: Int, _ to: Int) -> [(number: ConnectionNumber, end: Int, pieces: [Piece])] {
        guard holds else { return [] }
        var released: [(ConnectionNumber, Int, [Piece])] = []
        for number in connections.keys.sorted() {
            for end in 0...1 {
                let parties = connections[number]!.parties
                guard parties[end] == .site(from), parties[1 - end] == .site(to) else { continue }
                let held = connections[number]!.pipes[end].held
                connections[number]!.pipes[end].held = []
                if !held.isEmpty { released.append((number, end, held)) }
            }
        }
        return released
    }

    // MARK: Connections

    /// Opens a connection: TLS is up for the initiator first, one delay later for the acceptor.
    ///
    /// - Returns: when each end may be told.
    mutating func connect(
        _ initiator: Party, to acceptor: Party, dial: UInt64?, now: UInt64
    ) -> (number: ConnectionNumber, opens: [UInt64]) {
        last += 1
        let opens = [now + delay(), now + 2 * delay()]
        let exporter = (0..<4).flatMap { _ in random.next().bigEndianBytes }
        connections[last] = Connection(
            parties: [initiator, acceptor], exporter: exporter, dial: dial,
            pipes: [Pipe(lastArrival: max(opens[0], opens[1])), Pipe(lastArrival: opens[0])])
        for case .site(let site) in [initiator, acceptor] { numbers[site].insert(last) }
        return (last, opens)
    }

    /// TLS is up at one end, unless the connection has ended.
    mutating func open(_ number: ConnectionNumber, _ end: Int) -> Connection? {
        guard isOpen(number, end) else { return nil }
        connections[number]!.isUp[end] = true
        return connections[number]
    }

    /// Which end of a connection a party is; nil when it is over.
    func end(of party: Party, in number: ConnectionNumber) -> Int? {
        connections[number]?.parties.firstIndex(of: party)
    }

    /// The site at one end; nil for a hostile party, and for a connection that is over.
    func site(_ number: ConnectionNumber, _ end: Int) -> Int? {
        guard case .site(let site)? = connections[number]?.parties[end] else { return nil }
        return site
    }

    /// The connections that a site is or was an end of, in no order.
    func numbers(of site: Int) -> Set<ConnectionNumber> { numbers[site] }

    func isOpen(_ number: ConnectionNumber, _ end: Int) -> Bool { connections[number]?.isOpen[end] ?? false }

    /// Open connections, ascending.
    var open: [ConnectionNumber] { connections.keys.filter { connections[$0]!.isOpen == [true, true] }.sorted() }

    /// Bytes enter one direction and arrive in random pieces.
    mutating func write(_ bytes: Bytes, to number: ConnectionNumber, from end: Int, now: UInt64) -> [Arrival] {
        guard let connection = connections[number], !connection.pipes[end].isDead else { return [] }
        connections[number]!.pipes[end].sent += bytes.count
        return cut(bytes).map { arrival(of: .bytes($0), size: $0.count, number, end, now: now) }
    }

    private mutating func cut(_ bytes: Bytes) -> [Bytes] {
        guard bytes.count > 1, random.chance(0.2) else { return [bytes] }
        let borders = (0..<1 + random.below(3)).map { _ in 1 + random.below(bytes.count - 1) }
        let sorted = ([0, bytes.count] + borders).sorted()
        return zip(sorted, sorted.dropFirst()).filter { $0 < $1 }.map { Bytes(bytes[$0..<$1]) }
    }

    private mutating func arrival(
        of piece: Piece, size: Int, _ number: ConnectionNumber, _ end: Int, now: UInt64
    ) -> Arrival {
        let time = max(
            connections[number]!.pipes[end].lastArrival, now + delay() + UInt64(size / Self.bytesPerMs))
        connections[number]!.pipes[end].lastArrival = time
        return Arrival(time: time, piece: piece)
    }

    /// One end closes: the other hears of it behind what was written.
    mutating func close(_ number: ConnectionNumber, _ end: Int, now: UInt64) -> Arrival? {
        guard isOpen(number, end) else { return nil }
        connections[number]!.isOpen[end] = false
        defer { forgetIfOver(number) }
        guard isOpen(number, 1 - end), !connections[number]!.pipes[end].isDead else { return nil }
        return arrival(of: .end, size: 0, number, end, now: now)
    }

    /// Both directions break; whatever is on its way is lost.
    mutating func breakStreams(_ number: ConnectionNumber) {
        for end in 0...1 { breakStream(number, from: end) }
    }

    mutating func breakStream(_ number: ConnectionNumber, from end: Int) {
        connections[number]?.pipes[end].isDead = true
        connections[number]?.pipes[end].held = []
    }

    /// An end is gone without a word.
    mutating func drop(_ number: ConnectionNumber, _ end: Int) {
        connections[number]?.isOpen[end] = false
        forgetIfOver(number)
    }

    private mutating func forgetIfOver(_ number: ConnectionNumber) {
        guard let connection = connections[number], connection.isOpen == [false, false] else { return }
        for case .site(let site) in connection.parties { numbers[site].remove(number) }
        connections[number] = nil
    }

    /// A piece written by `end` has come to its border: what of it gets through.
    mutating func arrive(_ piece: Piece, _ number: ConnectionNumber, from end: Int) -> Piece? {
        guard let connection = connections[number], connection.isOpen[1 - end], !connection.pipes[end].isDead else {
            return nil
        }
        switch block(connection.parties[end], connection.parties[1 - end]) {
        case .lose:
            breakStream(number, from: end)
            return nil
        case .hold:
            connections[number]!.pipes[end].held.append(piece)
            holds = true
            return nil
        case nil:
            if case .bytes(let bytes) = piece { connections[number]!.pipes[end].delivered += bytes.count }
            return piece
        }
    }
}
