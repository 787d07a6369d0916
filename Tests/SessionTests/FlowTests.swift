import Identity
import Session
import Testing
import Wire

/// Two greeted links and everything between them: bytes on their way, messages not yet processed.
private struct Conversation {
    struct End {
        var link: Link
        /// Bytes on their way to this end.
        var incoming = Bytes()
        var toProcess: [(lane: Lane, bytes: Int)] = []
        var unconfirmed = 0
        var accepted = PerLane<[Message]> { _ in [] }
        var delivered = PerLane<[Message]> { _ in [] }
    }

    var ends: [End]
    var now = start

    init(transportLimit: Int?) {
        let pair = Pair(transportLimit: transportLimit)
        ends = [End(link: pair.alice), End(link: pair.bob)]
    }

    /// Carries out what the link at `end` wants.
    mutating func act(_ outputs: [Link.Output], at end: Int) {
        for output in outputs {
            switch output {
            case .write(let bytes):
                ends[1 - end].incoming += bytes
                ends[end].unconfirmed += bytes.count
            case .message(let message, let lane, let bytes):
                ends[end].delivered[lane].append(message)
                ends[end].toProcess.append((lane, bytes))
            case .established, .close: Issue.record("\(output)")
            }
        }
    }

    mutating func send(_ message: Message, from end: Int) {
        guard let outputs = try? ends[end].link.send(message) else { return }
        ends[end].accepted[message.kind.lane].append(message)
        act(outputs, at: end)
    }

    mutating func deliver(_ count: Int, to end: Int) {
        let part = Bytes(ends[end].incoming.prefix(count))
        ends[end].incoming.removeFirst(part.count)
        act(ends[end].link.received(part, now: now), at: end)
    }

    /// Processes some message that waits, not always the oldest.
    mutating func process(at end: Int, _ random: inout Random) {
        guard !ends[end].toProcess.isEmpty else { return }
        let done = ends[end].toProcess.remove(at: random.below(ends[end].toProcess.count))
        act(ends[end].link.processed(lane: done.lane, bytes: done.bytes, now: now), at: end)
    }

    mutating func confirm(at end: Int) {
        let count = ends[end].unconfirmed
        ends[end].unconfirmed = 0
        act(ends[end].link.written(count), at: end)
    }

    mutating func drain(_ random: inout Random) {
        for _ in 0..<100_000 {
            let isQuiet = ends.allSatisfy { $0.incoming.isEmpty && $0.toProcess.isEmpty && $0.unconfirmed == 0 }
            if isQuiet { return }
            for end in 0...1 {
                deliver(ends[end].incoming.count, to: end)
                process(at: end, &random)
                confirm(at: end)
            }
        }
    }

    func expectDrained(_ seed: UInt64) {
        for (end, other) in [(0, 1), (1, 0)] {
            for lane in Lane.allCases {
                #expect(ends[end].link.queued(on: lane) == 0, "seed \(seed)")
                #expect(ends[other].delivered[lane] == ends[end].accepted[lane], "seed \(seed), lane \(lane)")
            }
            #expect(ends[end].link.unprocessed == 0 && ends[end].link.isEstablished)
        }
    }
}

@Suite struct FlowTests {
    @Test(arguments: 0..<30 as Range<UInt64>)
    func `whatever is taken arrives in order, and both sides always drain`(seed: UInt64) {
        var random = Random(seed: seed)
        var talk = Conversation(transportLimit: seed.isMultiple(of: 2) ? nil : 1 + random.below(300_000))
        for _ in 0..<400 {
            let end = random.below(2)
            switch random.below(4) {
            case 0: talk.send(Samples.message(&random), from: end)
            case 1: talk.deliver(random.below(200_000), to: end)
            case 2: talk.process(at: end, &random)
            default: talk.confirm(at: end)
            }
            #expect(talk.ends[end].link.unprocessed <= Lane.allCases.reduce(0) { $0 + $1.window })
        }
        talk.drain(&random)
        talk.expectDrained(seed)
    }

    @Test func `the longest frames never wait for credit that does not come`() {
        // A frame of exactly the lane's limit, after crumbs that fill half of the window to 4 bytes: a peer
        // that returned credit only from half a window on would now wait for this node, and this node for it.
        let longest = Message.ops(
            Array(repeating: Bytes(repeating: 1, count: 7_168), count: 36) + [Bytes(repeating: 2, count: 3_983)])
        #expect(longest.frame().body.count == Lane.ops.frameLimit)
        for crumbs in 0...60 {
            var random = Random(seed: UInt64(crumbs))
            var talk = Conversation(transportLimit: nil)
            for _ in 0..<crumbs { talk.send(.ops([Bytes(repeating: 3, count: 4_357)]), from: 0) }
            for _ in 0..<4 { talk.send(longest, from: 0) }
            talk.drain(&random)
            talk.expectDrained(UInt64(crumbs))
        }
    }

    /// `TokenBucket.take` never gives more than the burst at once.
    @Test func `credit that is due can be returned, however full all windows were`() {
        #expect(Lane.allCases.reduce(0) { $0 + $1.window } <= Int(SessionLimits.bytesBurst))
        for lane in Lane.allCases { #expect(8 + lane.frameLimit <= lane.window * 3 / 4, "\(lane)") }
    }

    @Test func `who sends faster than it may waits for credit, and loses nothing`() {
        var random = Random(seed: 5)
        var talk = Conversation(transportLimit: nil)
        let chunk = Message.ops(Array(repeating: Bytes(repeating: 1, count: 7_000), count: 30))
        let size = UInt64(chunk.frame().frameBytes)
        var sent: UInt64 = 0
        func pass(_ milliseconds: UInt64) {
            for _ in 0..<milliseconds / 10 {
                talk.now = talk.now + 10
                for end in 0...1 { talk.act(talk.ends[end].link.tick(now: talk.now), at: end) }
                while talk.ends[0].link.queued(on: .ops) < Lane.ops.queueLimit / 2 {
                    talk.send(chunk, from: 0)
                    sent += size
                }
                talk.drain(&random)
            }
        }
        // A full bucket, then what comes back each second; what is on its way or waits is not through.
        pass(3_000)
        let through = UInt64(talk.ends[1].delivered[.ops].count) * size
        let most = SessionLimits.bytesBurst + 3 * SessionLimits.bytesPerSecond + UInt64(Lane.ops.window)
        #expect(through <= most && through > most - most / 10, "\(through) of \(most)")
        #expect(talk.ends[1].link.metrics.throttled > 0)
        pass(1_000)
        #expect(UInt64(talk.ends[1].delivered[.ops].count) * size > through + SessionLimits.bytesPerSecond * 9 / 10)
        // It stops, and all that was taken arrives.
        for _ in 0..<100 {
            talk.now = talk.now + 100
            for end in 0...1 { talk.act(talk.ends[end].link.tick(now: talk.now), at: end) }
            talk.drain(&random)
        }
        talk.expectDrained(5)
        #expect(UInt64(talk.ends[1].delivered[.ops].count) * size == sent)
    }

    @Test func `one byte at a time gives the same messages`() {
        var random = Random(seed: 99)
        var messages = [Message]()
        var size = 0
        while size < 60_000 {
            let message = Samples.message(&random)
            guard message.frame().frameBytes < 10_000 else { continue }
            messages.append(message)
            size += message.frame().frameBytes
        }
        var pair = Pair()
        var got = [Message]()
        for byte in messages.flatMap(wire) {
            for output in pair.bob.received([byte], now: start) {
                guard case .message(let message, let lane, let bytes) = output else { continue }
                got.append(message)
                _ = pair.bob.processed(lane: lane, bytes: bytes, now: start)
            }
        }
        #expect(got == messages)
    }

    @Test(arguments: 0..<20 as Range<UInt64>)
    func `noise on an open link ends it by name or changes nothing`(seed: UInt64) {
        var random = Random(seed: seed)
        for _ in 0..<100 {
            var pair = Pair()
            var now = start
            for _ in 0..<50 where !pair.bob.isClosed {
                var stream = wire(Samples.oneOfEach[random.below(Samples.oneOfEach.count)])
                if random.chance(0.5) { stream[random.below(stream.count)] ^= 1 << UInt8(random.below(8)) }
                if random.chance(0.1) { stream = Samples.bytes(random.below(64), &random) }
                now = now + UInt64(random.below(500))
                let outputs = pair.bob.received(stream, now: now)
                if pair.bob.isClosed {
                    #expect(outputs.closeReason != nil, "the last output is the close")
                    if case .close = outputs.last {} else { Issue.record("something follows the close") }
                }
                #expect(pair.bob.unprocessed <= 64 * 1_024)
            }
        }
    }
}
