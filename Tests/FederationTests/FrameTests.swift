import Federation
import Testing
import Wire

@Suite struct FrameTests {
    private let delta: Delta = {
        var random = Random(seed: 4)
        return Fixture.delta(&random, announced: 30)
    }()

    private func fault(_ body: Bytes) -> FrameFault? {
        do throws(FederationError) {
            _ = try Delta(body: body)
            return nil
        } catch {
            guard case .frame(let fault) = error else { return nil }
            return fault
        }
    }

    @Test func `a bomb is refused by its claim`() {
        #expect(
            fault(StoredFrame(repeating: 0, count: Delta.maxRawBytes + 1).bytes)
                == .bomb(declared: UInt64(Delta.maxRawBytes) + 1, limit: Delta.maxRawBytes))
        var liar = StoredFrame([1])
        liar.claim = .max
        #expect(fault(liar.bytes) == .bomb(declared: .max, limit: Delta.maxRawBytes))
    }

    @Test func `a bomb that claims less than it holds is refused`() {
        var liar = StoredFrame(repeating: 0, count: 100 << 20)
        liar.claim = 1000
        #expect(fault(liar.bytes) == .corrupt)
        liar.isSingleSegment = false
        #expect(fault(liar.bytes) == .corrupt)
    }

    @Test func `a frame that holds less than it claims is refused`() {
        var liar = StoredFrame([1, 2, 3])
        liar.claim = 4
        #expect(fault(liar.bytes) == .corrupt)
    }

    @Test func `nothing may follow the frame`() {
        let body = delta.body
        #expect(fault(body + [0]) == .trailing)
        #expect(fault(body + body) == .trailing)
        #expect(fault(body + StoredFrame([]).bytes) == .trailing)
    }

    @Test func `a skippable frame, a dictionary, a checksum and reserved bits are refused`() {
        var skippable = StoredFrame([1])
        skippable.magic = [0x50, 0x2A, 0x4D, 0x18]
        #expect(fault(skippable.bytes) == .foreignHeader)
        for bit: UInt8 in [1, 2, 3, 4, 8, 16] {
            var frame = StoredFrame([1])
            frame.extraFlags = bit
            #expect(fault(frame.bytes) == .foreignHeader)
        }
    }

    @Test func `the content size is declared in its shortest form`() {
        var without = StoredFrame([1, 2])
        without.isSingleSegment = false
        #expect(fault(without.bytes) == .noContentSize)
        for (count, flag) in [(300, 2), (300, 3), (70_000, 3)] {
            var longer = StoredFrame(repeating: 1, count: count)
            longer.sizeFlag = flag
            #expect(fault(longer.bytes) == .noContentSize)
        }
    }

    @Test func `an empty and an overlong body are refused`() {
        #expect(fault([]) == .empty)
        let long = Bytes(repeating: 0, count: Delta.maxBodyBytes + 1)
        #expect(fault(long) == .tooLong(bytes: long.count, limit: Delta.maxBodyBytes))
    }

    @Test func `a window beside the size is allowed`() throws {
        var frame = StoredFrame(Bytes(repeating: 7, count: 300))
        frame.isSingleSegment = false
        // The frame is read; its content is no delta.
        #expect(throws: FederationError.malformed(body: .delta, .unexpected(at: 0, wanted: "an array"))) {
            try Delta(body: frame.bytes)
        }
    }
}
