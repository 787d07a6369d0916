import Session
import Testing
import Wire

/// All items of a stream that comes in pieces of `chunk` bytes.
private func read(
    _ stream: Bytes, chunk: Int, onlyHello: Bool = false
) throws(LinkError) -> [FrameReader.Item] {
    var reader = FrameReader(onlyHello: onlyHello)
    var items = [FrameReader.Item]()
    for start in stride(from: 0, to: stream.count, by: chunk) {
        var input = stream[start..<min(start + chunk, stream.count)]
        while let item = try reader.next(from: &input) { items.append(item) }
    }
    return items
}

@Suite struct FrameTests {
    @Test func `a frame is length, type, lane, zero, body`() {
        #expect(Hex.encode(wire(.ping(nonce: 24))) == "00000003" + "02" + "00" + "0000" + "811818")
        #expect(Hex.encode(wire(.ops([[7]]))) == "00000003" + "04" + "01" + "0000" + "814107")
        #expect(Hex.encode(wire(.bye(.shutdown, "x"))) == "00000004" + "16" + "00" + "0000" + "82006178")
    }

    @Test(arguments: [1, 2, 3, 7, 8, 9, 64, 1_000_000])
    func `frames are the same whatever the chunks`(chunk: Int) throws {
        let frames = Samples.oneOfEach.map { $0.frame() }
        let stream = frames.flatMap { $0.encode() }
        #expect(try read(Bytes(stream), chunk: chunk) == frames.map { .frame($0) })
    }

    @Test func `an empty body is a frame`() throws {
        #expect(try read(rawFrame(type: 2), chunk: 3) == [.frame(Frame(kind: .ping, body: []))])
    }

    static let refused: [(Bytes, LinkError)] = [
        (rawFrame(type: 2, lane: 3), .unknownLane(3)),
        (rawFrame(type: 0x90, lane: 255), .unknownLane(255)),
        (rawFrame(type: 2, zero: [0, 1]), .reservedBits),
        (rawFrame(type: 2, zero: [0x80, 0]), .reservedBits),
        (rawFrame(type: 0), .unknownType(0)),
        (rawFrame(type: 26), .unknownType(26)),
        (rawFrame(type: 0x7F), .unknownType(0x7F)),
        (rawFrame(type: 15), .notSpoken(.vote)),
        (rawFrame(type: 18), .notSpoken(.pollReply)),
        (rawFrame(type: 4, lane: 0), .wrongLane(.ops, .control)),
        (rawFrame(type: 2, lane: 2), .wrongLane(.ping, .bulk)),
        (rawFrame(type: 9, length: 65_537), .frameTooLong(.control, bytes: 65_537, limit: 65_536)),
        (rawFrame(type: 4, lane: 1, length: 262_145), .frameTooLong(.ops, bytes: 262_145, limit: 262_144)),
        (rawFrame(type: 12, lane: 2, length: 262_145), .frameTooLong(.bulk, bytes: 262_145, limit: 262_144)),
        (
            rawFrame(type: 0x80, lane: 2, length: 0xFFFF_FFFF),
            .frameTooLong(.bulk, bytes: 0xFFFF_FFFF, limit: 262_144)
        ),
    ]

    @Test(arguments: refused)
    func `a wrong head is refused by name before its body is kept`(head: Bytes, error: LinkError) {
        #expect(throws: error) { try read(Bytes(head.prefix(8)), chunk: 8) }
        #expect(throws: error) { try read(wire(.ping(nonce: 1)) + head, chunk: 1) }
    }

    @Test func `the longest frame of each lane is taken`() throws {
        for (type, lane, length) in [(9, 0, 65_536), (4, 1, 262_144), (12, 2, 262_144)] as [(UInt8, UInt8, Int)] {
            let stream = rawFrame(type: type, lane: lane, body: Bytes(repeating: 0, count: length))
            #expect(try read(stream, chunk: 4_096).count == 1)
        }
    }

    @Test func `unknown types from 0x80 on are read over without keeping their bodies`() throws {
        var reader = FrameReader(onlyHello: false)
        let body = Bytes(repeating: 0xFF, count: 200_000)
        var input = rawFrame(type: 0x80, lane: 1, body: body).prefix(100_000)
        #expect(try reader.next(from: &input) == nil)
        #expect(reader.buffered == 8)
        var rest = (rawFrame(type: 0x80, lane: 1, body: body) + wire(.pong(nonce: 3)))[100_000...]
        guard case .skipped(let header) = try reader.next(from: &rest) else {
            Issue.record("the frame was not skipped")
            return
        }
        #expect(header.frameBytes == 200_008 && header.lane == .ops)
        #expect(try reader.next(from: &rest) == .frame(Message.pong(nonce: 3).frame()))
        #expect(try reader.next(from: &rest) == nil)
    }

    @Test func `before HELLO nothing but a short HELLO is read`() throws {
        #expect(throws: LinkError.beforeHello(type: 2)) { try read(wire(.ping(nonce: 1)), chunk: 1, onlyHello: true) }
        #expect(throws: LinkError.beforeHello(type: 0x80)) { try read(rawFrame(type: 0x80), chunk: 8, onlyHello: true) }
        #expect(throws: LinkError.frameTooLong(.control, bytes: 4_097, limit: 4_096)) {
            try read(rawFrame(type: 1, length: 4_097), chunk: 8, onlyHello: true)
        }
        #expect(try read(wire(Samples.oneOfEach[0]), chunk: 5, onlyHello: true).count == 1)
    }

    @Test func `random bytes never hold more than one frame's worth of memory`() {
        var random = Random(seed: 7)
        for _ in 0..<2_000 {
            var reader = FrameReader(onlyHello: random.chance(0.2))
            var left = 20
            do throws(LinkError) {
                while left > 0 {
                    left -= 1
                    // Often a head that passes, so that bodies are reached.
                    let noise = Samples.bytes(random.below(200), &random)
                    let lane = UInt8(random.below(3))
                    let kind = MessageKind.allCases[random.below(MessageKind.allCases.count)]
                    let head = rawFrame(type: kind.rawValue, lane: lane, length: random.below(300_000))
                    var input = (random.chance(0.7) ? Bytes(head.prefix(8)) + noise : noise)[...]
                    while try reader.next(from: &input) != nil {}
                    #expect(reader.buffered <= 8 + 262_144)
                }
            } catch {
                #expect(error.isBreach)
            }
        }
    }
}
