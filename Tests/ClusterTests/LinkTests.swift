import Testing
import Transport
import Wire

@testable import Harness

/// What is under way on a link, without sockets: the time is the test's.
@Suite struct LinkPipeTests {
    private var random = Random(seed: 1)

    private func bytes(_ count: Int, _ first: UInt8 = 0) -> [UInt8] { (0..<count).map { first &+ UInt8($0 % 251) } }

    @Test mutating func `a plain link delivers at once and in order`() {
        var pipe = LinkPipe()
        pipe.take([1, 2, 3], now: 5, .plain, &random)
        pipe.take([4], now: 5, .plain, &random)
        #expect(pipe.next(now: 5, .plain, heldUntil: 0) == .write([1, 2, 3]))
        pipe.wrote(2, now: 5, .plain)
        #expect(pipe.next(now: 5, .plain, heldUntil: 0) == .write([3]))
        pipe.wrote(1, now: 5, .plain)
        #expect(pipe.next(now: 5, .plain, heldUntil: 0) == .write([4]))
        pipe.wrote(1, now: 5, .plain)
        #expect(pipe.next(now: 5, .plain, heldUntil: 0) == .rest)
        pipe.end()
        #expect(pipe.next(now: 5, .plain, heldUntil: 0) == .end)
        #expect(pipe.arrived == 4)
    }

    @Test mutating func `latency and jitter delay, and nothing overtakes`() {
        var link = LinkConditions()
        (link.latencyMs, link.jitterMs) = (100, 50)
        var pipe = LinkPipe()
        for number in 0..<40 { pipe.take([UInt8(number)], now: UInt64(number), link, &random) }
        pipe.end()
        #expect(pipe.next(now: 99, link, heldUntil: 0) != .end)
        var (now, arrivals): (UInt64, [(UInt8, UInt64)]) = (0, [])
        while true {
            switch pipe.next(now: now, link, heldUntil: 0) {
            case .wait(let until): now = until
            case .write(let bytes):
                arrivals.append((bytes.first!, now))
                pipe.wrote(1, now: now, link)
                continue
            case .end, .rest: break
            }
            if pipe.count == 0 { break }
        }
        #expect(arrivals.map(\.0) == (0..<40).map { UInt8($0) })
        #expect(arrivals.allSatisfy { $0.1 >= UInt64($0.0) + 100 && $0.1 <= 39 + 150 })
        #expect(Set(arrivals.map { $0.1 - UInt64($0.0) }).count > 10, "the jitter is drawn anew")
    }

    @Test mutating func `bandwidth spaces out what is sent, and full buffers stop the sender`() {
        var link = LinkConditions()
        link.bytesPerSecond = 100_000
        var pipe = LinkPipe()
        var taken = 0
        while pipe.hasRoom(link) {
            pipe.take(bytes(link.readBytes), now: 0, link, &random)
            taken += link.readBytes
        }
        #expect(taken < 100_000, "no second's worth is under way")
        #expect(pipe.next(now: 0, link, heldUntil: 0) == .wait(until: UInt64(link.readBytes * 1_000 / 100_000)))
        var now: UInt64 = 0
        while pipe.count > 0 {
            switch pipe.next(now: now, link, heldUntil: 0) {
            case .wait(let until): now = until
            case .write(let bytes): pipe.wrote(bytes.count, now: now, link)
            case .end, .rest: Issue.record("bytes are under way")
            }
        }
        #expect(now == UInt64(taken * 1_000 / 100_000))
    }

    @Test mutating func `slices arrive one by one, a cut holds all, a stall ends by itself`() {
        var link = LinkConditions()
        link.sliceBytes = 3
        var pipe = LinkPipe()
        pipe.take(bytes(7), now: 0, link, &random)
        #expect(pipe.next(now: 0, link, heldUntil: 0) == .write([0, 1, 2]))
        pipe.wrote(3, now: 0, link)
        #expect(pipe.next(now: 0, link, heldUntil: 0) == .wait(until: 1))
        #expect(pipe.next(now: 1, link, heldUntil: 500) == .wait(until: 500))
        #expect(pipe.next(now: 500, link, heldUntil: 500) == .write([3, 4, 5]))
        link.isCut = true
        #expect(pipe.next(now: 500, link, heldUntil: 0) == .rest)
        #expect(!pipe.hasRoom(link))
        link.isCut = false
        #expect(pipe.next(now: 500, link, heldUntil: 0) == .write([3, 4, 5]))
    }
}

/// The same over real sockets: `a` dials `b` through a switchboard, and the test plays both.
@Suite struct SwitchboardTests {
    /// Both ends of a connection that a switchboard carries.
    private final class Town {
        let loop: EventLoop
        let board: Switchboard
        let server: LinkSocket
        private(set) var door: UInt16 = 0

        init() throws {
            loop = try EventLoop()
            board = Switchboard(loop: loop, seed: 1)
            server = try LinkSocket.listening(at: "127.0.0.1", port: 0)
            board.set("a", host: "127.0.0.1", port: 1)
            board.set("b", host: "127.0.0.1", port: server.port)
            door = try board.open(from: "a", to: "b", port: 0)
            loop.start()
        }

        func close() async throws {
            let board = board
            try await loop.perform { board.close() }
            loop.stop()
            loop.join()
            server.close()
        }

        func dial() throws -> LinkSocket { try LinkSocket.connecting(to: "127.0.0.1", port: door) }

        func accept() async throws -> LinkSocket {
            var found: LinkSocket?
            try await eventually("b is dialed") {
                found = server.accept()
                return found != nil
            }
            return found!
        }

        func order(_ change: @escaping @Sendable (inout LinkOrder) -> Void, from: [String] = []) async throws {
            let board = board
            var order = LinkOrder(from: from)
            change(&order)
            let changed = order
            try await loop.perform { Result { try board.carryOut(changed) } }.get()
        }
    }

    private func receive(_ socket: LinkSocket, _ count: Int) async throws -> [UInt8] {
        var received: [UInt8] = []
        try await eventually("\(count) bytes arrive") {
            received += read(socket)
            return received.count >= count
        }
        return received
    }

    private func read(_ socket: LinkSocket) -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        let outcome = buffer.withUnsafeMutableBytes { socket.read(into: $0) }
        if case .bytes(let count) = outcome { return Array(buffer.prefix(count)) }
        return []
    }

    private func with(_ body: (Town) async throws -> Void) async throws {
        let town = try Town()
        do {
            try await body(town)
        } catch {
            try await town.close()
            throw error
        }
        try await town.close()
    }

    @Test func `what is sent arrives, both ways, and so does the end`() async throws {
        try await with { town in
            let a = try town.dial()
            let b = try await town.accept()
            try await eventually("a may write") { a.write([1, 2, 3]) == .bytes(3) }
            #expect(try await receive(b, 3) == [1, 2, 3])
            let large = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
            var sent = 0
            var received: [UInt8] = []
            try await eventually("all arrives") {
                if sent < large.count, case .bytes(let count) = b.write(large[sent...]) { sent += count }
                received += read(a)
                return received.count == large.count
            }
            #expect(received == large)
            a.finish()
            try await eventually("b hears the end") { b.isForsaken }
            a.close()
            b.close()
        }
    }

    @Test func `a cut in one direction leaves the other alone, and what it held arrives when it is healed`()
        async throws
    {
        try await with { town in
            let a = try town.dial()
            let b = try await town.accept()
            try await town.order({ $0.cut = true }, from: ["a"])
            try await eventually("a may write") { a.write([1]) == .bytes(1) }
            #expect(b.write([2]) == .bytes(1))
            #expect(try await receive(a, 1) == [2])
            #expect(read(b) == [], "b hears nothing of a")
            let second = try town.dial()
            try await eventually("it is connected to the door") { second.isConnected }
            #expect(town.server.accept() == nil, "and not to b: its first packet is lost")
            try await town.order { $0.cut = false }
            #expect(try await receive(b, 1) == [1])
            try await town.accept().close()
            for socket in [a, b, second] { socket.close() }
        }
    }

    @Test func `a reset ends the connection on both sides`() async throws {
        try await with { town in
            let a = try town.dial()
            let b = try await town.accept()
            try await eventually("a may write") { a.write([1]) == .bytes(1) }
            _ = try await receive(b, 1)
            try await town.order { $0.reset = true }
            try await eventually("both have heard") { a.isForsaken && b.isForsaken }
            a.close()
            b.close()
        }
    }

    @Test func `whoever dials a node that is not there hears of it`() async throws {
        try await with { town in
            try await town.loop.perform { [board = town.board] in board.set("b", host: "127.0.0.1", port: 1) }
            let a = try town.dial()
            try await eventually("a is told") { a.isForsaken }
            a.close()
        }
    }

    @Test func `links of nodes that do not exist are refused`() async throws {
        try await with { town in
            await #expect(throws: (any Error).self) { try await town.order({ $0.cut = true }, from: ["z"]) }
        }
    }
}
