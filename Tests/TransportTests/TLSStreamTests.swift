import Testing
import Wire

@testable import Transport

/// TLS without sockets: two streams whose bytes the test carries.
@Suite struct TLSStreamTests {
    private final class Party {
        let context: TLSContext
        let stream: TLSStream
        var exporter: Bytes?
        var plain = Bytes()
        var end: TLSStream.Reading.End?

        init(_ role: ConnectionRole, recordsPerKey: Int = 1_000) throws {
            context = try TLSContext(TLSProfile())
            stream = try TLSStream(context, role: role, recordsPerKey: recordsPerKey)
        }

        func takeOutput() -> Bytes {
            defer { context.clearOutput() }
            return Bytes(context.output)
        }

        func write(_ bytes: Bytes) -> Bytes {
            let error = bytes.withUnsafeBytes { stream.write($0) }
            #expect(error == nil)
            return takeOutput()
        }

        /// Takes bytes as a socket would deliver them; returns the answer, if any.
        func take(_ bytes: Bytes) throws -> Bytes {
            try bytes.withUnsafeBytes { bytes in
                stream.offer(bytes)
                defer { stream.withdraw() }
                if exporter == nil, try !stepHandshake() { return takeOutput() }
                let reading = stream.read(into: context.plain)
                plain += Bytes(context.plain[..<reading.count])
                end = reading.end
                return takeOutput()
            }
        }

        func stepHandshake() throws -> Bool {
            switch stream.handshake() {
            case .needsMore: return false
            case .failed(let error): throw error
            case .done(let exporter):
                self.exporter = exporter
                return true
            }
        }
    }

    /// Carries bytes to and fro, in pieces of `size`, until both are silent.
    private func converse(_ a: Party, _ b: Party, first: Bytes, size: Int = .max) throws {
        var (toB, toA) = (first, Bytes())
        while !toA.isEmpty || !toB.isEmpty {
            for piece in pieces(toB, size) { toA += try b.take(piece) }
            toB = []
            for piece in pieces(toA, size) { toB += try a.take(piece) }
            toA = []
        }
    }

    private func pieces(_ bytes: Bytes, _ size: Int) -> [Bytes] {
        stride(from: 0, to: bytes.count, by: min(size, max(1, bytes.count))).map { Bytes(bytes[$0...].prefix(size)) }
    }

    private func handshaken(size: Int = .max, recordsPerKey: Int = 1_000) throws -> (a: Party, b: Party) {
        let a = try Party(.initiator, recordsPerKey: recordsPerKey)
        let b = try Party(.acceptor)
        _ = try a.stepHandshake()
        try converse(a, b, first: a.takeOutput(), size: size)
        return (a, b)
    }

    @Test(arguments: [1, 7, 1_000, Int.max])
    func `a handshake succeeds however its bytes arrive`(size: Int) throws {
        let (a, b) = try handshaken(size: size)
        let exporter = try #require(a.exporter)
        #expect(b.exporter == exporter && exporter.count == 32)
    }

    @Test func `a record arrives whole or not at all`() throws {
        let (a, b) = try handshaken()
        let message = Bytes("one frame".utf8)
        let record = a.write(message)
        _ = try b.take(Bytes(record.dropLast()))
        #expect(b.plain.isEmpty)
        _ = try b.take([record.last!])
        #expect(b.plain == message)
    }

    @Test func `one altered bit ends the connection`() throws {
        let length = try handshaken().a.write([1, 2, 3]).count
        for at in [0, 4, 5, length - 1] {
            let (a, b) = try handshaken()
            var record = a.write([1, 2, 3])
            record[at] ^= 1
            _ = try b.take(record)
            guard case .failed(let error) = b.end else {
                // A longer record than was sent is not there yet; it never will be.
                #expect(at == 4 && b.plain.isEmpty)
                continue
            }
            #expect(error.code == .damaged && b.plain.isEmpty)
        }
    }

    @Test func `a record sent twice ends the connection`() throws {
        let (a, b) = try handshaken()
        let record = a.write([1])
        _ = try b.take(record)
        _ = try b.take(record)
        guard case .failed = b.end else {
            Issue.record("a replayed record was accepted")
            return
        }
        #expect(b.plain == [1])
    }

    @Test func `bytes before a goodbye are delivered with it`() throws {
        let (a, b) = try handshaken()
        var bytes = a.write([1, 2])
        a.stream.shutdown()
        bytes += a.takeOutput()
        _ = try b.take(bytes)
        guard case .goodbye = b.end else {
            Issue.record("the goodbye was not seen")
            return
        }
        #expect(b.plain == [1, 2])
    }

    @Test func `the largest record fits the room kept for it, a change of keys included`() throws {
        let (a, b) = try handshaken(recordsPerKey: 1)
        let message = Bytes(repeating: 9, count: TLSStream.recordCapacity)
        for _ in 0..<3 {
            let record = a.write(message)
            #expect(record.count <= TLSStream.recordRoom)
            _ = try b.take(record)
        }
        #expect(b.plain == message + message + message)
    }

    @Test func `an acceptor sends no ticket after the handshake`() throws {
        let (a, b) = (try Party(.initiator), try Party(.acceptor))
        _ = try a.stepHandshake()
        let flight = try b.take(a.takeOutput())
        let finished = try a.take(flight)
        let after = try b.take(finished)
        #expect(b.exporter != nil && after.isEmpty)
    }
}
