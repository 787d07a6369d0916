import Identity
@testable import Session
import Testing
import Wire

@Suite struct MessageTests {
    @Test func `the numbers of the protocol are all taken, once`() {
        let numbers = MessageKind.allCases.map(\.rawValue) + ReservedKind.allCases.map(\.rawValue)
        #expect(numbers.sorted() == Array(1...25))
        #expect(Set(Samples.oneOfEach.map(\.kind)) == Set(MessageKind.allCases), "the samples leave no kind out")
    }

    @Test func `every kind round-trips, to the byte`() throws {
        for message in Samples.oneOfEach {
            let frame = message.frame()
            #expect(try Message(frame) == message)
            #expect(try Message(frame).frame() == frame)
        }
    }

    @Test func `random messages round-trip, to the byte`() throws {
        var random = Random(seed: 1)
        for _ in 0..<300 {
            let message = Samples.message(&random)
            let frame = message.frame()
            let back = try Message(frame)
            #expect(back == message)
            #expect(back.frame() == frame)
        }
    }

    @Test func `every prefix is refused, and so is one byte more`() {
        for message in Samples.oneOfEach {
            let frame = message.frame()
            for length in 0..<frame.body.count {
                #expect(throws: LinkError.self) {
                    try Message(Frame(kind: frame.kind, body: Bytes(frame.body.prefix(length))))
                }
            }
            #expect(throws: LinkError.malformed(frame.kind, .trailing(at: frame.body.count))) {
                try Message(Frame(kind: frame.kind, body: frame.body + [0]))
            }
        }
    }

    @Test func `what is decoded after any change is canonical`() {
        var random = Random(seed: 2)
        var accepted = 0
        for round in 0..<20_000 {
            let frame = Samples.oneOfEach[round % Samples.oneOfEach.count].frame()
            var body = frame.body
            for _ in 0...random.below(3) {
                switch random.below(3) {
                case 0: body[random.below(body.count)] ^= 1 << UInt8(random.below(8))
                case 1: body.insert(UInt8(random.below(256)), at: random.below(body.count + 1))
                default: if body.count > 1 { body.remove(at: random.below(body.count)) }
                }
            }
            let altered = Frame(kind: frame.kind, body: body)
            guard let message = try? Message(altered) else { continue }
            accepted += 1
            #expect(message.frame() == altered)
        }
        #expect(accepted > 100, "the test reaches accepted messages")
    }

    @Test func `random bytes are no message and no crash`() {
        var random = Random(seed: 3)
        for _ in 0..<20_000 {
            let kind = MessageKind.allCases[random.below(MessageKind.allCases.count)]
            let frame = Frame(kind: kind, body: Samples.bytes(random.below(120), &random))
            if let message = try? Message(frame) { #expect(message.frame() == frame) }
        }
    }

    /// Bodies as hexadecimal, each one step beyond a limit or a rule.
    static let refused: [(MessageKind, String, String)] = [
        (.ping, "80", "no nonce"),
        (.ping, "820101", "two nonces"),
        (.ping, "811801", "a nonce in a longer form"),
        (.ping, "8120", "a negative nonce"),
        (.ping, "9f01ff", "an indefinite array"),
        (.ping, "a10101", "a map"),
        (.ops, "80", "no envelope"),
        (.ops, "8140", "an empty envelope"),
        (.ops, "81591c01" + String(repeating: "00", count: 7_169), "an envelope over 7 KiB"),
        (.ops, "990401", "1,025 envelopes"),
        (.ihave, "80", "no id"),
        (.ihave, "81" + "581f" + String(repeating: "00", count: 31), "a short id"),
        (.ihave, "990401", "1,025 ids"),
        (.credit, "820101", "two lanes"),
        (.credit, "83001a0400000100", "more than 64 MiB"),
        (.bye, "8200", "no text"),
        (.bye, "821a0001000060", "a code over 16 bits"),
        (.bye, "820059010178", "bytes for text"),
        (.bye, "8200790101" + String(repeating: "78", count: 257), "257 bytes of text"),
        (.bye, "820062c328", "text that is not UTF-8"),
        (.equivocation, "8241014101", "twice the same envelope"),
        (.equivocation, "814101", "one envelope"),
        (.blobNone, "80", "no hash"),
        (.graft, "80", "no id"),
        (.prune, "8100", "a number for an author"),
        (.peers, "80", "no kind"),
        (.peers, "830003f6", "urgency 3"),
        (.peers, "8106", "kind 6"),
        (.peers, "820105", "a number for a boolean"),
        (.peers, "820381825820" + String(repeating: "00", count: 32) + "60", "an empty address"),
        (.peers, "830207825820" + String(repeating: "00", count: 32) + "6161", "seven hops"),
        (.peers, "820391", "17 peers"),
        (.peers, "820500", "an item too many"),
    ]

    @Test(arguments: refused)
    func `a malformed body is refused with its kind`(kind: MessageKind, hex: String, why: String) {
        let error = #expect(throws: LinkError.self, "\(why)") {
            try Message(Frame(kind: kind, body: Hex.decode(hex)!))
        }
        guard case .malformed(kind, _) = error else {
            Issue.record("\(why): \(String(describing: error))")
            return
        }
    }

    @Test func `a frontier ascends strictly and has at most 256 entries`() {
        func entry(_ author: UInt8, _ log: UInt64) -> FrontierEntry {
            FrontierEntry(author: id(author), log: LogID(rawValue: log), seq: 1, head: id(0))
        }
        /// Encoded by hand: `Message.frame()` would stop at our own mistake.
        func body(_ entries: [FrontierEntry]) -> Frame {
            var encoder = CBOREncoder()
            encoder.array(4)
            encoder.bytes(Bytes(repeating: 0, count: 32))
            encoder.bytes(Bytes(repeating: 0, count: 32))
            encoder.array(entries.count)
            for entry in entries {
                encoder.array(5)
                encoder.bytes(entry.author.bytes)
                encoder.bytes(entry.log.bytes)
                encoder.uint(entry.seq)
                encoder.bytes(entry.head.bytes)
                encoder.null()
            }
            encoder.bool(false)
            return Frame(kind: .frontier, body: encoder.bytes)
        }
        #expect(throws: Never.self) { try Message(body([])) }
        #expect(throws: Never.self) { try Message(body([entry(1, 2), entry(1, 3), entry(2, 0)])) }
        for wrong in [[entry(1, 2), entry(1, 2)], [entry(1, 3), entry(1, 2)], [entry(2, 0), entry(1, 9)]] {
            #expect(throws: LinkError.self) { try Message(body(wrong)) }
        }
        let many = (0..<257).map { entry(1, UInt64($0)) }
        #expect(throws: Never.self) { try Message(body(Array(many.dropLast()))) }
        #expect(throws: LinkError.self) { try Message(body(many)) }
    }

    @Test func `ranges to pull ascend and do not overlap`() {
        func refuses(_ ranges: [(UInt64, UInt64)]) -> Bool {
            var encoder = CBOREncoder()
            encoder.array(ranges.count)
            for (from, through) in ranges {
                encoder.array(4)
                encoder.bytes(Bytes(repeating: 1, count: 32))
                encoder.bytes(Bytes(repeating: 2, count: 8))
                encoder.uint(from)
                encoder.uint(through)
            }
            return (try? Message(Frame(kind: .pull, body: encoder.bytes))) == nil
        }
        #expect(!refuses([(1, 5), (6, 6), (8, 9)]))
        #expect(refuses([(1, 5), (5, 6)]))
        #expect(refuses([(8, 9), (1, 2)]))
        #expect(refuses([(5, 4)]))
        #expect(refuses([]))
    }

    @Test func `ranges of a frontier ascend, are apart, and hold what they list`() {
        func bound(_ author: UInt8) -> LogBound { LogBound(author: id(author), log: LogID(rawValue: 0)) }
        func entry(_ author: UInt8) -> FrontierEntry {
            FrontierEntry(author: id(author), log: LogID(rawValue: 0), seq: 1, head: id(0))
        }
        func hash(_ from: UInt8, _ below: UInt8?) -> FrontierRange {
            FrontierRange(from: bound(from), below: below.map(bound), content: .fingerprint(id(1)))
        }
        func list(_ from: UInt8, _ below: UInt8?, _ entries: [FrontierEntry]) -> FrontierRange {
            FrontierRange(from: bound(from), below: below.map(bound), content: .entries(entries, isQuestion: true))
        }
        func isAccepted(_ ranges: [FrontierRange]) -> Bool {
            var encoder = CBOREncoder()
            ReconcileMessage(digest: id(1), state: id(2), ranges: ranges).encode(into: &encoder)
            return (try? Message(Frame(kind: .reconcile, body: encoder.bytes))) != nil
        }
        #expect(isAccepted([hash(1, 2), list(2, 4, [entry(2), entry(3)]), hash(5, nil)]))
        #expect(!isAccepted([]))
        #expect(!isAccepted([hash(1, 3), hash(2, 4)]), "they overlap")
        #expect(!isAccepted([hash(2, 3), hash(1, 2)]), "they descend")
        #expect(!isAccepted([hash(1, nil), hash(2, 3)]), "behind the end")
        #expect(!isAccepted([hash(2, 2)]), "empty")
        #expect(!isAccepted([list(2, 4, [entry(4)])]) && !isAccepted([list(2, 4, [entry(1)])]), "outside")
        #expect(!isAccepted([list(2, 4, [entry(3), entry(2)])]), "entries that descend")
        let one = (0..<129).map { FrontierEntry(author: id(1), log: LogID(rawValue: $0), seq: 1, head: id(0)) }
        let two = (0..<128).map { FrontierEntry(author: id(2), log: LogID(rawValue: $0), seq: 1, head: id(0)) }
        #expect(isAccepted([list(1, 2, Array(one.dropLast())), list(2, 3, two)]))
        #expect(!isAccepted([list(1, 2, one), list(2, 3, two)]), "257 entries in all")
    }

    @Test func `an equal frontier costs at most 120 bytes`() {
        #expect(wire(.frontier(.summary(digest: id(1), state: id(2)))).count == 77)
    }

    @Test func `long lists are split into frames that a peer takes`() throws {
        var random = Random(seed: 5)
        let envelopes = (0..<3_000).map { Bytes(repeating: UInt8($0 & 255), count: 1 + random.below(7_168)) }
        let batches = Message.ops(batching: envelopes)
        #expect(batches.allSatisfy { $0.frame().body.count <= 64 * 1_024 + 8 })
        let back = batches.flatMap { message -> [Bytes] in
            if case .ops(let list) = message { list } else { [] }
        }
        #expect(back == envelopes)
        #expect(Message.ops(batching: []).isEmpty)
        #expect(Message.ops(batching: Array(repeating: [1], count: 2_500)).count == 3)

        let entries = (0..<600).map {
            FrontierEntry(author: id(UInt8($0 % 7)), log: LogID(rawValue: UInt64($0)), seq: 1, head: id(1))
        }
        let pages = FrontierMessage.pages(digest: id(1), state: id(2), entries: entries)
        #expect(pages.count == 3)
        #expect(throws: Never.self) { try pages.forEach { _ = try Message(Message.frontier($0).frame()) } }
        let nothing = FrontierMessage.pages(digest: id(1), state: id(2), entries: [])
        #expect(nothing == [.full(digest: id(1), state: id(2), entries: [], more: false)])
    }
}
