import Identity
import Session
import Testing
import Wire

@Suite struct LinkTests {
    let want = Message.blobNone(id(1))

    /// What ends a link: the reason to the peer, then the close.
    private func end(_ error: LinkError) -> [Link.Output] {
        [.write(wire(.bye(error.code, error.description))), .close(error)]
    }

    // MARK: Messages

    @Test func `a message arrives with its lane and its size`() throws {
        var pair = Pair()
        let frame = wire(want)
        #expect(try pair.alice.send(want) == [.write(frame)])
        #expect(pair.bob.received(frame, now: start) == [.message(want, lane: .control, bytes: frame.count)])
        #expect(pair.bob.unprocessed == frame.count)
        #expect(pair.bob.processed(lane: .control, bytes: frame.count, now: start) == [], "too little to return yet")
        #expect(pair.bob.unprocessed == 0)
    }

    @Test func `several frames in one chunk come out in order`() throws {
        var pair = Pair()
        let messages: [Message] = [want, .ops([[1], [2]]), .ihave([id(2)])]
        #expect(pair.bob.received(Bytes(messages.flatMap(wire)), now: start).messages == messages)
    }

    @Test func `nothing is sent before HELLO or after the end`() {
        var fresh = link(.initiator, alice)
        #expect(throws: SendRefusal.notEstablished) { try fresh.send(want) }
        #expect(fresh.processed(lane: .ops, bytes: 5, now: start) == [])
        var pair = Pair()
        _ = pair.alice.close(.shutdown, "")
        #expect(throws: SendRefusal.closed) { try pair.alice.send(want) }
        #expect(pair.alice.processed(lane: .ops, bytes: 5, now: start) == [])
        #expect(pair.alice.received(wire(want), now: start) == [] && pair.alice.tick(now: start + 9_999) == [])
    }

    @Test func `BYE tells the other side why, and nothing after it counts`() {
        var pair = Pair()
        let bye = pair.alice.close(.duplicate, "another is kept")
        #expect(
            bye == [.write(wire(.bye(.duplicate, "another is kept"))), .close(.byeSent(.duplicate, "another is kept"))])
        #expect(pair.alice.close(.shutdown, "") == [], "once")
        #expect(
            pair.bob.received(bye.written + wire(want), now: start)
                == [.close(.byeReceived(.duplicate, "another is kept"))])
        #expect(pair.bob.isClosed)
    }

    @Test func `a long farewell is cut between characters`() throws {
        var pair = Pair()
        let bye = pair.alice.close(.misbehaviour, String(repeating: "ß", count: 200)).written
        let text = String(repeating: "ß", count: 128)
        #expect(pair.bob.received(bye, now: start) == [.close(.byeReceived(.misbehaviour, text))])
    }

    @Test func `a breach ends the link with its name, for both sides`() {
        var pair = Pair()
        let error = LinkError.notSpoken(.vote)
        let outputs = pair.bob.received(rawFrame(type: 15), now: start)
        #expect(outputs == end(error))
        #expect(
            pair.alice.received(outputs.written, now: start).closeReason == .byeReceived(error.code, error.description))
    }

    @Test func `what came whole before a breach is still delivered`() {
        var pair = Pair()
        let outputs = pair.bob.received(wire(want) + rawFrame(type: 4, lane: 1, body: [0x80]), now: start)
        #expect(outputs.messages == [want])
        #expect(
            outputs.closeReason
                == .malformed(.ops, .outOfRange(at: 0, what: "0 items < 1")))
    }

    @Test func `a frame of a later version is read over and paid for`() throws {
        var pair = Pair()
        let unknown = rawFrame(type: 0xC0, lane: 1, body: Bytes(repeating: 1, count: 140_000))
        let credit = Message.credit(PerLane(control: 0, ops: 140_008, bulk: 0))
        #expect(pair.bob.received(unknown, now: start) == [.write(wire(credit))])
        #expect(pair.bob.metrics.skipped.frames == 1)
    }

    // MARK: Credit

    @Test func `credit comes back a quarter of a window at a time, for all lanes at once`() {
        var pair = Pair()
        let ops = Message.ops(Array(repeating: Bytes(repeating: 1, count: 7_000), count: 9))
        let size = wire(ops).count
        let stream = wire(want) + wire(ops) + wire(ops) + wire(ops)
        #expect(pair.bob.received(Bytes(stream), now: start).messages.count == 4)
        #expect(pair.bob.processed(lane: .control, bytes: wire(want).count, now: start) == [])
        #expect(pair.bob.processed(lane: .ops, bytes: size, now: start) == [])
        #expect(pair.bob.processed(lane: .ops, bytes: size, now: start) == [])
        let credit = Message.credit(PerLane(control: wire(want).count, ops: 3 * size, bulk: 0))
        #expect(pair.bob.processed(lane: .ops, bytes: size, now: start) == [.write(wire(credit))])
    }

    @Test func `without credit messages wait, and go out in order when it comes`() throws {
        var pair = Pair()
        let chunk = Message.blob(
            Blob(
                hash: id(1), chunk: 1, chunks: 64, chunkHashes: [],
                bytes: Bytes(repeating: 7, count: BodyHash.chunkBytes)))
        let size = wire(chunk).count
        var sent = 0
        while try !pair.alice.send(chunk).isEmpty { sent += 1 }
        #expect(sent == Lane.bulk.window / size)
        #expect(pair.alice.queued(on: .bulk) == size)
        #expect(try pair.alice.send(want) != [], "another lane goes on")
        _ = try pair.alice.send(chunk)
        let credit = wire(.credit(PerLane(control: 0, ops: 0, bulk: 4 * size)))
        #expect(
            pair.alice.received(credit, now: start) == [.write(wire(chunk)), .write(wire(chunk))])
    }

    @Test func `a full queue says so and loses nothing that it took`() throws {
        var pair = Pair()
        let ops = Message.ops(Array(repeating: Bytes(repeating: 1, count: 7_168), count: 36))
        let size = wire(ops).count
        var taken = 0
        let refusal = #expect(throws: SendRefusal.self) {
            while true {
                _ = try pair.alice.send(ops)
                taken += 1
            }
        }
        #expect(refusal == .queueFull(.ops))
        #expect(taken == Lane.ops.window / size + Lane.ops.queueLimit / size)
        #expect(pair.alice.metrics.refused.ops == 1)
        #expect(try pair.alice.send(want) != [], "control is not behind it")
    }

    @Test func `a flood beyond the granted credit is a breach, and memory stays bounded`() {
        var pair = Pair()
        let frame = wire(.ops(Array(repeating: Bytes(repeating: 1, count: 7_168), count: 36)))
        var outputs = [Link.Output]()
        for _ in 0..<10 where outputs.closeReason == nil {
            outputs = pair.bob.received(frame, now: start)
            #expect(pair.bob.unprocessed <= Lane.ops.window)
        }
        #expect(outputs == end(.creditExceeded(.ops)))
    }

    @Test func `credit that was not in use is a breach`() throws {
        var pair = Pair()
        #expect(
            pair.alice.received(wire(.credit(PerLane(control: 20_000, ops: 0, bulk: 0))), now: start)
                == end(.creditOverflow(.control)))
    }

    @Test func `credit in crumbs is a breach`() throws {
        var pair = Pair()
        _ = try pair.alice.send(want)
        #expect(
            pair.alice.received(wire(.credit(PerLane(control: 1, ops: 0, bulk: 0))), now: start)
                == end(.creditTooSmall))
        pair = Pair()
        #expect(
            pair.alice.received(wire(.credit(PerLane { _ in 0 })), now: start) == end(.creditTooSmall))
    }

    // MARK: Lanes on a slow connection

    @Test func `lower lanes overtake on a slow connection, and no lane starves`() throws {
        var pair = Pair(transportLimit: 1)
        let chunk = Message.blob(
            Blob(
                hash: id(1), chunk: 1, chunks: 64, chunkHashes: [],
                bytes: Bytes(repeating: 7, count: BodyHash.chunkBytes)))
        let ops = Message.ops(Array(repeating: Bytes(repeating: 1, count: 7_168), count: 9))
        var blocking = try pair.alice.send(chunk).written
        #expect(!blocking.isEmpty)
        for _ in 0..<3 { #expect(try pair.alice.send(chunk) == []) }
        for _ in 0..<7 { #expect(try pair.alice.send(ops) == []) }
        #expect(try pair.alice.send(want) == [])
        var order = [UInt8]()
        while true {
            let next = pair.alice.written(blocking.count)
            if next.isEmpty { break }
            #expect(next.count == 1, "one frame at a time")
            blocking = next.written
            order.append(blocking[4])
        }
        // 7 frames of 63 KiB pass the waiting chunks: less than the 512 KiB that would give those a turn.
        #expect(order == [13, 4, 4, 4, 4, 4, 4, 4, 12, 12, 12])
    }

    @Test func `a lane that waits gets a frame through after 512 KiB of others`() throws {
        var pair = Pair(transportLimit: 1)
        let ops = Message.ops(Array(repeating: Bytes(repeating: 1, count: 7_168), count: 9))
        let chunk = Message.blob(Blob(hash: id(1), chunk: 0, chunks: 1, chunkHashes: [id(2)], bytes: [1]))
        var blocking = try pair.alice.send(ops).written
        _ = try pair.alice.send(chunk)
        var opsBefore = 0
        var inUse = blocking.count
        while true {
            if pair.alice.queued(on: .ops) == 0 { _ = try pair.alice.send(ops) }
            blocking = pair.alice.written(blocking.count).written
            if blocking[4] == MessageKind.blob.rawValue { break }
            opsBefore += 1
            inUse += blocking.count
            if inUse >= Lane.ops.window / 2 {
                let credit = wire(.credit(PerLane(control: 0, ops: inUse, bulk: 0)))
                #expect(pair.alice.received(credit, now: start).closeReason == nil)
                inUse = 0
            }
        }
        #expect(opsBefore == (512 * 1_024 + wire(ops).count - 1) / wire(ops).count)
    }

    // MARK: Liveness

    @Test func `a silent peer is asked three times and then given up`() {
        var pair = Pair()
        let table: [(UInt64, [Link.Output])] = [
            (999, []),
            (1_000, [.write(wire(.ping(nonce: 1)))]),
            (1_001, []),
            (2_000, [.write(wire(.ping(nonce: 2)))]),
            (3_000, [.write(wire(.ping(nonce: 3)))]),
            (3_999, []),
            (4_000, end(.dead(missedPings: 3))),
            (9_000, []),
        ]
        for (ms, outputs) in table {
            #expect(pair.alice.tick(now: start + ms) == outputs, "at \(ms) ms")
        }
    }

    @Test func `any byte is a sign of life`() throws {
        var pair = Pair()
        let chunk = rawFrame(type: 4, lane: 1, length: 100_000)
        #expect(pair.alice.received(chunk, now: start) == [])
        for second in 1...20 as ClosedRange<UInt64> {
            #expect(pair.alice.received([0], now: start + second * 900) == [])
            #expect(pair.alice.tick(now: start + second * 900) == [])
        }
    }

    @Test func `a node that slept asks before it judges`() {
        var pair = Pair()
        #expect(pair.alice.tick(now: start + 60_000) == [.write(wire(.ping(nonce: 1)))])
        #expect(pair.alice.nextDeadline == start + 61_000)
    }

    @Test func `a node that is itself unwell waits longer`() {
        var pair = Pair()
        pair.alice.localHealth = 1
        var seconds: UInt64 = 0
        while !pair.alice.isClosed {
            seconds += 1
            _ = pair.alice.tick(now: start + seconds * 1_000)
        }
        #expect(seconds == 7)
    }

    @Test func `a PING is answered at once, and the answer measures the way`() {
        var pair = Pair()
        let ping = pair.alice.tick(now: start + 1_000).written
        let pong = pair.bob.received(ping, now: start + 1_020)
        #expect(pong == [.write(wire(.pong(nonce: 1)))])
        #expect(pair.alice.roundTrip == nil)
        #expect(pair.alice.received(pong.written, now: start + 1_040) == [])
        #expect(pair.alice.roundTrip?.meanMs == 40 && pair.alice.roundTrip?.p95Ms == 80)
        #expect(pair.alice.nextDeadline == start + 2_040)
    }

    @Test func `the round trip settles on what it sees`() {
        var pair = Pair()
        var now = start
        for _ in 0..<100 {
            now = now + 1_000
            let pong = pair.bob.received(pair.alice.tick(now: now).written, now: now)
            now = now + 64
            _ = pair.alice.received(pong.written, now: now)
        }
        #expect(pair.alice.roundTrip?.meanMs == 64 && pair.alice.roundTrip!.deviationMs <= 1)
    }

    @Test func `a PONG that answers nothing is a breach`() {
        var pair = Pair()
        #expect(pair.alice.received(wire(.pong(nonce: 1)), now: start) == end(.unexpectedPong))
        pair = Pair()
        _ = pair.alice.tick(now: start + 1_000)
        #expect(pair.alice.received(wire(.pong(nonce: 2)), now: start + 1_001) == end(.unexpectedPong))
    }

    @Test func `PINGs are answered at the rate liveness needs, and no faster`() {
        var pair = Pair()
        for nonce in 1...32 as ClosedRange<UInt64> {
            #expect(pair.bob.received(wire(.ping(nonce: nonce)), now: start) == [.write(wire(.pong(nonce: nonce)))])
        }
        #expect(pair.bob.received(wire(.ping(nonce: 33)), now: start) == end(.pingFlood))
        pair = Pair()
        for second in 1...200 as ClosedRange<UInt64> {
            let outputs = pair.bob.received(wire(.ping(nonce: second)), now: start + second * 500)
            #expect(outputs.closeReason == nil)
        }
    }

    @Test func `a peer that sends and never reads gets no endless PINGs`() {
        var pair = Pair()
        var pings = 0
        for second in 1...100 as ClosedRange<UInt64> {
            pings += pair.alice.tick(now: start + second * 2_000).count
            _ = pair.alice.received(wire(.ping(nonce: second)), now: start + second * 2_000 + 1)
        }
        #expect(pings == SessionLimits.pingsInFlight)
        #expect(pair.alice.isEstablished)
    }

    @Test func `a clock that goes back does no harm`() {
        var pair = Pair()
        let early = Instant(milliseconds: 5)
        #expect(pair.alice.tick(now: early) == [])
        #expect(pair.alice.received(wire(.ping(nonce: 1)), now: early) == [.write(wire(.pong(nonce: 1)))])
        #expect(pair.alice.nextDeadline == early + 1_000)
    }

    // MARK: Counting

    @Test func `every frame is counted by kind and direction`() throws {
        var pair = Pair()
        let frame = try pair.alice.send(want).written
        _ = pair.bob.received(frame, now: start)
        #expect(pair.alice.metrics.sent(.blobNone) == pair.bob.metrics.received(.blobNone))
        #expect(pair.bob.metrics.received(.blobNone).frames == 1)
        #expect(pair.bob.metrics.received(.blobNone).bytes == UInt64(frame.count))
        #expect(pair.alice.metrics.sent(.hello).frames == 1 && pair.alice.metrics.received(.hello).frames == 1)
        #expect(pair.alice.metrics.bytesWritten == pair.bob.metrics.bytesReceived)
    }

    @Test func `every error has a number and a sentence of its own`() {
        let errors: [LinkError] = [
            .unknownLane(3), .reservedBits, .frameTooLong(.ops, bytes: 2, limit: 1), .unknownType(9), .notSpoken(.cert),
            .wrongLane(.ops, .bulk), .malformed(.ops, .truncated(at: 1)), .beforeHello(type: 2), .secondHello,
            .version(2), .wrongNetwork(id(1)), .ownID, .sameRole, .unexpectedPeer(id(1)), .terms("x"), .badSignature,
            .handshakeTimeout, .creditExceeded(.ops), .creditOverflow(.ops), .creditTooSmall, .pingFlood,
            .unexpectedPong, .dead(missedPings: 3), .chunkMismatch(body: id(1), chunk: 0),
        ]
        #expect(Set(errors.map(\.code)).count == errors.count)
        #expect(errors.allSatisfy { $0.code.rawValue >= 16 && $0.description.utf8.count <= SessionLimits.byeTextBytes })
        #expect(Set(errors.map(\.description)).count == errors.count)
    }
}
